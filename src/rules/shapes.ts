/** What the arguments of a system call are: see struct call_shape in bpf/rule.h. */

export interface CallShape {
  /** Arguments (0-based) that point to a path name. */
  readonly paths: readonly number[]
  /** Arguments that are descriptors, dirfds included. */
  readonly fds: readonly number[]
  /** Arguments that point to a struct sockaddr whose length is the next argument. */
  readonly sockaddrs: readonly number[]
}

/** The shape of a call by name; all empty where it has neither path, descriptor nor address. */
export function callShape(_name: string): CallShape {
  return { paths: [], fds: [], sockaddrs: [] }
}

/**
 * Every error that minderbinder reports of itself. Codes are stable within a major version; texts are not.
 * A message says what, where and why; `hint` says what to do about it. The man page lists the codes (ERRORS).
 */
export const errorCodes = {
  MB_USAGE: 'the command line is wrong',
  MB_FAULT_SYNTAX: 'a fault does not follow the grammar',
  MB_UNKNOWN_NAME: 'a system call, errno, family, key, signal or unit does not exist',
  MB_FAULT_VALUE: 'a value in a fault is out of its range, or contradicts another',
  MB_CONFIG: 'a configuration file cannot be read, or is wrong',
  MB_NOT_FAULTABLE: 'no engine can fault the system call',
  MB_NO_PERMISSION: 'a privilege is missing',
  MB_NAMESPACE: 'a namespace hides a part of the machine that is needed',
  MB_NO_CGROUP2: 'no cgroup v2 hierarchy is mounted, or the cgroup of minderbinder is not in it',
  MB_CGROUP: 'a cgroup cannot be made, or the one that a rule names does not exist',
  MB_NO_ENGINE: 'no engine can honour the rule here',
  MB_LIBBPF: 'libbpf is missing or too old',
  MB_ATTACH: 'a BPF program does not load or attach',
  MB_INTERFACE: 'a network interface does not exist',
  MB_SECCOMP: 'the kernel refuses a seccomp listener',
  MB_PTRACE: 'the kernel does not let the command be traced',
  MB_USER: 'the user of --user, or the group of --group, does not exist',
  MB_OUTPUT: 'a file named for output cannot be written',
  MB_TERMINAL: 'the terminal that graphs need is not there, or the command needs it',
  MB_METRICS: 'metrics cannot be served at the address of --metrics',
  MB_CONTROL: 'the control socket cannot be used, or a request to it is wrong',
  MB_NEVER_FIRED: 'a fault of a test never fired',
  MB_LAUNCHER: 'the native launcher is missing, died or broke the protocol',
  MB_EXEC_NOT_FOUND: 'the command does not exist',
  MB_EXEC_FAILED: 'the command exists but cannot be executed',
  MB_INTERNAL: 'minderbinder has a bug',
} as const

export type ErrorCode = keyof typeof errorCodes

/** Exit statuses of `exec` that are not the child's (section EXIT STATUS of the man page). */
export const exitStatus = {
  notHit: 122,
  failed: 125,
  cannotExecute: 126,
  notFound: 127,
} as const

export interface ErrorDetails {
  /** What the user can do about it. */
  readonly hint?: string
  /** The text the error is in, with the offending part marked: printed with a caret under it. */
  readonly excerpt?: { readonly text: string; readonly start: number; readonly length: number }
  /** Shown with --debug only. */
  readonly detail?: string
  /** Found at the same time: each is an error of its own. */
  readonly more?: readonly MinderbinderError[]
  readonly cause?: unknown
}

/** An error meant for the user; anything else that is thrown is a bug and reported as MB_INTERNAL. */
export class MinderbinderError extends Error {
  override readonly name = 'MinderbinderError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly excerpt: ErrorDetails['excerpt'] | undefined
  readonly detail: string | undefined
  readonly more: readonly MinderbinderError[]

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.hint = details.hint
    this.excerpt = details.excerpt
    this.detail = details.detail
    this.more = details.more ?? []
  }
}

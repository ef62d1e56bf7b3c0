/** Are we where the whole machine can be seen? */
import { readlinkSync } from 'node:fs'

/** Of that process, or of ours; undefined if it is gone. Two are the same where the texts are. */
export function networkNamespace(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return undefined
  }
}

/** include/linux/proc_ns.h: PROC_PID_INIT_INO, PROC_CGROUP_INIT_INO */
const first = { pid: 0xeffffffc, cgroup: 0xeffffffb } as const

/** Is this process in the machine's first namespace of that kind, and not in a container's? */
export function isInFirstNamespace(kind: keyof typeof first): boolean {
  return readlinkSync(`/proc/self/ns/${kind}`) === `${kind}:[${first[kind]}]`
}

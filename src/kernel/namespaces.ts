/** Are we where the whole machine can be seen? */
import { readlinkSync } from 'node:fs'

/** include/linux/proc_ns.h: PROC_PID_INIT_INO, PROC_CGROUP_INIT_INO */
const first = { pid: 0xeffffffc, cgroup: 0xeffffffb } as const

/** Is this process in the machine's first namespace of that kind, and not in a container's? */
export function isInFirstNamespace(kind: keyof typeof first): boolean {
  return readlinkSync(`/proc/self/ns/${kind}`) === `${kind}:[${first[kind]}]`
}

/** What bpf/target.bpf.h and those who fill its maps agree on. */

/** Processes that are followed at one time. */
export const PROCESSES_MAX = 32_768
/** TICK_NS: nanoseconds in a tick of /proc/PID/stat's starttime. */
export const TICK_NS = 10_000_000n

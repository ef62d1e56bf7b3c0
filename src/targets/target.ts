/** Processes that are targets, and where BPF programs look them up. */

/** A process that is a target. */
export interface TargetEntry {
  /** Thread group id in the first pid namespace. */
  readonly pid: number
  /** Clock ticks since boot: tells a process id that was used again. */
  readonly birth: bigint
  /** Rule indices. */
  readonly rules: readonly number[]
}

/** Which processes are targets of the rules that have targets, as the BPF programs look it up. */
export interface Targets {
  /** Descriptors of the maps `targets` and `turn` (bpf/target.bpf.h). */
  readonly map: number
  readonly turnMap: number
  /** On the machine, rules are in force while `turn` has this number. */
  readonly turn: number
}

/** Processes that are targets, and where BPF programs look them up. */
import type { Slot } from '../rules/rule.ts'

/** A process that is a target. */
export interface TargetEntry {
  /** Thread group id in the first pid namespace. */
  readonly pid: number
  /** Clock ticks since boot: tells a process id that was used again. */
  readonly birth: bigint
  /** Rows of its rules. */
  readonly rules: readonly number[]
}

/** Which processes are targets of a set of rules, as the BPF programs look it up. */
export interface Targets {
  /** Descriptors of the maps `targets` and `turn` (bpf/target.bpf.h). */
  readonly map: number
  readonly turnMap: number
  /** On the machine, the rules are in force while `turn` has this number. */
  readonly turn: number
  /** Row of the first rule in the sets of rules of a process: the others follow it. */
  readonly firstRow: number
  /** Slot of the first rule, likewise. On the machine it goes on where the row begins again, in another table. */
  readonly firstSlot: Slot
  /** Rules come and go: there may be so many rows in all. Left out: as many as the plan has rules. */
  readonly rows?: number
}

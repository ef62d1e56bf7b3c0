import type { RuleCounts } from '../../rules/rule.ts'

/** Rules in the maps of bpf/syscall.bpf.o: they are tried when it is their turn. */
export interface PlacedRules {
  /** By rule index. */
  counts(): Map<number, RuleCounts>
  /** Passes on their last events; no call is compared with them any more. */
  leave(): void
}

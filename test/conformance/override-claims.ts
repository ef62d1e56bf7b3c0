/** What the override engine says it can do: README's table, and the limits of its two ways into the kernel. */
import { type Fault, namesOf } from './fault.ts'

/** fmod_ret programs share the kernel's trampolines: so many calls, and only they can read memory at once. */
const MODIFIED_MAX = 16

export interface Ways {
  readonly modify: boolean
  readonly kprobe: boolean
  /** Two programs on one call, as path= takes. */
  readonly second: boolean
}

/** Why it must refuse these faults, or undefined where it must not. */
export function beyondOverride(faults: readonly Fault[], ways: Ways): string | undefined {
  const later = ({ outcome }: Fault) =>
    outcome.kind === 'drawn'
      ? outcome.pause !== ''
      : ['delay', 'several', 'signal', 'short'].includes(outcome.kind)
  if (faults.some(later)) return 'delays, signals and short calls are left to the supervisor'
  if (faults.some(({ scope }) => scope === 'thread')) return 'it does not count in threads'
  const withPath = faults.filter(({ path }) => path !== undefined)
  if (withPath.length > 0 && !(ways.modify && ways.second)) return 'path= needs fmod_ret and more'
  if (withPath.some(({ path }) => typeof path?.glob !== 'string')) return 'several path= of a rule'
  if (count(withPath) > MODIFIED_MAX) return `path= on more than ${MODIFIED_MAX} calls`
  if (ways.kprobe) return undefined
  if (faults.some(({ outcome }) => outcome.text === 'ret:0')) return 'ret:0 needs kprobes'
  return count(faults) > MODIFIED_MAX ? `more than ${MODIFIED_MAX} calls need kprobes` : undefined
}

function count(faults: readonly Fault[]): number {
  if (faults.some(({ wide }) => wide)) return Number.POSITIVE_INFINITY
  return new Set(faults.flatMap(namesOf)).size
}

/** Those that have calls in common with `fault`, itself too: they go to one engine. */
export function sharing(fault: Fault, faults: readonly Fault[]): readonly Fault[] {
  const names = new Set(namesOf(fault))
  return faults.filter((other) => namesOf(other).some((name) => names.has(name)))
}

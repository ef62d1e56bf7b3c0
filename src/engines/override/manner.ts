/** The two engines that bpf/syscall.bpf.c does: by where they meet a call. */
import { MinderbinderError } from '../../errors.ts'
import type { SyscallRule } from '../../rules/rule.ts'
import { availableWays, failableCalls } from './here.ts'
import { existingCalls } from './hook-here.ts'
import { chooseWays, type Way } from './ways.ts'

/** How calls are to be met, or why they cannot be. */
type Attempt = ReadonlyMap<string, Way> | string

export interface Manner {
  readonly name: 'override' | 'hook'
  /** The calls that the rules name, as far as they can be met here. */
  calls(rules: readonly SyscallRule[]): readonly string[]
  /** What to try, one after the other, for these of their calls. */
  attempts(rules: readonly SyscallRule[], calls: readonly string[]): readonly Attempt[]
}

export const atEntries: Manner = {
  name: 'override',
  calls: failableCalls,
  /** Kprobes alone where fmod_ret programs do not attach after all. */
  attempts: (rules, calls) =>
    [
      ...(availableWays.modify ? [availableWays] : []),
      ...(availableWays.kprobe ? [{ modify: false, kprobe: true, second: false }] : []),
    ].map((available) => chooseWays(rules, calls, available)),
}

export const atHooks: Manner = {
  name: 'hook',
  calls: existingCalls,
  attempts: (_, calls) => [new Map(calls.map((call) => [call, 'hook' as const]))],
}

/** What the first attempt gives that works. @throws {MinderbinderError} of the first that did not */
export async function attachSomehow<T>(
  { name }: Manner,
  attempts: readonly Attempt[],
  attach: (ways: ReadonlyMap<string, Way>) => Promise<T>,
): Promise<T> {
  let failure: unknown
  for (const ways of attempts) {
    if (typeof ways === 'string') {
      failure ??= new MinderbinderError('MB_NO_ENGINE', `${name} cannot do this here: ${ways}`)
      continue
    }
    try {
      return await attach(ways)
    } catch (error) {
      failure ??= error
    }
  }
  throw failure ?? new MinderbinderError('MB_NO_ENGINE', `${name} is turned off`)
}

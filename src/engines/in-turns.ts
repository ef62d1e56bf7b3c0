/** Rules in maps of the kernel, sets of which take turns: the machine's are replaced whole, and a command's stay. */
import { MinderbinderError } from '../errors.ts'
import type {
  AttachedEngine,
  Committed,
  Engine,
  EngineContext,
  EngineSnapshot,
  PreparedChange,
  RuleChange,
} from './engine.ts'

/** What an engine has at work for one set of rules. Nothing of it outlives close(). */
export interface RulesAtWork extends Omit<AttachedEngine, 'child' | 'refusal' | 'prepare'> {
  /**
   * The rules that are to follow these, by what is attached already: both sets are there until one is closed. Everything or
   * nothing.
   *
   * @returns undefined if they need more than is attached, and something has to be attached beside it
   * @throws {MinderbinderError}
   */
  next(context: EngineContext, indices: readonly number[]): Promise<RulesAtWork | undefined>
}

export type Begin = (context: EngineContext, indices: readonly number[]) => Promise<RulesAtWork>

const STAYS = 'its rules stay as they are while the command runs'

/** @param begin what `first` was made by: attaches everything or nothing */
export function inTurns(name: Engine['name'], begin: Begin, first: RulesAtWork): AttachedEngine {
  let current = first
  const replace = (rules: RulesAtWork): Promise<Committed> => {
    const before = current
    current = rules
    return end(before)
  }
  return {
    ...(first.tellsOfSpared === undefined ? {} : { tellsOfSpared: first.tellsOfSpared }),
    ready: async () => first.ready?.(),
    start: () => first.start?.(),
    adopt: async (target) => first.adopt?.(target),
    refusal: () => STAYS,
    async prepare({ add, context }: RuleChange): Promise<PreparedChange> {
      if (!context) throw new MinderbinderError('MB_NO_ENGINE', `${name}: ${STAYS}`)
      if (add.size === 0) return { commit: () => end(current), abandon: async () => {} }
      const indices = [...add.keys()]
      const rules = (await current.next(context, indices)) ?? (await begin(context, indices))
      await begun(rules)
      return {
        adopt: async (target) => rules.adopt?.(target),
        commit: () => replace(rules),
        abandon: () => rules.close(),
      }
    },
    lift: async () => current.lift?.(),
    snapshot: () => current.snapshot(),
    close: () => current.close(),
  }
}

/** Every fault can happen from here on, or nothing is left of it. @throws {MinderbinderError} */
export async function begun(
  rules: Pick<AttachedEngine, 'ready' | 'start' | 'close'>,
): Promise<void> {
  try {
    await rules.ready?.()
    rules.start?.()
  } catch (error) {
    await rules.close().catch(() => {}) // what went wrong first is what the user must hear of
    throw error
  }
}

/** Closed, whatever goes wrong on the way. */
async function end(rules: RulesAtWork): Promise<Committed> {
  let last: EngineSnapshot | undefined
  try {
    await rules.lift?.()
    last = await rules.snapshot()
    await rules.close()
    return { last }
  } catch (failure) {
    await rules.close().catch(() => {})
    return { last, failure }
  }
}

/** SIGHUP: replaces the rules in force by those that are in the files now, and reports it. */
import { counted } from '../../rules/words/numbers.ts'
import type { MachineSession } from '../../session/machine-session.ts'
import type { SessionSnapshot } from '../../session/session.ts'
import { errorText } from '../error-text.ts'
import type { RunRules } from './plan.ts'
import type { RunWords } from './words.ts'

/** What is told of the rules before. */
export interface Told {
  /** From now on `next` are in force. @param before what the rules until now did; undefined: that is not known */
  replaced(before: SessionSnapshot | undefined, next: RunRules): void
  /** The summary of them; empty: it is not for standard error. */
  summary(before: SessionSnapshot): string
}

/** @param planned the rules, or why they are none: then nothing changes */
export async function reload(
  session: Pick<MachineSession, 'change'>,
  planned: { readonly rules: RunRules } | { readonly error: unknown },
  words: Pick<RunWords, 'say' | 'introduce'>,
  told: Told,
): Promise<void> {
  if ('error' in planned) return stays(planned.error, words)
  const next = planned.rules
  let changed: Awaited<ReturnType<typeof session.change>>
  try {
    changed = await session.change({ add: next.rules, remove: 'all', engines: next.engines })
  } catch (error) {
    return stays(error, words)
  }
  const { before, failure } = changed
  told.replaced(before, next)
  words.introduce(next)
  const news = `minderbinder: read again: ${counted(next.rules.length, 'rule')}\n`
  const done = before ? told.summary(before) : 'minderbinder: what they did is not known\n'
  words.say(done === '' ? news : `${news}minderbinder: the rules before:\n${done}`)
  if (failure !== undefined)
    words.say(
      `${errorText(failure, false)}minderbinder: the new rules are in force, but the rules before did not end cleanly\n`,
    )
}

function stays(error: unknown, words: Pick<RunWords, 'say'>): void {
  words.say(`${errorText(error, false)}minderbinder: the rules stay as they were\n`)
}

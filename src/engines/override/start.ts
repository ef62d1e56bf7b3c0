/** The override engine at work: attached by what attaches here, and what it has to tell afterwards. */
import { MinderbinderError } from '../../errors.ts'
import { sparedNotes } from '../../report/spared-notes.ts'
import type { SyscallRule } from '../../rules/rule.ts'
import { PROCESSES_MAX } from '../../targets/limits.ts'
import type { AttachedEngine, EngineContext } from '../engine.ts'
import { attachOverride, type OverrideAttachment } from './attach.ts'
import { availableWays, failableCalls } from './here.ts'
import type { Losses } from './object.ts'
import { chooseWays } from './ways.ts'

/** Attaches everything or nothing. @throws {MinderbinderError} */
export async function startOverride(
  context: EngineContext,
  indices: readonly number[],
): Promise<AttachedEngine> {
  const { object, detach } = await attachSomehow(context, indices)
  // Of rules with targets, those that follow the targets say which programs were spared.
  const tellsOfSpared = indices.some((index) => context.rules[index]?.targets === undefined)
  let lifted = false
  const lift = async () => {
    if (!lifted) object.disarm()
    lifted = true
  }
  return {
    tellsOfSpared,
    lift,
    async snapshot() {
      const losses = await object.losses()
      return {
        counts: object.counts(),
        lostEvents: losses.events,
        foreignCalls: losses.foreignCalls,
        notes: notesOn(tellsOfSpared ? losses : { ...losses, spared: 0n }),
      }
    },
    async close() {
      await lift()
      await detach()
      object.close()
    },
  }
}

/** By what attaches: kprobes alone where fmod_ret programs do not after all. */
async function attachSomehow(
  context: EngineContext,
  indices: readonly number[],
): Promise<OverrideAttachment> {
  const rules = indices.map((index) => context.rules[index] as SyscallRule)
  const attempts = [
    ...(availableWays.modify ? [availableWays] : []),
    ...(availableWays.kprobe ? [{ modify: false, kprobe: true, second: false }] : []),
  ]
  let failure: unknown
  for (const available of attempts) {
    const ways = chooseWays(rules, failableCalls(rules), available)
    if (typeof ways === 'string') {
      failure ??= new MinderbinderError('MB_NO_ENGINE', `override cannot do this here: ${ways}`)
      continue
    }
    try {
      return await attachOverride(context, indices, ways)
    } catch (error) {
      failure ??= error
    }
  }
  throw failure ?? new MinderbinderError('MB_NO_ENGINE', 'override is turned off')
}

function notesOn({ foreignPrograms, spared, forgotten, untracked, missed }: Losses): string[] {
  const lines: [bigint, string][] = [
    [foreignPrograms, '32-bit programs were started: their calls went past the rules'],
    [missed, 'calls went past the rules: another was being looked at on their CPU'],
    [
      untracked,
      `times there was no room to keep track of one more process (${PROCESSES_MAX} at a time, fewer with scope=process)`,
    ],
  ]
  const ended = `override: the faults ended early: with ${PROCESSES_MAX} processes there was no room to remember another one to spare`
  return [
    ...sparedNotes(spared, ['program', 'programs']),
    ...(forgotten === 0n ? [] : [ended]),
    ...lines.flatMap(([count, text]) => (count === 0n ? [] : [`override: ${count} ${text}`])),
  ]
}

/** System call faults in the kernel, at the entry of the call's own function: at next to no cost. */
import { MinderbinderError } from '../errors.ts'
import type { Rule, SyscallRule } from '../rules/rule.ts'
import type { AttachedEngine, Engine, EngineContext } from './engine.ts'
import { attachOverride, type OverrideAttachment } from './override-attach.ts'
import { availableWays, canFail, notFailable, whyNotHere } from './override-here.ts'
import { type Losses, TARGETS_MAX } from './override-object.ts'
import { namedCalls } from './override-tables.ts'
import { chooseWays } from './override-ways.ts'

export const override: Engine = { name: 'override', refusal, refusalHere, attach }

function refusal(rule: Rule): string | undefined {
  if (rule.kind !== 'syscall') return 'override sees system calls, not packets'
  if (rule.outcome.kind === 'delay') return 'a program at the entry of a call cannot wait'
  if (rule.outcome.kind === 'signal') return 'override fails calls and sends no signals'
  return undefined
}

/** The cheap checks only: what they let pass may still fail to attach, and then says so. */
function refusalHere(plan: readonly Rule[]): string | undefined {
  const rules = plan.filter((rule) => rule.kind === 'syscall')
  const why = whyNotHere()
  if (why !== undefined) return why
  const missing = rules.flatMap((rule) => notFailable(rule))
  if (missing.length > 0) return `this kernel does not let ${missing.join(', ')} fail`
  const ways = chooseWays(rules, callsOf(rules), availableWays())
  return typeof ways === 'string' ? ways : undefined
}

function callsOf(rules: readonly SyscallRule[]): string[] {
  return namedCalls(rules).filter((name) => canFail(name) !== false)
}

async function attach(context: EngineContext, indices: readonly number[]): Promise<AttachedEngine> {
  const why = refusalHere(indices.map((index) => context.rules[index]!))
  if (why !== undefined)
    throw new MinderbinderError('MB_NO_ENGINE', `override does not work here: ${why}`)
  const { object, detach } = await attachSomehow(context, indices)
  let losses = await object.losses()
  let lifted = false
  const lift = async () => {
    if (!lifted) object.disarm()
    lifted = true
  }
  return {
    start() {},
    lift,
    async counts() {
      losses = await object.losses()
      return object.counts()
    },
    foreignCalls: () => losses.foreignCalls,
    lostEvents: () => losses.events,
    notes: () => notesOn(losses),
    async close() {
      await lift()
      await detach()
      object.close()
    },
  }
}

/** By what attaches: kprobes alone where fmod_ret programs do not, as on arm64 before Linux 6.4. */
async function attachSomehow(
  context: EngineContext,
  indices: readonly number[],
): Promise<OverrideAttachment> {
  const rules = indices.map((index) => context.rules[index] as SyscallRule)
  const { modify, kprobe } = availableWays()
  const attempts = [
    ...(modify ? [{ modify, kprobe }] : []),
    ...(kprobe ? [{ modify: false, kprobe }] : []),
  ]
  let failure: unknown
  for (const available of attempts) {
    const ways = chooseWays(rules, callsOf(rules), available)
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

function notesOn({ foreignPrograms, untracked, missed }: Losses): string[] {
  const lines: [bigint, string][] = [
    [foreignPrograms, '32-bit programs were started: their calls went past the rules'],
    [missed, 'calls went past the rules: another was being looked at on their CPU'],
    [
      untracked,
      `times there was no room to keep track of one more process (${TARGETS_MAX} at a time, fewer with scope=process)`,
    ],
  ]
  return lines.flatMap(([count, text]) => (count === 0n ? [] : [`override: ${count} ${text}`]))
}

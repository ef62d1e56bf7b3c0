/**
 * One rule under one engine, attached as exec attaches it, on the trial's cgroup: the process in there has to see
 * the fault. No other process is in that cgroup, so no other is touched.
 */
import type { Engine, EngineContext } from '../engines/engine.ts'
import { errnoName } from '../kernel/ffi.ts'
import type { Rule } from '../rules/rule.ts'
import { type Check, no, type Question, unknown, yes } from './check.ts'
import type { Facts } from './facts.ts'
import { refused } from './refusal.ts'
import type { Trial } from './trial.ts'

const ENETUNREACH = 101

export interface Fault {
  readonly question: Question
  readonly engine: Engine
  readonly rule: Rule
  readonly order: 'send' | 'connect' | 'call'
  /** The errno that the trial's process gets where the fault works. */
  readonly expected: number
  readonly seen: string
}

/** The trial, or where there is no cgroup to try in, the check that says why. */
export type TrialOrNot = Trial | Check

/** What came back of the engines that attached. */
export interface Heard {
  attached: boolean
  events: number
}

export async function tryFault(
  fault: Fault,
  trial: TrialOrNot,
  facts: Facts,
  heard: Heard,
): Promise<Check> {
  const { question, engine, rule, order } = fault
  if ('question' in trial) return withoutCgroup(question, trial)
  const before = await trial[order]()
  if (before === ENETUNREACH)
    return unknown(question, 'not tried: loopback is down here (ip link set lo up)')
  if (before !== 0)
    return unknown(question, `not tried: without a fault, a ${order} gives ${name(before)}`)
  try {
    const attached = await engine.attach(contextOf(rule, trial, heard), [0])
    heard.attached = true
    try {
      await attached.ready?.()
      attached.start?.()
      const errno = await trial[order]()
      const fired = (await attached.snapshot()).counts.get(0)?.fired ?? 0n
      return judge(fault, errno, fired)
    } finally {
      await attached.close()
    }
  } catch (error) {
    return refused(question, error, facts)
  }
}

/** Pure: what the process saw and what the engine says it did have to agree. */
function judge(
  { question, expected, seen }: Fault,
  errno: number | undefined,
  fired: bigint,
): Check {
  if (errno === expected && fired > 0n) return yes(question, seen)
  if (errno === undefined) return unknown(question, 'the probe did not answer')
  return no(question, `it attaches, but has no effect: ${name(errno)}, fired ${fired} times`, {
    reason: 'it attaches, but has no effect',
    remedy: 'this is a bug, or another BPF program goes first: please report it with doctor --json',
  })
}

/** Without a cgroup nothing can be aimed: for the reason of that. */
function withoutCgroup(question: Question, why: Check): Check {
  if (why.result !== 'no') return unknown(question, `no cgroup to try it in: ${why.detail}`)
  const reason = why.reason ?? why.detail
  return no(question, reason, {
    reason,
    remedy: why.remedy ?? why.question.remedy,
  })
}

function contextOf(rule: Rule, { cgroup }: Trial, heard: Heard): EngineContext {
  return {
    rules: [rule],
    seed: 0n,
    cgroup,
    onEvent: () => {
      heard.events += 1
    },
  }
}

function name(errno: number | undefined): string {
  if (errno === undefined) return 'no answer'
  return errno === 0 ? 'success' : errnoName(errno)
}

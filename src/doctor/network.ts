/**
 * The tc and the cgroup engine, as exec attaches them, on the trial's cgroup: a packet must be lost, a
 * connection refused. Nobody else is in that cgroup, so nobody else is touched.
 */
import { cgroup as cgroupEngine } from '../engines/cgroup.ts'
import type { Engine, EngineContext } from '../engines/engine.ts'
import { tc as tcEngine } from '../engines/tc.ts'
import { architecture } from '../kernel/architecture.ts'
import { errnoName } from '../kernel/ffi.ts'
import { parseNetworkFault } from '../rules/grammar.ts'
import type { Rule } from '../rules/rule.ts'
import { type Check, no, type Question, unknown, yes } from './check.ts'
import type { Facts } from './facts.ts'
import { refused } from './refusal.ts'
import type { Trial } from './trial.ts'

const ETIMEDOUT = 110
const ECONNREFUSED = 111

interface Fault {
  readonly question: Question
  readonly engine: Engine
  readonly rule: Rule
  readonly order: 'send' | 'connect'
  /** What the trial's process gets where the fault works. */
  readonly expected: number
  readonly seen: string
}

const remedy = 'sudo minderbinder …, on Linux 6.1 or newer'

const faults: readonly Fault[] = [
  {
    question: {
      ...{ id: 'drop-out', group: 'network', title: 'packets that go out get lost', remedy },
      cost: 'no --drop-net',
    },
    engine: tcEngine,
    rule: networkRule('drop-net', '100%,interface=lo'),
    order: 'send',
    expected: ETIMEDOUT,
    seen: 'a packet was sent without an error and lost',
  },
  {
    question: {
      ...{ id: 'drop-in', group: 'network', title: 'packets that come in get lost', remedy },
      cost: 'no --drop-net with dir=in',
    },
    engine: cgroupEngine,
    rule: networkRule('drop-net', '100%,interface=lo,dir=in'),
    order: 'send',
    expected: ETIMEDOUT,
    seen: 'a packet was sent without an error and lost on its way in',
  },
  {
    question: {
      ...{ id: 'refuse', group: 'network', title: 'connections are refused', remedy },
      cost: 'no --refuse-net',
    },
    engine: cgroupEngine,
    rule: networkRule('refuse-net', '100%'),
    order: 'connect',
    expected: ECONNREFUSED,
    seen: 'connect() to a listener failed with ECONNREFUSED',
  },
]

const ringBuffer: Question = {
  id: 'ring-buffer',
  group: 'network',
  title: 'injections come back by ring buffer',
  cost: 'no --log of network faults',
  remedy: 'Linux 5.8',
}

/** Whether there is a cgroup to try it in, and if not, the check that says why. */
export type TrialOrNot = Trial | Check

export async function tryNetwork(trial: TrialOrNot, facts: Facts): Promise<Check[]> {
  const heard: Heard = { attached: false, events: 0 }
  const checks: Check[] = []
  for (const fault of faults) checks.push(await tryFault(fault, trial, facts, heard))
  return [...checks, ringCheck(heard)]
}

interface Heard {
  attached: boolean
  events: number
}

async function tryFault(
  fault: Fault,
  trial: TrialOrNot,
  facts: Facts,
  heard: Heard,
): Promise<Check> {
  const { question, engine, rule, order } = fault
  if ('question' in trial) return withoutCgroup(question, trial)
  const before = await trial[order]()
  if (before !== 0)
    return unknown(question, `not tried: without a fault, the loopback gives ${name(before)}`)
  try {
    const attached = await engine.attach(contextOf(rule, trial, heard), [0])
    heard.attached = true
    try {
      attached.start()
      const seen = await trial[order]()
      const fired = (await attached.counts()).get(0)?.fired ?? 0n
      return judge(fault, seen, fired)
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

function ringCheck(heard: Heard): Check {
  if (!heard.attached) return unknown(ringBuffer, 'nothing attached that would fill it')
  return heard.events > 0
    ? yes(ringBuffer, `${heard.events} injections were read`)
    : no(ringBuffer, 'no injection came through it')
}

function contextOf(rule: Rule, { cgroup }: Trial, heard: Heard): EngineContext {
  return {
    rules: [rule],
    seed: 0n,
    cgroup,
    supervisor: {
      serve: notAsked,
      counts: notAsked,
      lift: notAsked,
    },
    onEvent: () => {
      heard.events += 1
    },
  }
}

function notAsked(): never {
  throw new Error('network engines need no supervisor')
}

function networkRule(kind: 'drop-net' | 'refuse-net', text: string): Rule {
  return parseNetworkFault(kind, text, { arch: architecture })
}

function name(errno: number | undefined): string {
  if (errno === undefined) return 'no answer'
  return errno === 0 ? 'success' : errnoName(errno)
}

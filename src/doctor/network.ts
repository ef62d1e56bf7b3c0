/** The tc and the cgroup engine: a packet must be lost, a connection refused. */
import { cgroup as cgroupEngine } from '../engines/network/cgroup.ts'
import { tc as tcEngine } from '../engines/network/tc.ts'
import { parseNetworkFault } from '../rules/grammar.ts'
import type { Rule } from '../rules/rule.ts'
import { type Check, no, type Question, unknown, yes } from './check.ts'
import type { Facts } from './facts.ts'
import { type Fault, type Heard, type TrialOrNot, tryFault } from './fault-trial.ts'

const ETIMEDOUT = 110
const ECONNREFUSED = 111

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
      ...{ id: 'refuse', group: 'network', title: 'connections are refused by eBPF', remedy },
      cost: '--refuse-net goes by seccomp: it sees connect() only, not TCP Fast Open or io_uring',
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

export async function tryNetwork(trial: TrialOrNot, facts: Facts): Promise<Check[]> {
  const heard: Heard = { attached: false, events: 0 }
  const checks: Check[] = []
  for (const fault of faults) checks.push(await tryFault(fault, trial, facts, heard))
  return [...checks, ringCheck(heard)]
}

function ringCheck(heard: Heard): Check {
  if (!heard.attached) return unknown(ringBuffer, 'nothing attached that would fill it')
  return heard.events > 0
    ? yes(ringBuffer, `${heard.events} injections were read`)
    : no(ringBuffer, 'no injection came through it')
}

function networkRule(kind: 'drop-net' | 'refuse-net', text: string): Rule {
  return parseNetworkFault(kind, text)
}

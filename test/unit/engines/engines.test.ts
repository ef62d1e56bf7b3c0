/** Which engine does which rule, and what becomes of the rules of one that does not attach. */
import assert from 'node:assert/strict'
import test from 'node:test'
import {
  assignEngines,
  chooseEngines,
  type EngineOption,
  engineInstead,
} from '../../../src/engines/choose.ts'
import type { AttachedEngine, Engine, EngineName } from '../../../src/engines/engine.ts'
import { engines, machineEngines } from '../../../src/engines/engines.ts'
import { inTurns } from '../../../src/engines/in-turns.ts'
import { MinderbinderError } from '../../../src/errors.ts'
import { parseSyscallFault } from '../../../src/rules/grammar.ts'
import type { Rule } from '../../../src/rules/rule.ts'
import type { Target } from '../../../src/rules/target.ts'
import { attachEngines } from '../../../src/session/attach-engines.ts'
import type { CommandPlan } from '../../../src/session/plan.ts'
import { UndoStack } from '../../../src/undo.ts'

/** What was attached and closed, in order. */
type Journal = string[]

interface Nature {
  readonly name: EngineName
  readonly refuses?: (rule: Rule) => boolean
  readonly broken?: true
}

function engine({ name, refuses = () => false, broken }: Nature, journal: Journal = []): Engine {
  const begin = async (_: unknown, indices: readonly number[]) => {
    if (broken) throw new MinderbinderError('MB_ATTACH', `${name} is broken`)
    journal.push(`${name} ${indices.join(',')}`)
    return {
      next: async () => undefined,
      snapshot: async () => ({ counts: new Map(), lostEvents: 0n }),
      async close() {
        journal.push(`${name} closed`)
      },
    }
  }
  return {
    name,
    refusal: (rule) => (refuses(rule) ? `not by ${name}` : undefined),
    async attach(context, indices): Promise<AttachedEngine> {
      return inTurns(name, begin, await begin(context, indices))
    },
  }
}

const rulesOf = (...faults: string[]): Rule[] =>
  faults.map((fault) => parseSyscallFault(fault, { arch: 'x86_64' }))
const delays: Nature['refuses'] = (rule) => rule.kind === 'syscall' && rule.outcome.kind === 'delay'

const mixed = rulesOf('fsync=delay:1ms', 'dup=EIO', 'listen=delay:1ms', 'bind=EIO')

function names(assigned: ReadonlyMap<Engine, readonly number[]>): [string, readonly number[]][] {
  return [...assigned].map(([{ name }, indices]) => [name, indices])
}

test('each rule goes to the first engine that can do it, and the preferred engine comes first', () => {
  const engines = [engine({ name: 'override', refuses: delays }), engine({ name: 'seccomp' })]
  assert.deepEqual(names(assignEngines(mixed, engines, { option: 'auto' })), [
    ['override', [1, 3]],
    ['seccomp', [0, 2]],
  ])
  assert.deepEqual(names(assignEngines(mixed, engines, { option: 'seccomp' })), [
    ['seccomp', [0, 1, 2, 3]],
  ])
  assert.throws(
    () => assignEngines(mixed, engines, { option: 'override' }),
    /fsync=.*not by override/,
  )
})

test('auto passes over an engine that leaves the command to others, says why, and takes it if asked', () => {
  const [ptrace, seccomp] = [engine({ name: 'ptrace' }), engine({ name: 'seccomp' })]
  const leaving = {
    ...ptrace,
    leaves: (command?: string) => (command === 'strace' ? 'strace traces' : undefined),
  }
  const choice = (option: EngineOption, command: string) =>
    chooseEngines(rulesOf('dup=EIO'), [leaving, seccomp], { option, command })[0]
  assert.deepEqual(choice('auto', 'sh'), { engine: leaving })
  assert.deepEqual(choice('auto', 'strace'), { engine: seccomp, since: 'strace traces' })
  assert.deepEqual(choice('ptrace', 'strace'), { engine: leaving })
  const alone = chooseEngines(
    rulesOf('dup=EIO'),
    [leaving, engine({ name: 'seccomp', refuses: () => true })],
    {
      option: 'auto',
      command: 'strace',
    },
  )
  assert.deepEqual(alone, [{ engine: leaving }])
  const instead = (command: string) =>
    engineInstead(seccomp, mixed, [seccomp, leaving], { option: 'auto', command })
  assert.deepEqual([instead('sh'), instead('strace')], [leaving, undefined])
})

test('rules go together if they share a call, if only by way of a later rule', () => {
  const rules = rulesOf(
    'open=delay:1ms',
    'dup=EIO',
    'openat=EIO',
    'open+openat=EIO',
    'dup+dup2=EIO',
  )
  const engines = [engine({ name: 'override', refuses: delays }), engine({ name: 'seccomp' })]
  assert.deepEqual(names(assignEngines(rules, engines, { option: 'auto' })), [
    ['override', [1, 4]],
    ['seccomp', [0, 2, 3]],
  ])
})

test('targets that no process of a command can be are refused for exec, and not for run', () => {
  const [call] = rulesOf('fsync=EIO')
  const refusing = (among: readonly Engine[], ...targets: readonly Target[]) =>
    among.flatMap((each) => each.refusal({ ...call!, targets }) ?? [])
  const [pid, cgroup, uid]: Target[] = [
    { kind: 'pid', pid: 2 },
    { kind: 'cgroup', path: '/a' },
    { kind: 'uid', uid: 0 },
  ]
  const own = engines.filter(({ name }) => name === 'override' || name === 'seccomp')
  assert.match(refusing(own, pid!, pid!).join(), /^(a pid target is .*exec starts its own,?){2}$/)
  assert.deepEqual(refusing(own, pid!, uid!), [])
  // seccomp takes it.
  assert.match(refusing(own, uid!, cgroup!).join(), /^it loses sight of processes that move/)
  const override = machineEngines.filter(({ name }) => name === 'override')
  assert.deepEqual(refusing(override, pid!, cgroup!), [])
})

test('rules that have a call in common stay together, by way of others too', () => {
  const engines = [engine({ name: 'override', refuses: delays }), engine({ name: 'seccomp' })]
  const rules = rulesOf('fsync+dup=EIO', 'bind=EIO', 'dup+listen=EIO', 'listen=delay:1ms')
  assert.deepEqual(names(assignEngines(rules, engines, { option: 'auto' })), [
    ['override', [1]],
    ['seccomp', [0, 2, 3]],
  ])
})

test('only auto lets another engine take over, and only one that can do all of the rules', () => {
  const [override, tc, seccomp] = [
    engine({ name: 'override' }),
    engine({ name: 'tc', refuses: () => true }),
    engine({ name: 'seccomp' }),
  ]
  const engines = [override, tc, seccomp]
  assert.equal(engineInstead(override, mixed, engines, { option: 'auto' }), seccomp)
  assert.equal(engineInstead(override, mixed, engines, { option: 'override' }), undefined)
  assert.equal(engineInstead(seccomp, mixed, engines, { option: 'auto' }), undefined)
  assert.equal(
    engineInstead(override, mixed, [override, engine({ name: 'seccomp', refuses: delays })], {
      option: 'auto',
    }),
    undefined,
  )
})

async function attach(engines: readonly Engine[], option: 'auto' | 'override', rules = mixed) {
  const undo = new UndoStack()
  const plan: CommandPlan = {
    ...{
      rules,
      seed: 1n,
      argvIndex: 0,
      command: '',
      user: undefined,
      includeLoader: false,
      includeSetuid: false,
    },
    engines: assignEngines(rules, engines, { option }),
    engineInstead: (failed) => engineInstead(failed, rules, engines, { option }),
  }
  return { undo, attached: await attachEngines(plan, {}, undo) }
}

test('an engine that does not attach gives its rules to the next, which attaches once, and it is said', async () => {
  const journal: Journal = []
  const engines = [
    engine({ name: 'override', refuses: delays, broken: true }, journal),
    engine({ name: 'seccomp' }, journal),
  ]
  const { undo, attached } = await attach(engines, 'auto')
  assert.deepEqual(journal, ['seccomp 0,1,2,3'])
  assert.deepEqual(attached.names, ['seccomp', 'seccomp', 'seccomp', 'seccomp'])
  assert.deepEqual(attached.notes, [
    'override did not attach, and seccomp did its rules: override is broken',
  ])
  await undo.run()
  assert.deepEqual(journal.slice(1), ['seccomp closed'])
})

test('so it does where the next had nothing to do before', async () => {
  const journal: Journal = []
  const engines = [
    engine({ name: 'override', broken: true }, journal),
    engine({ name: 'seccomp' }, journal),
  ]
  const { attached } = await attach(engines, 'auto')
  assert.deepEqual(journal, ['seccomp 0,1,2,3'])
  assert.deepEqual(attached.names, ['seccomp', 'seccomp', 'seccomp', 'seccomp'])
})

test('engines that attach do their own rules, and nothing is said', async () => {
  const journal: Journal = []
  const engines = [
    engine({ name: 'override', refuses: delays }, journal),
    engine({ name: 'seccomp' }, journal),
  ]
  const { attached } = await attach(engines, 'auto')
  assert.deepEqual(journal, ['override 1,3', 'seccomp 0,2'])
  assert.deepEqual(attached.names, ['seccomp', 'override', 'seccomp', 'override'])
  assert.deepEqual(attached.notes, [])
})

test('an engine that the user named must attach', async () => {
  const engines = [engine({ name: 'override', broken: true }), engine({ name: 'seccomp' })]
  await assert.rejects(attach(engines, 'override'), /override is broken/)
})

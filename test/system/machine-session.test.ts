/** MachineSession.change(): what is loaded serves the rules that follow, and a refusal leaves everything as it was. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test, { type TestContext } from 'node:test'
import type { Engine, EngineContext, EngineName } from '../../src/engines/engine.ts'
import { inTurns, type RulesAtWork } from '../../src/engines/in-turns.ts'
import { tc } from '../../src/engines/network/tc.ts'
import { parseNetworkFault, parseSyscallFault } from '../../src/rules/grammar.ts'
import { noCounts, type Rule } from '../../src/rules/rule.ts'
import { type MachineChange, MachineSession } from '../../src/session/machine-session.ts'
import { loadedPrograms } from '../helpers/loaded-programs.ts'
import { acceptConnections, echoDatagrams } from '../helpers/loopback.ts'
import { programCalled, startClient } from '../helpers/machine-run.ts'
import { requires } from '../helpers/requires.ts'
import { type Running, start } from '../helpers/run.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

interface Nature {
  readonly refuses?: () => boolean
  readonly endsBadly?: () => boolean
  /** Gets the first slot of each set for which something is attached. */
  readonly slots?: (number | undefined)[]
}

/** Does nothing, and keeps account of it. By what is attached, as long as targets are looked up in one table. */
function engine(
  name: EngineName,
  account: string[],
  { refuses = () => false, endsBadly = () => false, slots = [] }: Nature = {},
): Engine {
  const atWork = (rules: readonly Rule[], how: string, table: number | undefined): RulesAtWork => {
    const labels = rules.map(({ label }) => label).join()
    if (refuses()) throw new Error(`${name} refuses ${labels}`)
    account.push(`${name} ${how} ${labels}`)
    return {
      async next(next) {
        const { map } = (await next.targets?.()) ?? {}
        return map === table ? atWork(next.rules, 'goes on with', table) : undefined
      },
      snapshot: async () => ({
        counts: new Map(rules.map((_, index) => [index, noCounts])),
        lostEvents: 0n,
      }),
      async close() {
        account.push(`${name} closes ${labels}`)
        if (endsBadly()) throw new Error(`${name} does not let go of ${labels}`)
      },
    }
  }
  const begin = async ({ rules, targets }: EngineContext) => {
    const set = await targets?.()
    slots.push(set?.firstSlot)
    return atWork(rules, 'attaches', set?.map)
  }
  return {
    name,
    refusal: () => undefined,
    attach: async (context) => inTurns(name, begin, await begin(context)),
  }
}

const rule = (label: string, name: string): Rule => ({
  ...parseSyscallFault('openat=EIO', { arch: 'x86_64' }),
  label,
  targets: [{ kind: 'name', name }],
})

async function openFor(t: TestContext, rules: Rule, engines: readonly Engine[]) {
  const plan = (own: Rule, by = engines): MachineChange => ({
    add: [own],
    remove: 'all',
    engines: new Map(by.map((each) => [each, [0]])),
  })
  const session = await MachineSession.open(plan(rules), {
    seed: 1n,
    includeLoader: false,
    includeSetuid: true,
    watched: { wantsInjections: false, wantsCalls: false },
    onNotice: () => {},
  })
  t.after(() => session.close())
  await session.start()
  return {
    session,
    change: (own: Rule, by?: readonly Engine[]) => session.change(plan(own, by)),
    /** Process ids of the targets. */
    targets: async () => (await session.sample()).targets.map(({ pid }) => pid),
  }
}

function startCalled(t: TestContext, name: string, program: string, ...args: string[]): Running {
  const running = start([programCalled(t, name, program), ...args])
  t.after(() => running.child.kill('SIGKILL'))
  return running
}

const sleeper = (t: TestContext, name: string) => startCalled(t, name, '/bin/sleep', '600')

test('the rules that follow have their own targets, without anything that is loaded or attached anew', async (t) => {
  if (!requires(t, 'root', 'libbpf')) return
  const state = systemState()
  const account: string[] = []
  const [one, two] = [sleeper(t, 'mb-one'), sleeper(t, 'mb-two')]
  const { session, change, targets } = await openFor(t, rule('first', 'mb-one'), [
    engine('override', account),
  ])
  const programs = loadedPrograms('self')
  assert.ok(programs.length > 0)
  assert.deepEqual(await targets(), [one.pid])
  for (const [label, name, target] of [
    ['second', 'mb-two', two],
    ['third', 'mb-one', one],
    ['fourth', 'mb-t*', two],
  ] as const) {
    await change(rule(label, name))
    assert.deepEqual([label, await targets()], [label, [target.pid]])
    assert.deepEqual(loadedPrograms('self'), programs)
  }
  const later = sleeper(t, 'mb-two')
  const stranger = sleeper(t, 'mb-one')
  await until(async () => (await targets()).length > 1, { what: 'a target that starts later' })
  assert.deepEqual(new Set(await targets()), new Set([two.pid, later.pid]))
  assert.equal(stranger.child.exitCode, null)
  await session.close()
  assert.deepEqual(account, [
    ...['override attaches first', 'override goes on with second', 'override closes first'],
    ...['override goes on with third', 'override closes second', 'override goes on with fourth'],
    ...['override closes third', 'override closes fourth'],
  ])
  await nothingLeft(state)
})

const names = ['override', 'tc', 'cgroup'] as const
for (const [place, refusing] of names.entries())
  test(`if ${refusing} refuses, the rules of all engines stay in force, with their targets`, async (t) => {
    if (!requires(t, 'root', 'libbpf')) return
    const account: string[] = []
    let refuses = false
    const [one, two] = [sleeper(t, 'mb-one'), sleeper(t, 'mb-two')]
    const { change, session, targets } = await openFor(
      t,
      rule('first', 'mb-one'),
      names.map((name) => engine(name, account, { refuses: () => refuses && name === refusing })),
    )
    account.length = 0
    refuses = true
    await assert.rejects(change(rule('second', 'mb-two')), {
      message: `${refusing} refuses second`,
    })
    const ready = names.slice(0, place)
    assert.deepEqual(account, [
      ...ready.map((name) => `${name} goes on with second`),
      ...ready.reverse().map((name) => `${name} closes second`),
    ])
    assert.deepEqual(await targets(), [one.pid])
    assert.deepEqual(
      session.rules.map(({ label }) => label),
      ['first'],
    )
    const later = sleeper(t, 'mb-one')
    await until(async () => (await targets()).length > 1, { what: 'targets are still followed' })
    assert.deepEqual(new Set(await targets()), new Set([one.pid, later.pid]))
    refuses = false
    const { before, failure } = await change(rule('third', 'mb-two'))
    assert.deepEqual([before?.rules.map(({ label }) => label), failure], [['first'], undefined])
    assert.deepEqual(await targets(), [two.pid])
  })

test('rules that do not end cleanly are replaced all the same, which the change says', async (t) => {
  if (!requires(t, 'root', 'libbpf')) return
  const state = systemState()
  const account: string[] = []
  let endsBadly = true
  const [one, two] = [sleeper(t, 'mb-one'), sleeper(t, 'mb-two')]
  const { change, session, targets } = await openFor(t, rule('first', 'mb-one'), [
    engine('override', account, { endsBadly: () => endsBadly }),
    engine('tc', account),
  ])
  assert.deepEqual(await targets(), [one.pid])
  const changed = await change(rule('second', 'mb-two'))
  assert.match(String(changed.failure), /override does not let go of first/)
  assert.deepEqual(
    [changed.before?.rules, session.rules].map((rules) => rules?.map(({ label }) => label)),
    [['first'], ['second']],
  )
  assert.deepEqual(await targets(), [two.pid])
  assert.ok(account.includes('tc closes first'))
  endsBadly = false
  assert.equal((await change(rule('third', 'mb-one'))).failure, undefined)
  assert.deepEqual(await targets(), [one.pid])
  await session.close()
  await nothingLeft(state)
})

test('an engine that has no rules any more ends, and begins anew when it has some', async (t) => {
  if (!requires(t, 'root', 'libbpf')) return
  const account: string[] = []
  const both = [engine('override', account), engine('tc', account)]
  const { change, session } = await openFor(t, rule('first', 'mb-one'), both)
  await change(rule('second', 'mb-one'), both.slice(0, 1))
  await change(rule('third', 'mb-one'))
  await session.close()
  const of = (name: string) => account.filter((line) => line.startsWith(name))
  assert.deepEqual(of('tc'), [
    ...['tc attaches first', 'tc closes first', 'tc attaches third', 'tc closes third'],
  ])
  assert.equal(of('override').filter((line) => line.includes('attaches')).length, 1)
})

test('sockets that the rules to come have tagged stay under those in force, if the change fails after all', async (t) => {
  if (!requires(t, 'root', 'cgroup2', 'libbpf', 'cc')) return
  const port = await echoDatagrams(t, await acceptConnections(t))
  const [hit, spare, other] = [
    await startClient(t, { name: 'mb-hit', port }),
    await startClient(t, { name: 'mb-hit', port }),
    await startClient(t, { name: 'mb-other', port }),
  ]
  const asked = async () => [await hit.ask('udp'), await other.ask('udp')]
  const loses = (label: string, name: string): Rule => ({
    ...parseNetworkFault('drop-net', `100%,proto=udp,port=${port}`),
    label,
    targets: [{ kind: 'name', name }],
  })
  let refuses = true
  const late = engine('override', [])
  const refusesLate: Engine = {
    ...late,
    attach: async (context, indices) => ({
      ...(await late.attach(context, indices)),
      async adopt({ pid }) {
        if (pid !== hit.pid || !refuses) return
        assert.equal(await hit.ask('udp'), 'lost')
        // A socket from before is tagged with both by now, and one that is made now has to be.
        await spare.ask('new')
        throw new Error('not after all')
      },
    }),
  }
  const session = await MachineSession.open(
    { add: [loses('none', 'mb-hit')], engines: new Map([[tc, [0]]]) },
    {
      ...{ seed: 1n, includeLoader: false, includeSetuid: true, onNotice: () => {} },
      watched: { wantsInjections: false, wantsCalls: false },
    },
  )
  t.after(() => session.close())
  assert.deepEqual(await asked(), ['answered', 'answered'])
  await session.start()
  assert.deepEqual(await asked(), ['lost', 'answered'])
  const programs = loadedPrograms('self')
  // On the second side: a socket made now has the tag of the first one's rules, too.
  await session.change({
    add: [loses('first', 'mb-hit')],
    remove: 'all',
    engines: new Map([[tc, [0]]]),
  })
  const next: MachineChange = {
    remove: 'all',
    add: [loses('second', 'mb-*'), rule('third', 'mb-hit')],
    engines: new Map([
      [tc, [0]],
      [refusesLate, [1]],
    ]),
  }
  await assert.rejects(session.change(next), /not after all/)
  assert.deepEqual([await asked(), await spare.ask('udp')], [['lost', 'answered'], 'lost'])
  refuses = false
  await session.change(next)
  assert.deepEqual([await asked(), await spare.ask('udp')], [['lost', 'lost'], 'lost'])
  await session.change({ ...next, add: [loses('fourth', 'mb-other'), next.add[1]!] })
  assert.deepEqual([await asked(), await spare.ask('udp')], [['answered', 'lost'], 'answered'])
  assert.deepEqual(loadedPrograms('self'), programs)
})

test('a process that has become another program since the last look is what it is now', async (t) => {
  if (!requires(t, 'root', 'libbpf')) return
  const { change, targets } = await openFor(t, rule('first', 'mb-nobody'), [engine('override', [])])
  const [was, is] = [programCalled(t, 'mb-was', '/bin/sh'), programCalled(t, 'mb-is', '/bin/sleep')]
  const running = start([was, '-c', `read line; exec ${is} 600`])
  t.after(() => running.child.kill('SIGKILL'))
  await change(rule('second', 'mb-was'))
  assert.deepEqual(await targets(), [running.pid])
  await change(rule('third', 'mb-nobody'))
  assert.deepEqual(await targets(), [])
  running.child.stdin?.write('\n')
  await until(() => readFileSync(`/proc/${running.pid}/comm`, 'utf8') === 'mb-is\n', {
    what: 'the exec',
  })
  await change(rule('fourth', 'mb-was'))
  assert.deepEqual(await targets(), [])
  await change(rule('fifth', 'mb-is'))
  assert.deepEqual(await targets(), [running.pid])
})

test('when its rules would be too many for one table, the session goes on with another', async (t) => {
  if (!requires(t, 'root', 'libbpf')) return
  const account: string[] = []
  const one = sleeper(t, 'mb-one')
  const slots: (number | undefined)[] = []
  const engines = [engine('override', account, { slots })]
  const { session, targets } = await openFor(t, rule('first', 'mb-nobody'), engines)
  const many: MachineChange = {
    remove: 'all',
    add: Array(4096).fill(rule('many', 'mb-one')),
    engines: new Map([[engines[0]!, [0]]]),
  }
  await session.change(many)
  assert.equal(account.filter((line) => line.includes('attaches')).length, 2)
  assert.deepEqual(await targets(), [one.pid])
  // And no rule gets the number of another.
  assert.deepEqual(slots, [0, 1])
})

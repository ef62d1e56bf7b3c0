/** Rules that change while a command runs: a call is decided by those before or those after, and no call is lost. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Engine } from '../../src/engines/engine.ts'
import { ptrace } from '../../src/engines/supervised/ptrace.ts'
import { seccomp } from '../../src/engines/supervised/seccomp.ts'
import type { Rule, Slot } from '../../src/rules/rule.ts'
import { Changing, changeOften, rules, takingTurns } from '../helpers/changing.ts'
import { requires } from '../helpers/requires.ts'
import { until } from '../helpers/until.ts'

const reach = new Set(['getpgid', 'getsid', 'openat'])
const threads = 4

/** Does nothing but change, and keeps account of it. */
function changingEngine(name: 'override', account: string[], refuses: () => boolean): Engine {
  return {
    name,
    refusal: () => 'it does nothing',
    attach: async () => ({
      refusal: () => undefined,
      async prepare({ add, remove }) {
        if (refuses()) throw new Error(`${name} refuses`)
        account.push(`${name} prepares ${add.size - remove.length}`)
        return {
          async commit() {
            account.push(`${name} commits`)
            return {}
          },
          async abandon() {
            account.push(`${name} abandons`)
          },
        }
      },
      snapshot: async () => ({ counts: new Map(), lostEvents: 0n }),
      close: async () => {},
    }),
  }
}

test('a rule that is added hits from then on, and only what it names; removed, it hits no more', async (t) => {
  if (!requires(t, 'cc')) return
  const events: number[] = []
  const changing = await Changing.start(t, {
    scope: { capacity: 2, reach },
    threads,
    onEvent: (event) => events.push(event.readUInt32LE(64)),
  })
  assert.deepEqual(await changing.add('getpgid=EPERM'), [0])
  const before = changing.calls.passed('getpgid')
  await changing.calls.goesOn()
  // A call of each thread may have been under way.
  const after = changing.calls.passed('getpgid')
  assert.ok(after <= before + threads, `${after} passed, ${before} before`)
  assert.deepEqual(await changing.remove(0), [])
  const failed = changing.calls.failed('getpgid', 'EPERM')
  await changing.calls.goesOn()
  assert.ok(changing.calls.failed('getpgid', 'EPERM') <= failed + threads)
  // The same place in the supervisor's table, another number: its counts start again, those of each process too.
  const once = 'getsid=EACCES,scope=process,when=1'
  for (const slot of [1, 2, 3]) {
    assert.deepEqual(await changing.add(once), [slot])
    await until(() => changing.calls.failed('getsid', 'EACCES') === slot, {
      what: `rule ${slot} hits once`,
    })
    await changing.calls.goesOn()
    await changing.remove(slot)
  }
  // What it names is not there, and what comes near it is said after its end, too.
  await changing.add('openat=EACCES,path=/dev/nulll')
  await changing.calls.goesOn()
  await changing.remove(4)
  const { nearPaths } = await changing.session.snapshot()
  assert.deepEqual([...nearPaths], [[4, ['/dev/null']]])
  assert.deepEqual(changing.session.rules, [])
  const { end, counts, labels } = await changing.stop()
  assert.deepEqual(end, { kind: 'exited', status: 0 })
  assert.deepEqual(labels, [
    ...['getpgid=EPERM', ...new Array(3).fill(once)],
    'openat=EACCES,path=/dev/nulll',
  ])
  const fired = counts.map((count) => count.fired)
  assert.deepEqual(fired, [changing.calls.failed('getpgid', 'EPERM'), 1, 1, 1, 0])
  assert.ok(counts.every(({ seen, fired }) => seen > 100 && seen >= fired))
  assert.deepEqual(
    [changing.calls.failed('getsid', 'EACCES'), changing.calls.failed('openat', 'EACCES')],
    [3, 0],
  )
  assert.equal(changing.calls.odd(), 0)
  for (const slot of [0, 1, 2, 3])
    assert.equal(events.filter((rule) => rule === slot).length, fired[slot], `events of ${slot}`)
})

for (const engine of [seccomp, ptrace])
  test(`a change that is refused leaves all as it was: ${engine.name}`, async (t) => {
    if (!requires(t, 'cc')) return
    const options = { faults: ['getsid=EPERM'], scope: { capacity: 2, reach }, threads: 1 }
    const changing = await Changing.start(t, { ...options, engine })
    const { session } = changing
    const refused = async (
      what: RegExp,
      code: string,
      add: readonly Rule[],
      remove: readonly Slot[] = [],
    ) =>
      assert.rejects(
        session.change({ add, remove }),
        (error: { code?: string; message: string }) => {
          assert.deepEqual([error.code, what.test(error.message)], [code, true], error.message)
          return true
        },
      )
    const wanted = rules('getpgid=EPERM')
    const unknown = /^no engine can do --syscall close=EIO now: .*close is not among/
    await refused(unknown, 'MB_NO_ENGINE', [...wanted, ...rules('close=EIO')], [0])
    const two = [...wanted, ...wanted]
    await refused(/^3 rules would be in force \(the limit is 2\)$/, 'MB_FAULT_VALUE', two)
    await refused(/^rule 7 cannot be removed: it is not in force$/, 'MB_FAULT_VALUE', wanted, [7])
    const twice = /^rule 0 cannot be removed: it was removed already$/
    await refused(twice, 'MB_FAULT_VALUE', wanted, [0, 0])
    await refused(/packets/, 'MB_NO_ENGINE', rules('--drop-net 100%'))
    const targeted = { syscall: [{ syscall: 'getpgid', ret_code: 'EPERM', targets: [{ uid: 0 }] }] }
    await refused(/targets/, 'MB_NO_ENGINE', rules(targeted))
    const failed = changing.calls.failed('getsid', 'EPERM')
    await changing.calls.goesOn()
    assert.ok(changing.calls.failed('getsid', 'EPERM') >= failed + 199)
    assert.equal(session.rules.length, 1)
    // None of those has a number.
    const { slots } = await session.change({ add: two, remove: [0] })
    assert.deepEqual(slots, [1, 2])
    const { counts } = await changing.stop()
    const [first, second, third] = counts.map(({ fired }) => fired)
    assert.deepEqual(first, changing.calls.failed('getsid', 'EPERM'))
    assert.deepEqual([second, third], [changing.calls.failed('getpgid', 'EPERM'), 0])
  })

for (const engine of [seccomp, ptrace])
  test(`if another engine refuses after it, the rules of ${engine.name} are as they were`, async (t) => {
    if (!requires(t, 'cc')) return
    const account: string[] = []
    let refuses = true
    const beside = changingEngine('override', account, () => refuses)
    const options = { faults: ['getsid=EPERM'], scope: { capacity: 1, reach }, threads: 1 }
    const changing = await Changing.start(t, { ...options, engine, beside })
    const { session, calls } = changing
    const labels = () => session.rules.map(({ label }) => label)
    const before = labels()
    const change = { add: rules('getpgid=EPERM'), remove: 'all' } as const
    for (const _ of [1, 2]) await assert.rejects(session.change(change), /override refuses/)
    assert.deepEqual([account, labels()], [[], before])
    const failed = calls.failed('getsid', 'EPERM')
    await calls.goesOn()
    assert.ok(calls.failed('getsid', 'EPERM') >= failed + 199)
    assert.equal(calls.failed('getpgid', 'EPERM'), 0)
    refuses = false
    assert.deepEqual(await session.change(change), { slots: [2], failure: undefined })
    assert.deepEqual(
      [account, labels()],
      [['override prepares -1', 'override commits'], ['getpgid=EPERM']],
    )
    await calls.goesOn()
    const { counts } = await changing.stop()
    const [first, , third] = counts.map(({ fired }) => fired)
    assert.deepEqual(
      [first, third],
      [calls.failed('getsid', 'EPERM'), calls.failed('getpgid', 'EPERM')],
    )
  })

test('what is seen of it is of the rules in force and of those before', async (t) => {
  if (!requires(t, 'cc')) return
  const changing = await Changing.start(t, {
    ...{ faults: ['getsid=EPERM'], scope: { capacity: 2, reach }, threads: 1 },
    watched: { wantsInjections: true, wantsCalls: false },
  })
  const { session, calls } = changing
  const looks = () => {
    const sample = session.sample()
    return sample.then(({ rules }) => rules.map(({ label, engine }) => [label, engine]))
  }
  assert.deepEqual(await looks(), [['getsid=EPERM', 'seccomp']])
  await session.change({ add: rules('getsid=EACCES', 'openat=EIO,path=/no/*'), remove: 'all' })
  const names = ['getsid=EPERM', 'getsid=EACCES', 'openat=EIO,path=/no/*']
  assert.deepEqual(
    await looks(),
    names.map((name) => [name, 'seccomp']),
  )
  const failed = calls.failed('getsid', 'EACCES')
  await calls.goesOn()
  const { rules: now, targets, injections } = await session.sample()
  assert.ok(now[1]!.counts.fired > failed)
  // The first one would take all of its calls, were it still there.
  assert.deepEqual(
    now.map(({ silence }) => silence[0]?.replace(/\d+/, 'some')),
    [undefined, undefined, 'so far some calls, none with path=/no/*'],
  )
  assert.deepEqual(targets[0]?.rules, names.slice(1))
  assert.match(injections.at(-1) ?? '', /getsid.*EACCES/)
  const { counts } = await changing.stop()
  assert.deepEqual(
    counts.map(({ fired }) => fired),
    [calls.failed('getsid', 'EPERM'), calls.failed('getsid', 'EACCES'), 0],
  )
})

test('a session that was opened without a scope takes no rules, and goes on', async (t) => {
  if (!requires(t, 'cc')) return
  const changing = await Changing.start(t, {
    ...{ faults: ['getsid=EPERM'], scope: undefined, threads: 1 },
  })
  await assert.rejects(changing.add('getsid=EACCES'), { code: 'MB_NO_ENGINE' })
  await changing.calls.goesOn()
  assert.equal(changing.calls.failed('getsid', 'EACCES'), 0)
  await changing.stop()
})

test('1,000 changes under four threads: each call is counted once, by one rule', async (t) => {
  if (!requires(t, 'cc')) return
  const [faults] = takingTurns
  const changing = await Changing.start(t, { faults, scope: { capacity: 3, reach }, threads })
  const inForce = await changeOften(changing, [0, 1, 2], 100)
  const memory = changing.calls.memoryOfParent()
  await changeOften(changing, inForce, 900)
  const grown = changing.calls.memoryOfParent() - memory
  const { end, counts, labels } = await changing.stop()
  assert.deepEqual(end, { kind: 'exited', status: 0 })
  assert.equal(counts.length, 3003)
  const fired = (label: string) =>
    counts.reduce((sum, count, slot) => sum + (labels[slot] === label ? count.fired : 0), 0)
  const [before, after] = takingTurns
  for (const [call, permission, access] of [
    ['getpgid', before[0], after[0]],
    ['openat', before[1], after[2]],
  ] as const) {
    const failed = [changing.calls.failed(call, 'EPERM'), changing.calls.failed(call, 'EACCES')]
    assert.deepEqual([fired(permission), fired(access)], failed, call)
    assert.equal(
      failed[0]! + failed[1]!,
      changing.calls.made(call),
      `each ${call} failed, by a rule`,
    )
  }
  assert.deepEqual(
    [changing.calls.odd(), changing.calls.failed('getsid', 'EPERM'), fired(before[2])],
    [0, 0, 0],
  )
  assert.ok(grown < 512, `${grown} KiB more than before`)
})

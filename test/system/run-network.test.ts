/** `minderbinder run` and the network: what is a target, from when to when, and what is not. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { RULES_MAX } from '../../src/rules/encode.ts'
import { fixture } from '../helpers/fixture.ts'
import { loadedPrograms } from '../helpers/loaded-programs.ts'
import { acceptConnections, echoDatagrams } from '../helpers/loopback.ts'
import { countsOf, programCalled, reload, startClient, startRun } from '../helpers/machine-run.ts'
import { freshCgroup } from '../helpers/network-target.ts'
import { parseReport } from '../helpers/report-schema.ts'
import { requires } from '../helpers/requires.ts'
import { run as command, start, startMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'
import { waitChannels } from '../helpers/waiting.ts'

const needs = ['root', 'cgroup2', 'libbpf', 'cc'] as const

/** One port of loopback, where TCP connects and every datagram comes back. */
async function serve(t: TestContext): Promise<number> {
  return echoDatagrams(t, await acceptConnections(t))
}

/** A rule that loses all datagrams to the port. */
function loses(port: number, targets: string, more = ''): string {
  return `agents_of_chaos:
  outgoing_network:
    - name: lose
      proto: udp
      port: ${port}
      targets: ${targets}
      failure_rate: 100
${more}`
}

/** A rule that refuses the connections of one program to the port. */
function refuses(port: number, name: string): string {
  return `agents_of_chaos:
  outgoing_network:
    - name: refuse
      outcome: refuse
      port: ${port}
      targets: [{process_name: ${name}}]
`
}

test('a process of that name is hit, one that ran before with its open socket; others and afterwards nobody', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await serve(t)
  const state = systemState()
  const before = await startClient(t, { name: 'mb-hit', port })
  const stranger = await startClient(t, { name: 'mb-hit-not', port })
  assert.equal(await before.ask('udp'), 'answered')
  const run = await startRun(t, loses(port, '[{process_name: mb-hit}]'))
  const after = await startClient(t, { name: 'mb-hit', port })
  assert.deepEqual(
    [await before.ask('udp'), await after.ask('udp'), await stranger.ask('udp')],
    ['lost', 'lost', 'answered'],
  )
  // A socket that a target of before makes now.
  await before.ask('new')
  assert.equal(await before.ask('udp'), 'lost')
  assert.equal(await after.ask('tcp'), 'connected')
  const result = await run.end()
  assert.equal(result.status, 0, result.stderr)
  const [seen, matched, fired] = countsOf(result, 'lose')
  assert.deepEqual([matched, fired], [3, 3])
  assert.ok(seen! >= 3)
  assert.deepEqual(
    [await before.ask('udp'), await after.ask('udp'), await stranger.ask('udp')],
    ['answered', 'answered', 'answered'],
  )
  await Promise.all([before.end(), after.end(), stranger.end()])
  await nothingLeft(state)
})

test('in another time namespace the open sockets of a target count, too', async (t) => {
  if (!requires(t, ...needs, 'unshare')) return
  const port = await serve(t)
  const before = await startClient(t, { name: 'mb-hit', port })
  const stranger = await startClient(t, { name: 'mb-hit-not', port })
  const clocks = ['unshare', '--time', '--boottime', '100000', '--fork', '--kill-child=SIGINT']
  const run = await startRun(t, loses(port, '[{process_name: mb-hit}]'), {
    inside: (...line) => [...clocks, ...line],
  })
  assert.deepEqual([await before.ask('udp'), await stranger.ask('udp')], ['lost', 'answered'])
  run.running.child.kill('SIGKILL')
  await until(async () => (await before.ask('udp')) === 'answered', { what: 'the end of run' })
  await Promise.all([before.end(), stranger.end()])
})

test('names: comm, argv[0], the executable, the script; long ones whole, globs, and none by its beginning', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await serve(t)
  const long = 'mb-quite-a-long-name'
  const script = join(scratch(t), 'mb-script-with-a-long-name')
  writeFileSync(script, '#!/bin/sh\n"$@"\n')
  chmodSync(script, 0o755)
  const renamed = (...command: string[]) => ['sh', '-c', 'exec -a mb-argv0 "$@"', 'sh', ...command]
  // dash has no exec -a.
  const asArgv0 = (...command: string[]) => ['bash', ...renamed(...command).slice(1)]
  const byScript = (...command: string[]) => [script, ...command]
  const clients = async () => ({
    long: await startClient(t, { name: long, port }),
    cut: await startClient(t, { name: 'mb-quite-a-long-name-not', port }),
    argv0: await startClient(t, { name: 'mb-file-of-argv0', port, by: asArgv0 }),
    script: await startClient(t, { name: 'mb-in-script', port, by: byScript }),
    glob: await startClient(t, { name: 'mb-glob7', port }),
    globNot: await startClient(t, { name: 'mb-globx', port }),
  })
  const targets = `[{process_name: ${long}}, {process_name: mb-argv0}, {process_name: mb-script-with-a-long-name}, {process_name: 'mb-glob[0-9]'}]`
  const hit = {
    long: 'lost',
    cut: 'answered',
    argv0: 'lost',
    script: 'lost',
    glob: 'lost',
    globNot: 'answered',
  }
  const early = await clients()
  const run = await startRun(t, loses(port, targets))
  const late = await clients()
  for (const each of [early, late]) {
    const answers = Object.entries(each).map(async ([name, client]) => [
      name,
      await client.ask('udp'),
    ])
    assert.deepEqual(Object.fromEntries(await Promise.all(answers)), hit)
  }
  assert.equal((await run.end()).status, 0)
})

test('pid, uid and cgroup as targets', async (t) => {
  if (!requires(t, ...needs, 'setpriv')) return
  const port = await serve(t)
  const cgroup = freshCgroup(t)
  const place = /0::(.*)/.exec(readFileSync('/proc/self/cgroup', 'utf8'))![1]!
  const below = join(place, cgroup.path.slice(cgroup.path.lastIndexOf('/')))
  const as =
    (uid: number) =>
    (...command: string[]) => ['setpriv', `--reuid=${uid}`, '--clear-groups', ...command]
  const inCgroup = (...command: string[]) => [
    'sh',
    '-c',
    `echo $$ >${cgroup.path}/cgroup.procs && exec "$@"`,
    'sh',
    ...command,
  ]
  const one = await startClient(t, { name: 'mb-one', port })
  const two = await startClient(t, { name: 'mb-two', port })
  const early = await startClient(t, { name: 'mb-any', port, by: as(54321) })
  const run = await startRun(
    t,
    loses(port, `[{pid: ${one.pid}}, {uid: 54321}, {cgroup: ${below}}]`),
  )
  const clients = {
    one,
    two,
    early,
    uid: await startClient(t, { name: 'mb-any', port, by: as(54321) }),
    otherUid: await startClient(t, { name: 'mb-any', port, by: as(54322) }),
    cgroup: await startClient(t, { name: 'mb-any', port, by: inCgroup }),
  }
  const answers = Object.entries(clients).map(async ([name, client]) => [
    name,
    await client.ask('udp'),
  ])
  assert.deepEqual(Object.fromEntries(await Promise.all(answers)), {
    one: 'lost',
    two: 'answered',
    early: 'lost',
    uid: 'lost',
    otherUid: 'answered',
    cgroup: 'lost',
  })
  assert.equal((await run.end()).status, 0)
  await Promise.all(Object.values(clients).map((client) => client.end()))
})

test('children are hit too, through forks and execs; not with inherit: false', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await serve(t)
  const parent = join(scratch(t), 'mb-parent')
  writeFileSync(parent, '#!/bin/sh\n(exec "$@")\nexit\n')
  chmodSync(parent, 0o755)
  const by = (...command: string[]) => [parent, ...command]
  const early = await startClient(t, { name: 'mb-child', port, by })
  for (const [inherit, expected] of [
    ['true', 'lost'],
    ['false', 'answered'],
  ] as const) {
    const run = await startRun(
      t,
      loses(port, '[{process_name: mb-parent}]', `      inherit: ${inherit}\n`),
    )
    const late = await startClient(t, { name: 'mb-child', port, by })
    assert.deepEqual([await early.ask('udp'), await late.ask('udp')], [expected, expected], inherit)
    await late.end()
    assert.equal((await run.end()).status, 0)
  }
  await early.end()
})

test(`${RULES_MAX} rules with targets, in every word of their set: a child is under all that are handed down`, async (t) => {
  if (!requires(t, ...needs)) return
  const port = await serve(t)
  const last = RULES_MAX - 64
  const rules = Array.from({ length: RULES_MAX }, (_, index) => ({
    ...{ name: `rule${index}`, proto: 'udp', targets: [{ process_name: 'mb-many' }] },
    // One in each word is for that port; the last of these loses what goes there, but not of children.
    ...{ port: index % 64 === 0 ? port : 1, failure_rate: index === last ? 100 : 0 },
    ...(index === last && { inherit: false }),
  }))
  const run = await startRun(t, JSON.stringify({ agents_of_chaos: { outgoing_network: rules } }))
  const shell = programCalled(t, 'mb-many', '/bin/dash')
  const by = (...line: string[]) => [shell, '-c', '"$@"; exit', 'sh', ...line]
  const many = await startClient(t, { name: 'mb-many', port })
  const child = await startClient(t, { name: 'mb-many-not', port, by })
  const other = await startClient(t, { name: 'mb-many-not', port })
  const clients = [many, child, other]
  const answers = await Promise.all(clients.map((client) => client.ask('udp')))
  assert.deepEqual(answers, ['lost', 'answered', 'answered'])
  const result = await run.end()
  for (let index = 0; index < last; index += 64)
    assert.deepEqual(countsOf(result, `rule${index}`).slice(1), [2, 0], `rule ${index}`)
  assert.deepEqual(countsOf(result, `rule${last}`).slice(1), [1, 1])
  assert.deepEqual(countsOf(result, 'rule1').slice(1), [0, 0])
  await Promise.all(clients.map((client) => client.end()))
})

test('connections are refused, and what comes in is lost, for targets only', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await serve(t)
  const run = await startRun(
    t,
    `${refuses(port, 'mb-refused')}  incoming_network:
    - name: lose_in
      proto: udp
      targets: [{process_name: mb-deaf}]
`,
  )
  const refused = await startClient(t, { name: 'mb-refused', port })
  const deaf = await startClient(t, { name: 'mb-deaf', port })
  assert.deepEqual(
    [
      await refused.ask('tcp'),
      await refused.ask('udp'),
      await deaf.ask('tcp'),
      await deaf.ask('udp'),
    ],
    ['ECONNREFUSED', 'answered', 'connected', 'lost'],
  )
  const result = await run.end()
  assert.deepEqual(countsOf(result, 'refuse'), [1, 1, 1])
  // Its TCP packets were seen as well.
  assert.deepEqual(countsOf(result, 'lose_in').slice(1), [1, 1])
})

test('SIGHUP reads the file again; an invalid one changes nothing and says why', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await serve(t)
  const client = await startClient(t, { name: 'mb-first', port })
  const other = await startClient(t, { name: 'mb-second', port })
  const run = await startRun(t, loses(port, '[{process_name: mb-first}]'))
  assert.deepEqual([await client.ask('udp'), await other.ask('udp')], ['lost', 'answered'])
  writeFileSync(run.file, loses(port, '[{process_nam: mb-second}]'))
  run.running.child.kill('SIGHUP')
  await until(() => run.running.stderr().includes('the rules stay as they were'), {
    what: 'a refusal',
  })
  assert.match(run.running.stderr(), /process_nam/)
  assert.deepEqual([await client.ask('udp'), await other.ask('udp')], ['lost', 'answered'])
  writeFileSync(run.file, loses(port, '[{process_name: mb-second}]'))
  run.running.child.kill('SIGHUP')
  await until(() => run.running.stderr().includes('read again: 1 rule'), { what: 'the new rules' })
  const stderr = run.running.stderr()
  assert.match(stderr, /read again: 1 rule\nminderbinder: the rules before:\nminderbinder: rule /)
  assert.equal(countsOf({ stderr }, 'lose')[2], 2)
  assert.deepEqual([await client.ask('udp'), await other.ask('udp')], ['answered', 'lost'])
  const result = await run.end()
  assert.equal(result.status, 0)
  assert.equal(countsOf(result, 'lose')[2], 1)
})

/** Both network engines: rules that lose a program's datagrams to the port, and refuse its connections. */
function losesAndRefuses(label: string, port: number, names: readonly string[]): string {
  const targets = names.map((name) => `{process_name: ${name}}`).join()
  return `agents_of_chaos:
  outgoing_network:
    - {name: lose_${label}, proto: udp, port: ${port}, targets: [${targets}]}
    - {name: refuse_${label}, outcome: refuse, port: ${port}, targets: [${targets}]}
`
}

test('SIGHUP: what is loaded serves other rules, open sockets included; what needs more programs is loaded beside it', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await serve(t)
  const state = systemState()
  const names = ['mb-first', 'mb-second', 'mb-third']
  const clients = await Promise.all(names.map((name) => startClient(t, { name, port })))
  const asked = (order: 'udp' | 'tcp') =>
    Promise.all(
      clients.map(async (each) => ['lost', 'ECONNREFUSED'].includes(await each.ask(order))),
    )
  const log = join(scratch(t), 'log')
  const work = await startRun(t, losesAndRefuses('a', port, ['mb-first']), { args: ['--log', log] })
  const programs = loadedPrograms(work.running.pid)
  assert.deepEqual([await asked('udp'), await asked('tcp')], Array(2).fill([true, false, false]))
  await clients[0]!.ask('new')
  for (const [label, hit] of [
    ['b', ['mb-second']],
    ['c', ['mb-first', 'mb-second']],
    ['d', ['mb-second']],
  ] as const) {
    await reload(work, losesAndRefuses(label, port, hit))
    assert.deepEqual(loadedPrograms(work.running.pid), programs)
    const expected = names.map((name) => hit.some((each) => each === name))
    assert.deepEqual([label, await asked('udp'), await asked('tcp')], [label, expected, expected])
    for (const each of clients) await each.ask('new')
    assert.deepEqual([label, await asked('udp')], [label, expected])
  }
  const more = `${losesAndRefuses('e', port, ['mb-first'])}  incoming_network:
    - {name: lose_in, proto: udp, port: ${port}, targets: [{process_name: mb-second}]}
`
  for (const last of [more, losesAndRefuses('f', port, ['mb-first', 'mb-second'])]) {
    await reload(work, last)
    assert.deepEqual(await asked('udp'), [true, true, false])
  }
  assert.notDeepEqual(loadedPrograms(work.running.pid), programs)
  const result = await work.end()
  assert.equal(result.status, 0, result.stderr)
  const lines = readFileSync(log, 'utf8').trim().split('\n')
  const logged = (rule: string) => lines.filter((line) => JSON.parse(line).rule === rule).length
  for (const [rule, fired] of Object.entries({
    ...{ lose_a: 1, refuse_a: 1, lose_b: 2, refuse_b: 1, lose_c: 4, refuse_c: 2 },
    ...{ lose_d: 2, refuse_d: 1, lose_e: 1, lose_in: 1, lose_f: 2 },
  }))
    assert.deepEqual([rule, countsOf(result, rule)[2], logged(rule)], [rule, fired, fired])
  assert.deepEqual(await asked('udp'), [false, false, false])
  await Promise.all(clients.map((each) => each.end()))
  await nothingLeft(state)
})

test('SIGHUP with --output and --report: what each set of rules has done stands in the files', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await serve(t)
  const client = await startClient(t, { name: 'mb-hit', port })
  const folder = scratch(t)
  const [output, file] = [join(folder, 'summary'), join(folder, 'report')]
  const rules = loses(port, '[{process_name: mb-hit}]')
  const run = await startRun(t, rules, { args: ['--output', output, '--report', file] })
  assert.equal(await client.ask('udp'), 'lost')
  writeFileSync(run.file, rules.replaceAll('lose', 'lose_again'))
  run.running.child.kill('SIGHUP')
  await until(() => run.running.stderr().includes('read again'), { what: 'the new rules' })
  assert.equal(await client.ask('udp'), 'lost')
  const result = await run.end()
  assert.equal(result.stderr, 'minderbinder: read again: 1 rule\n')
  const { files, end, rules: last, replaced } = parseReport(readFileSync(file, 'utf8'))
  assert.deepEqual([files, end, replaced.length], [[run.file], { kind: 'ended' }, 1])
  assert.deepEqual(
    [...replaced[0].rules, ...last].map(({ label, engine, fired }) => [label, engine, fired]),
    [
      ['lose', 'tc', 1],
      ['lose_again', 'tc', 1],
    ],
  )
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const stderr = readFileSync(output, 'utf8')
  assert.deepEqual([countsOf({ stderr }, 'lose')[2], countsOf({ stderr }, 'lose_again')[2]], [1, 1])
  await client.end()
})

test('while SIGHUP waits for a file, SIGTERM ends run all the same, with its summary', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await serve(t)
  const state = systemState()
  const client = await startClient(t, { name: 'mb-hit', port })
  const run = await startRun(t, loses(port, '[{process_name: mb-hit}]'))
  unlinkSync(run.file)
  assert.equal((await command(['mkfifo', run.file])).status, 0)
  run.running.child.kill('SIGHUP')
  const waits = () =>
    [...waitChannels(run.running.pid)].some((channel) => channel.includes('wait_for_partner'))
  await until(waits, { what: 'a thread that waits for a writer' })
  assert.equal(await client.ask('udp'), 'lost', 'the rules are in force meanwhile')
  run.running.child.kill('SIGTERM')
  const result = await run.running.result
  assert.deepEqual([result.status, result.signal], [0, null], result.stderr)
  assert.deepEqual(countsOf(result, 'lose').slice(1), [1, 1])
  assert.equal(await client.ask('udp'), 'answered')
  await client.end()
  await nothingLeft(state)
})

test('signals: SIGQUIT ends it as SIGTERM does, SIGUSR1 and SIGUSR2 change nothing', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await serve(t)
  const client = await startClient(t, { name: 'mb-hit', port })
  const run = await startRun(t, loses(port, '[{process_name: mb-hit}]'))
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) run.running.child.kill(signal)
  assert.equal(await client.ask('udp'), 'lost')
  run.running.child.kill('SIGQUIT')
  const result = await run.running.result
  assert.equal(result.status, 0, result.stderr)
  assert.doesNotMatch(result.stderr, /[Dd]ebugger/)
  assert.deepEqual(countsOf(result, 'lose').slice(1), [1, 1])
  assert.equal(await client.ask('udp'), 'answered')
})

test('two at once do not disturb each other', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await serve(t)
  const state = systemState()
  const one = await startClient(t, { name: 'mb-one', port })
  const two = await startClient(t, { name: 'mb-two', port })
  const first = await startRun(t, loses(port, '[{process_name: mb-one}]'))
  const second = await startRun(t, loses(port, '[{process_name: mb-two}]'))
  assert.deepEqual([await one.ask('udp'), await two.ask('udp')], ['lost', 'lost'])
  assert.equal((await first.end()).status, 0)
  assert.deepEqual([await one.ask('udp'), await two.ask('udp')], ['answered', 'lost'])
  assert.deepEqual(countsOf(await second.end(), 'lose').slice(1), [2, 2])
  await Promise.all([one.end(), two.end()])
  await nothingLeft(state)
})

test('killed, it leaves nothing', async (t) => {
  if (!requires(t, ...needs, 'linux:6.6')) return
  const port = await serve(t)
  const state = systemState()
  const client = await startClient(t, { name: 'mb-hit', port })
  const run = await startRun(t, loses(port, '[{process_name: mb-hit}]'))
  assert.equal(await client.ask('udp'), 'lost')
  run.running.child.kill('SIGKILL')
  await run.running.exited
  await until(async () => (await client.ask('udp')) === 'answered', { what: 'an answer' })
  await client.end()
  await nothingLeft(state)
})

test('process 1 and minderbinder itself are no targets, kernel threads are not listed', async (t) => {
  if (!requires(t, ...needs)) return
  const file = join(scratch(t), 'all.yaml')
  writeFileSync(file, loses(9, "[{process_name: '*'}]"))
  const dryRun = startMinderbinder(['run', '--dry-run', file])
  const dry = await dryRun.result
  assert.equal(dry.status, 0, dry.stderr)
  const pids = dry.stdout
    .split('\n')
    .slice(0, -2)
    .filter((line) => !line.includes(': spared'))
    .map((line) => Number.parseInt(line, 10))
  assert.ok(pids.includes(process.pid))
  // 2 is kthreadd, whose children the others are.
  assert.ok(![1, 2, dryRun.pid].some((pid) => pids.includes(pid)))
  assert.doesNotMatch(dry.stdout, /kthreadd|kworker/)
  assert.match(dry.stdout, new RegExp(`^${pids.length} processes are targets now$`, 'm'))
})

test('a storm of short processes: each is hit, and none is left in the table', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await serve(t)
  const count = process.env.MINDERBINDER_TEST_QUICK ? 300 : 4000
  const program = programCalled(t, 'mb-storm', fixture('storm', { link: 'static' }))
  const run = await startRun(t, refuses(port, 'mb-storm'))
  const storm = await command([fixture('storm'), `${count}`, '8', `${port}`, program], {
    timeout: 120_000,
  })
  const [refused, ms] = storm.stdout.split(' ').map(Number)
  t.diagnostic(`${Math.round((count / ms!) * 1000)} processes a second`)
  assert.equal(refused, count, storm.stderr)
  await until(
    () =>
      /targets: 0 \(-\d+\)\n(?!.*targets:)/s.test(run.running.stdout()) ||
      !run.running.stdout().includes('targets:'),
    {
      what: 'an empty table',
    },
  )
  const result = await run.end()
  assert.deepEqual(countsOf(result, 'refuse'), [count, count, count])
  assert.doesNotMatch(result.stderr, /not seen|bypassed/)
  // The same afterwards: no connection is refused.
  const calm = await command([fixture('storm'), '20', '4', `${port}`, program])
  assert.match(calm.stdout, /^0 /)
})

test('a number that a target had is not hit when another process gets it', async (t) => {
  if (!requires(t, ...needs)) return
  const port = await serve(t)
  const hit = programCalled(t, 'mb-reused', fixture('storm'))
  const stranger = programCalled(t, 'mb-stranger', fixture('storm'))
  const run = await startRun(t, refuses(port, 'mb-reused'))
  const target = start([hit, `${port}`])
  assert.equal((await target.result).status, 0, 'the target is refused')
  const other = await command([fixture('with-pid'), `${target.pid}`, stranger, `${port}`])
  assert.equal(other.status, 1, `the stranger connects: ${other.stderr}`)
  const again = await command([fixture('with-pid'), `${target.pid}`, hit, `${port}`])
  assert.equal(again.status, 0, `a target of that number: ${again.stderr}`)
  assert.deepEqual(countsOf(await run.end(), 'refuse'), [2, 2, 2])
})

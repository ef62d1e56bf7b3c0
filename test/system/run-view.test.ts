/** The graphs of run at a real terminal: what a person sees, and that the terminal is theirs again however it ends. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { acceptConnections, echoDatagrams } from '../helpers/loopback.ts'
import { programCalled } from '../helpers/machine-run.ts'
import { type Person, personAtShell, settings } from '../helpers/person.ts'
import { descendants, killed } from '../helpers/processes.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, start } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { keys } from '../helpers/terminal.ts'
import { until } from '../helpers/until.ts'

const size = { columns: 100, rows: 40 }

/** Loses every second datagram to the port, and refuses every connection. */
const rules = (port: number) => `agents_of_chaos:
  outgoing_network:
    - {name: lose_datagrams, proto: udp, port: ${port}, failure_rate: 50, targets: [{process_name: mb-viewed}]}
    - {name: refuse_all, outcome: refuse, proto: tcp, port: ${port}, targets: [{process_name: mb-viewed}]}
`

/** A shell that is called mb-viewed: sends and connects on its own, and says how that goes. */
const work = (port: number) => `
while :; do
  for i in 1 2 3; do echo x >/dev/udp/127.0.0.1/${port}; done
  if (exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null; then echo connected; else echo refused; fi
  sleep 0.05
done`

function isRun(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').endsWith('\0rules.yaml\0')
  } catch {
    return false // it has ended while we looked
  }
}

interface Scene {
  readonly person: Person
  readonly folder: string
  /** Of the process of run, from when it is seen on. */
  pid(): number
  /** What has become of the last connection. */
  connection(): string
}

interface Play {
  /** The terminal is as it was, and the first screen is seen again. */
  readonly restored?: boolean
}

/** Somebody at a shell, with a file of rules and a program that they are for. Afterwards nothing is faulted. */
function atShell(
  title: string,
  play: (scene: Scene, t: TestContext) => Promise<void>,
  { restored = true }: Play = {},
): void {
  test(title, async (t) => {
    if (!requires(t, 'root', 'pty', 'cc', 'libbpf', 'cgroup2', 'linux:6.6')) return
    const folder = scratch(t)
    const port = await echoDatagrams(t, await acceptConnections(t))
    writeFileSync(join(folder, 'rules.yaml'), rules(port))
    const before = systemState()
    const worker = start([programCalled(t, 'mb-viewed', '/bin/bash'), '-c', work(port)], {
      timeout: 120_000,
    })
    t.after(() => worker.child.kill('SIGKILL'))
    const connection = () => worker.stdout().trimEnd().split('\n').at(-1) ?? ''
    await until(() => connection() === 'connected', { what: 'a connection' })
    const person = await personAtShell(t, {}, size.columns, size.rows)
    const { terminal } = person
    terminal.type(`cd ${folder}; PATH=$PATH:${dirname(minderbinder)}; echo before-it-all\n`)
    await terminal.sees('before-it-all\n')
    const settingsBefore = await settings(person)
    const pid = () => {
      const found = descendants(process.pid).find((each) => isRun(each))
      assert.ok(found !== undefined, 'run runs')
      return found
    }
    await play({ person, folder, pid, connection }, t)
    await until(() => connection() === 'connected', { what: 'an end of the faults' })
    if (restored) {
      assert.equal(await settings(person), settingsBefore)
      const { alternate, cursorShown, rows } = await person.looks()
      assert.deepEqual({ alternate, cursorShown }, { alternate: false, cursorShown: true })
      assert.match(rows.join('\n'), /before-it-all/)
      terminal.type('exit\n')
    }
    terminal.hangUp()
    await terminal.ended
    worker.child.kill('SIGKILL')
    await worker.exited
    await nothingLeft(before)
  })
}

const begin = ({ person }: Scene, more = '') =>
  person.terminal.type(`minderbinder run --seed 17 ${more} rules.yaml\n`)

const viewed = ({ person }: Scene) =>
  person.sees('the view, with both rules fired', ({ alternate, rows }) => {
    return alternate && rows.filter((row) => /fired [1-9]/.test(row)).length === 2
  })

async function status({ person: { terminal } }: Scene): Promise<string> {
  terminal.type('echo "status=$?."\n')
  return (await terminal.sees(/status=\d+\./)).slice('status='.length, -1)
}

/** It has ended well: the summary is on the screen, and the exit status is 0. */
async function endsWell(scene: Scene): Promise<void> {
  const { terminal } = scene.person
  await terminal.sees('1049l')
  await terminal.sees(/lose_datagrams +tc +\d+ +\d+ +\S*[1-9]/)
  await terminal.sees('--seed 17')
  assert.equal(await status(scene), '0')
}

atShell('what is done, to whom, and how often; q ends it', async (scene) => {
  const { person, connection, pid } = scene
  begin(scene)
  await viewed(scene)
  assert.equal(connection(), 'refused')
  const { rows } = await person.sees(
    'calls that are counted, and injections of both rules',
    (seen) => {
      const text = seen.rows.join('\n')
      return (
        /succeeding [1-9].* failing [1-9][\d.]*\/s .*context switches [1-9]/.test(text) &&
        / udp to /.test(text) &&
        / connect tcp /.test(text)
      )
    },
  )
  const text = rows.join('\n')
  assert.match(rows[0]!, /^minderbinder run rules\.yaml .* seed 17 {2}0:\d\d$/)
  assert.match(
    text,
    /^lose_datagrams {2}(?:tc: )?outgoing UDP packets to port \d+ are lost silently /m,
  )
  assert.match(
    text,
    /^refuse_all {2}(?:cgroup: )?connect\(\) over TCP to port \d+ fails with ECONNREFUSED /m,
  )
  assert.match(text, /^seen \d+ {2}now .* peak \S+\/s +fired \d+ {2}now .* peak \S+\/s *$/m)
  assert.match(text, /[▁-█]/)
  assert.match(text, /^targets [1-9] +last injections$/m)
  assert.match(text, /^ +\d+ mb-viewed {2}all rules/m)
  assert.match(text, / [\d:]{8}\.\d{3} udp to 127\.0\.0\.1:\d+ on lo: drop \(lose_data/)
  assert.match(text, / [\d:]{8}\.\d{3} mb-viewed\[\d+\] connect tcp 127\.0\.0\.1:\d+: /)
  assert.match(rows.at(-1)!, /^q quits +each column is 0\.\d s, .*; a full bar is the peak$/)
  const [seen, fired] = /^seen (\d+).*fired (\d+)/m.exec(text)!.slice(1).map(Number)
  assert.ok(fired! > 0 && fired! < seen!, text)
  assert.ok(!new RegExp(`^ +${pid()} `, 'm').test(text), 'run is no target')
  person.terminal.type('q')
  await endsWell(scene)
})

atShell('^C ends it as q does', async (scene) => {
  begin(scene)
  await viewed(scene)
  scene.person.terminal.type(keys.interrupt)
  await endsWell(scene)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  atShell(`${signal} ends it as q does`, async (scene) => {
    begin(scene)
    await viewed(scene)
    process.kill(scene.pid(), signal)
    await endsWell(scene)
  })

atShell('a new size is filled at once', async (scene) => {
  const { person } = scene
  begin(scene)
  await viewed(scene)
  for (const [columns, rows] of [
    [60, 20],
    [120, 50],
    [size.columns, size.rows],
  ] as const) {
    person.resize(columns, rows)
    await person.sees(
      `${columns}x${rows}`,
      ({ rows: shown }) =>
        shown[0]!.startsWith('minderbinder') &&
        shown[0]!.length === columns &&
        shown.at(-1)!.startsWith('q quits '),
    )
  }
  person.terminal.type('q')
  await endsWell(scene)
})

atShell(
  'SIGHUP: what comes of it stands in the view, and on the terminal afterwards',
  async (scene) => {
    const { person, folder, pid } = scene
    begin(scene)
    await viewed(scene)
    const file = join(folder, 'rules.yaml')
    const good = readFileSync(file, 'utf8')
    writeFileSync(file, good.replaceAll('failure_rate', 'failure_rat'))
    process.kill(pid(), 'SIGHUP')
    await person.sees('the error', ({ rows }) => /^q quits {2}.*failure_rat/.test(rows.at(-1)!))
    assert.equal(scene.connection(), 'refused')
    writeFileSync(file, good.replaceAll('lose_datagrams', 'lose_others'))
    process.kill(pid(), 'SIGHUP')
    await person.sees('the new rules', ({ rows }) => {
      const named = rows.some((row) => row.startsWith('lose_others  '))
      return named && rows.at(-1)!.startsWith('q quits  read again: 2 rules ')
    })
    person.terminal.type('q')
    await person.terminal.sees(/minderbinder: .*failure_rat[\s\S]*did you mean failure_rate/)
    await person.terminal.sees(/the rules stay as they were\nminderbinder: read again: 2 rules\n/)
    await person.terminal.sees('--seed 17')
    assert.equal(await status(scene), '0')
  },
)

atShell(
  '^Z gives the shell its screen and leaves the faults; fg brings the view back',
  async (scene) => {
    const { person } = scene
    begin(scene)
    await viewed(scene)
    person.terminal.type(keys.suspend)
    await person.terminal.sees('Stopped')
    const { alternate, cursorShown } = await person.looks()
    assert.deepEqual({ alternate, cursorShown }, { alternate: false, cursorShown: true })
    assert.equal(scene.connection(), 'refused')
    person.terminal.type('fg\n')
    await viewed(scene)
    person.terminal.type('q')
    await endsWell(scene)
  },
)

atShell(
  'a rule that was left out is in view; the summary stays, though it goes to a file',
  async (scene) => {
    const { person, folder } = scene
    const file = join(folder, 'rules.yaml')
    const late = '{name: late, syscall: fsync, outcome: "delay:5ms", targets: [{process_name: x}]}'
    writeFileSync(file, `${readFileSync(file, 'utf8')}  syscall:\n    - ${late}\n`)
    begin(scene, '--skip-unsupported -o summary')
    const { rows } = await viewed(scene)
    assert.ok(
      rows.some((row) => row.startsWith('left out: late: override: ')),
      rows.join('\n'),
    )
    person.terminal.type('q')
    await endsWell(scene)
    assert.match(
      readFileSync(join(folder, 'summary'), 'utf8'),
      /lose_datagrams +tc .*[\s\S]*--seed 17/,
    )
  },
)

atShell('an error on the way: the terminal is back, and the error is readable', async (scene) => {
  begin(scene, '--log /dev/full')
  await viewed(scene)
  scene.person.terminal.type('q')
  await scene.person.terminal.sees('1049l')
  await scene.person.terminal.sees('cannot write /dev/full')
  assert.equal(await status(scene), '1')
})

atShell('SIGQUIT ends it as SIGTERM does', async (scene) => {
  begin(scene)
  await viewed(scene)
  process.kill(scene.pid(), 'SIGQUIT')
  await scene.person.terminal.sees('1049l')
  assert.equal(await status(scene), '0')
})

atShell(
  'SIGKILL: no fault is left; the screen is not given back, and reset does it',
  async ({ person, ...scene }) => {
    begin({ person, ...scene })
    await viewed({ person, ...scene })
    process.kill(scene.pid(), 'SIGKILL')
    await person.terminal.sees('Killed')
    await until(() => scene.connection() === 'connected', { what: 'an end of the faults' })
    assert.equal((await person.looks()).alternate, true)
    person.terminal.type('reset\n')
    await person.sees('the first screen', (seen) => !seen.alternate)
  },
  { restored: false },
)

for (const [how, more] of [
  ['graphs', ''],
  ['lines', '--no-graph'],
] as const)
  atShell(
    `the terminal hangs up under ${how}: it ends, as nobody sees any more what it does`,
    async (scene, t) => {
      begin(scene, more)
      if (more === '') await viewed(scene)
      else await scene.person.terminal.sees('fired: refuse_all')
      const pid = scene.pid()
      t.after(() => isRun(pid) && killed(pid))
      scene.person.terminal.hangUp()
      await until(() => !isRun(pid), { what: 'the end of run' })
    },
    { restored: false },
  )

for (const [how, more, env] of [
  ['--no-graph', '--no-graph', ''],
  ['a terminal that cannot show graphs', '', 'TERM=dumb '],
] as const)
  atShell(`lines of text on a terminal: ${how}`, async ({ person: { terminal }, pid }) => {
    terminal.type(`${env}minderbinder run --seed 17 ${more} rules.yaml\n`)
    await terminal.sees('minderbinder: start: run rules.yaml: 2 rules, seed 17\n')
    await terminal.sees(/minderbinder: fired: lose_datagrams \d+ \(\+\d+\), matched \d+, seen/)
    await terminal.sees(/minderbinder: fired: refuse_all/)
    terminal.type(keys.interrupt)
    await terminal.sees(/minderbinder: stop: after [\d.]+ s\n/)
    await terminal.sees('to repeat this run: --seed 17\n')
    terminal.type('echo "status=$?."\n')
    await terminal.sees('status=0.')
    assert.ok(!terminal.bytes().includes('\x1b[?1049h'))
    assert.equal(terminal.screen().match(/lose_datagrams +tc/g)?.length, 1, 'one summary')
    assert.throws(pid)
  })

atShell('in the background it prints lines, and is not stopped', async (scene) => {
  const { terminal } = scene.person
  terminal.type('minderbinder run --seed 17 rules.yaml &\n')
  await terminal.sees(/minderbinder: fired: refuse_all/)
  terminal.type('kill %1; wait %1; echo "status=$?."\n')
  await terminal.sees('--seed 17\n')
  await terminal.sees('status=0.')
  assert.ok(!terminal.bytes().includes('\x1b[?1049h'))
})

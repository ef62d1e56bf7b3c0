/** The live view at a real terminal: what a person sees of it, and that the terminal is theirs again afterwards. */
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { personAtShell, settings } from '../helpers/person.ts'
import { requires } from '../helpers/requires.ts'
import { keys } from '../helpers/terminal.ts'

/** Where programs leave the second screen (xterm's control sequences, mode 1049). */
const leave = '\x1b[?1049l'
const program = new URL('view-program.ts', import.meta.url).pathname
const size = { columns: 80, rows: 30 }

/** A shell at a terminal where the program has been started and the view is seen. */
async function withView(t: TestContext, how: string, env: NodeJS.ProcessEnv, rules = 2) {
  const person = await personAtShell(t, env, size.columns, size.rows)
  const { terminal } = person
  terminal.type('echo before-the-view\n')
  const before = await settings(person)
  const node = `${process.execPath} --import tsx ${program} ${how} ${rules}`
  terminal.type(`${node}; echo "status=$?."\n`)
  const seen = await person.sees('the view', ({ rows }) => rows.some((row) => row.includes('pid ')))
  const pid = Number(/pid (\d+)/.exec(seen.rows.join('\n'))?.[1])
  return { terminal, person, before, seen, pid }
}

type Shown = Awaited<ReturnType<typeof withView>>

/** Everything is as it was, and `status` is how the program ended. */
async function asBefore({ terminal, person, before }: Shown, status: RegExp): Promise<void> {
  await terminal.sees(status)
  assert.equal(await settings(person), before)
  const seen = await person.looks()
  assert.equal(seen.alternate, false)
  assert.equal(seen.cursorShown, true)
  const text = seen.rows.join('\n')
  assert.match(text, /before-the-view/, 'the first screen is what it was')
  assert.doesNotMatch(text, /rule_0/)
  terminal.type('exit\n')
  terminal.hangUp()
  await terminal.ended
}

function viewTest(title: string, body: (t: TestContext) => Promise<void>): void {
  test(title, async (t) => {
    if (!requires(t, 'pty', 'cc')) return
    await body(t)
  })
}

viewTest('it is on the second screen, with everything in its place; q ends it', async (t) => {
  const shown = await withView(t, 'key', {})
  const { seen, terminal } = shown
  assert.equal(seen.alternate, true)
  assert.equal(seen.cursorShown, false)
  assert.match(seen.rows[0]!, /^view program .*seed 17 {2}0:0\d$/)
  assert.match(seen.rows[1]!, /^rule_0 {2}(?:override|ptrace|seccomp): /)
  await shown.person.sees('the rates', ({ rows }) => /100\/s .* 10\/s/.test(rows[2]!))
  assert.match(seen.rows.join('\n'), /targets 1: \\x1b\[31mcurl 4711/)
  assert.match(seen.rows.at(-1)!, /^q quits/)
  assert.match(terminal.bytes().replaceAll('\x1b', 'ESC'), /ESC\[31m *█/, 'what fired is red')
  terminal.type('q')
  await asBefore(shown, /status=3\./)
})

viewTest('^C is a key: it ends the same way', async (t) => {
  const shown = await withView(t, 'key', {})
  shown.terminal.type(keys.interrupt)
  await asBefore(shown, /status=3\./)
})

for (const [signal, status] of [
  ['SIGTERM', 143],
  ['SIGHUP', 129],
  ['SIGINT', 130],
] as const)
  viewTest(`${signal} gives the terminal back, and ends the process as ever`, async (t) => {
    const shown = await withView(t, 'key', {})
    process.kill(shown.pid, signal)
    if (signal === 'SIGINT') {
      // bash gives up the list where its command died of that.
      await shown.terminal.sees(`${leave}\n$ `)
      shown.terminal.type('echo "status=$?."\n')
    }
    await asBefore(shown, new RegExp(`status=${status}\\.`))
  })

for (const [how, status] of [
  ['throw', /thrown on purpose.*status=1\./s],
  ['reject', /rejected on purpose.*status=1\./s],
  ['exit', /status=4\./],
  ['end', /status=0\./],
] as const)
  viewTest(`${how}: the terminal is back, and what is said last is readable`, async (t) => {
    const shown = await withView(t, how, {})
    process.kill(shown.pid, 'SIGUSR1')
    await asBefore(shown, status)
    if (how === 'throw' || how === 'reject') {
      const { rows } = await shown.person.sees('the error', ({ alternate }) => !alternate)
      assert.match(rows.join('\n'), /on purpose/)
    }
  })

viewTest('^Z: the shell has its terminal; fg brings the view back', async (t) => {
  const shown = await withView(t, 'key', {})
  const { terminal, person } = shown
  terminal.type(keys.suspend)
  await person.sees(
    'the first screen',
    ({ alternate, cursorShown, rows }) =>
      !alternate && cursorShown && rows.some((row) => row.includes('Stopped')),
  )
  terminal.type('fg\n')
  await person.sees('the view again', ({ alternate, rows }) => alternate && /rule_0/.test(rows[1]!))
  await terminal.sees('fg\n')
  terminal.type('q')
  await asBefore(shown, /1049l\$ /)
})

viewTest('a new size is filled at once, 40x10 and 12x3 too', async (t) => {
  const shown = await withView(t, 'key', {})
  for (const [columns, rows] of [
    [120, 40],
    [40, 10],
    [12, 3],
    [80, 30],
  ] as const) {
    shown.person.resize(columns, rows)
    await shown.person.sees(
      `${columns}x${rows}`,
      (now) =>
        now.rows[0]!.startsWith('view') && (rows < 6 || now.rows.at(-1)!.startsWith('q quits')),
    )
  }
  shown.terminal.type('q')
  await asBefore(shown, /status=3\./)
})

viewTest('many rules: the arrows show the others', async (t) => {
  const shown = await withView(t, 'key', {}, 30)
  const { terminal, person, seen } = shown
  assert.match(seen.rows.join('\n'), /^rule_0 .*^and \d+ more$/ms)
  assert.match(seen.rows.at(-1)!, /^q quits {2}↑↓ shows other rules/)
  terminal.type('\x1b[B\x1b[B')
  await person.sees('two rules further', ({ rows }) => /^2 more above/m.test(rows.join('\n')))
  terminal.type('\x1b[F')
  await person.sees('the last', ({ rows }) => rows.some((row) => row.startsWith('rule_29')))
  terminal.type('q')
  await asBefore(shown, /status=3\./)
})

viewTest('NO_COLOR: no colours; no UTF-8 locale: ASCII', async (t) => {
  const shown = await withView(t, 'key', { NO_COLOR: '1', LC_ALL: 'C' })
  const drawn = shown.terminal.bytes().slice(shown.terminal.bytes().indexOf('\x1b[?1049h'))
  assert.doesNotMatch(drawn.replaceAll('\x1b', 'ESC'), /ESC\[[\d;]*m/)
  assert.equal(Buffer.from(drawn, 'latin1').toString(), drawn, 'one byte a character')
  await shown.person.sees('a bar', ({ rows }) => rows.some((row) => /\|\|\| .*\|\|\|$/.test(row)))
  shown.terminal.type('q')
  await asBefore(shown, /status=3\./)
})

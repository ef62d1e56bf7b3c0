/** README: each row of its table of faults does what it promises, and its story of git is true. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { Namespace } from '../helpers/network-namespace.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, type RunResult, run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const fixtures = new URL('../fixtures/', import.meta.url).pathname
const needs = ['root', 'cgroup2', 'libbpf', 'netns', 'ip', 'unshare', 'python3'] as const

/** What it wants, and the faults as one types them. */
const rows = [...readme.matchAll(/^\| ([^|]+) \| `(--[^`]+)` \|$/gm)].map(
  ([, wish, fault]) => [wish!, fault!] as const,
)

interface Expected {
  /** Of test/fixtures/wishes.py. */
  readonly program: string
  /** What it says under the fault. */
  readonly says: string | RegExp
  /** How long it takes at least, in milliseconds. */
  readonly takes?: number
}

const expected: Readonly<Record<string, Expected>> = {
  'a file that is missing': { program: 'missing', says: 'ENOENT' },
  'a file that I may not read': { program: 'not mine', says: 'EACCES' },
  'the disk full, for one file': { program: 'write', says: 'ENOSPC' },
  'an fsync that fails': { program: 'write', says: 'EIO' },
  'a slow disk': { program: 'read', says: 'ok', takes: 5 },
  'a slow fsync': { program: 'write', says: 'ok', takes: 500 },
  'short reads, a byte at a time': { program: 'whole', says: /^short/ },
  'no descriptor left, from the third open on': { program: 'three', says: 'EMFILE' },
  'my program killed at its second rename': { program: 'renames', says: /^$/ },
  'no memory': { program: 'memory', says: /memory/i },
  'no more processes': { program: 'fork', says: 'EAGAIN' },
  'writes that a signal interrupts now and then': { program: 'lines', says: 'ok' },
  'only one program of a script to fail': { program: 'grep', says: /^grep: app\.conf: Input/ },
  'the database to refuse connections': { program: 'connect', says: 'ECONNREFUSED' },
  'the database slow to answer': { program: 'answer', says: 'ok', takes: 400 },
  'a connection reset in the middle of an answer': { program: 'answer', says: 'ECONNRESET' },
  'DNS down': { program: 'name', says: 'all lost' },
  'half of all packets lost': { program: 'packets', says: 'some lost' },
  'a network that goes away after two seconds': { program: 'later', says: 'went away' },
}

async function openNetwork(t: TestContext): Promise<Namespace> {
  const namespace = await Namespace.open(t)
  await namespace.serve(t, '/usr/bin/python3', join(fixtures, 'echo.py'))
  return namespace
}

/** A folder with the files that the programs use. */
function folder(t: TestContext): string {
  const cwd = scratch(t)
  for (const name of ['app.conf', 'my.key', 'x.db', 'x.json', 'one', 'two'])
    writeFileSync(join(cwd, name), 'data')
  return cwd
}

/** What the program said last, and how long it took. */
function said({ stderr }: RunResult): readonly [string, number] {
  const [, words = stderr, time = '0'] = /^(.*) (\d+)$/m.exec(stderr) ?? []
  return [words, Number(time)]
}

test('the table and this file have the same rows, fifteen at least', () => {
  assert.deepEqual(rows.map(([wish]) => wish).sort(), Object.keys(expected).sort())
  assert.ok(rows.length >= 15)
})

for (const [wish, fault] of rows)
  test(`I want ${wish}: ${fault}`, async (t) => {
    if (!requires(t, ...needs)) return
    const { program, says, takes = 0 } = expected[wish]!
    const network = await openNetwork(t)
    const command = ['/usr/bin/python3', '-S', join(fixtures, 'wishes.py'), program]
    const [bare] = said(await run(network.inside(...command), { cwd: folder(t) }))
    assert.equal(bare, 'ok', 'without the fault')
    const cwd = folder(t)
    const report = join(cwd, 'report')
    const line = `exec "$0" exec --seed 1 -o "$1" ${fault} -- "$2" "$3" "$4" "$5"`
    const typed = network.inside('sh', '-c', line, minderbinder, report, ...command)
    const done = await run(typed, { cwd })
    const [words, time] = said(done)
    if (typeof says === 'string') assert.equal(words, says, done.stderr)
    else assert.match(words, says)
    assert.ok(time >= takes, `${time} ms, not ${takes}`)
    assert.match(readFileSync(report, 'utf8'), / [1-9]\d*$/m, 'it fired')
    if (program === 'renames') {
      assert.equal(done.signal, 'SIGKILL')
      assert.deepEqual(
        ['one.new', 'two.new'].map((name) => existsSync(join(cwd, name))),
        [true, false],
      )
    }
    if (program === 'lines') assert.equal(done.stdout, 'line\n'.repeat(200))
  })

test('git is killed at the second object of a commit: the history is whole, and the lock stays', async (t) => {
  if (!requires(t, 'git')) return
  const cwd = scratch(t)
  const env = Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap((who) => [
      [`GIT_${who}_NAME`, 'mb'],
      [`GIT_${who}_EMAIL`, 'mb@example.org'],
    ]),
  )
  const sh = (line: string) => run(['sh', '-c', line], { cwd, env })
  await sh(
    'git init -q . && echo one >file && git add file && git commit -qm first && echo two >file',
  )
  const [, block] = /```console\n(\$ minderbinder exec [^\n]*git commit[\s\S]*?)```/.exec(readme)!
  const [faulted, log, again] = [...block!.matchAll(/^\$ (.*)$/gm)].map(([, line]) => line!)
  const killed = await sh(faulted!.replace(/^minderbinder/, `exec ${minderbinder}`))
  assert.equal(killed.signal, 'SIGKILL')
  const told = killed.stderr.split('\n').filter((line) => !line.includes('--seed'))
  for (const line of told) assert.ok(block!.includes(line), line)
  assert.match((await sh(log!)).stdout, /^[0-9a-f]+ first\n$/)
  assert.match(
    (await sh(again!)).stderr,
    /^fatal: Unable to create '.*\.git\/index\.lock': File exists\.$/m,
  )
  assert.equal(
    (await sh('rm .git/index.lock && git fsck --strict && git commit -qam second')).status,
    0,
  )
  assert.match((await sh(log!)).stdout, / second\n.* first\n$/)
})

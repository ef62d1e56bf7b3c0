/** Options end at the first operand; what comes after is the command's, byte for byte. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run, runMinderbinder } from '../helpers/run.ts'

const quiet = ['exec', '-q', '--syscall', 'openat=ENOENT@0%']

test('an option after the command belongs to the command', async () => {
  for (const args of [['--help'], ['--version'], ['-q'], ['--syscall', 'x'], ['--', '-x'], ['-']]) {
    const done = await runMinderbinder([...quiet, 'printf', '<%s>', ...args])
    assert.equal(done.stderr, '')
    // printf itself takes `--` away only in front of its format.
    assert.equal(done.stdout, args.map((arg) => `<${arg}>`).join(''))
  }
})

test('the first -- is ours, the second the command’s', async () => {
  const done = await runMinderbinder([...quiet, '--', 'echo', '--', 'a'])
  assert.equal(done.stdout, '-- a\n')
})

test('a command whose name looks like one of ours is a command', async () => {
  const done = await runMinderbinder([...quiet, 'sh', '-c', 'echo "$0"', 'exec'])
  assert.equal(done.stdout, 'exec\n')
})

test('arguments that are empty, hold newlines, or are no UTF-8 arrive byte for byte', async (t) => {
  if (!requires(t, 'cc')) return
  // Node cannot pass bytes that are no UTF-8: a shell makes them.
  const script = `exec "$@" "" "$(printf 'a\\nb')" "$(printf '\\377\\300\\200')" "*" '$HOME' "é"`
  const ours = [minderbinder, ...quiet, '--', fixture('state')]
  const [bare, under] = await Promise.all(
    [[fixture('state')], ours].map((command) => run(['sh', '-c', script, 'sh', ...command])),
  )
  const argv = (text = '') => text.split('\n').filter((line) => /^argv-[1-9]/.test(line))
  assert.equal(argv(bare?.stdout).length, 6)
  assert.match(bare?.stdout ?? '', /^argv-3 \\xff\\xc0\\x80$/m)
  assert.deepEqual(argv(under?.stdout), argv(bare?.stdout))
})

test('argv[0] is what was typed', async (t) => {
  if (!requires(t, 'cc')) return
  const state = fixture('state')
  const folder = state.slice(0, state.lastIndexOf('/'))
  const name = state.slice(folder.length + 1)
  const env = { PATH: `${folder}:${process.env.PATH}` }
  assert.match(
    (await runMinderbinder([...quiet, name], { env })).stdout,
    new RegExp(`^argv-0 ${name}$`, 'm'),
  )
  const relative = await runMinderbinder([...quiet, `./${name}`], { cwd: folder })
  assert.match(relative.stdout, new RegExp(`^argv-0 ./${name}$`, 'm'))
})

test('as many arguments as env can pass', async () => {
  const many = Array.from({ length: 20_000 }, (_, i) => `argument-${i}`)
  const done = await runMinderbinder([...quiet, 'sh', '-c', 'echo $#', 'sh', ...many])
  assert.equal(done.stdout, '20000\n')
})

test('options may be joined to their values, and repeated', async () => {
  const done = await runMinderbinder([
    ...['exec', '-q', '--syscall=openat=ENOENT@0%', '--syscall', 'read=EIO@0%', '--seed=7'],
    ...['echo', 'done'],
  ])
  assert.deepEqual([done.status, done.stdout, done.stderr], [0, 'done\n', ''])
})

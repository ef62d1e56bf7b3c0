/** `exec --report FILE`: one JSON object, however the command ends. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { identities } from '../helpers/identity.ts'
import { parseReport } from '../helpers/report-schema.ts'
import { minderbinder, run, runMinderbinder, startMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { until } from '../helpers/until.ts'

const fault = ['--syscall', 'openat=ENOENT,path=/no/such,name=hit', '--seed', '17']
const missed = ['--syscall', 'open=EIO,name=missed']
const opens = ': 2>/dev/null <"/no/such"'

const read = (folder: string, name = 'r') => parseReport(readFileSync(join(folder, name), 'utf8'))

for (const { title, options } of identities) {
  for (const [script, end] of [
    [`${opens}; exit 0`, { kind: 'exited', status: 0 }],
    [`${opens}; exit 3`, { kind: 'exited', status: 3 }],
    [`${opens}; kill -KILL $$`, { kind: 'killed', signal: 'SIGKILL' }],
    [`${opens}; kill -36 $$`, { kind: 'killed', signal: 'SIGRTMIN+2' }],
  ] as const)
    test(`how the command ended, what fired and what never did, with -q too: ${script}, ${title}`, async (t) => {
      const cwd = scratch(t)
      const before = Date.now()
      const command = ['bash', '--norc', '-c', script]
      const args = ['exec', '-q', '--report', 'r', ...fault, ...missed, '--', ...command]
      const done = await runMinderbinder(args, { cwd, ...options })
      assert.equal(done.stderr, '')
      const { startedAt, durationMs, rules, ...rest } = read(cwd)
      assert.deepEqual(rest, { version: 1, command, end, seed: '17', notes: [], lostEvents: 0 })
      const at = Date.parse(startedAt)
      assert.ok(at >= before && at + durationMs <= Date.now() + 1, `${startedAt} ${durationMs}`)
      const [hit, other] = rules
      assert.deepEqual(
        [hit.label, hit.matched, hit.fired, hit.whyNotFired],
        ['hit', 1, 1, undefined],
      )
      assert.match(hit.engine, /^(override|ptrace|seccomp)$/)
      assert.equal(hit.source, `--syscall ${fault[1]}`)
      assert.deepEqual(
        [other.label, other.fired, other.whyNotFired],
        ['missed', 0, 'open was never called'],
      )
      assert.equal(statSync(join(cwd, 'r')).mode & 0o777, 0o600)
    })

  test(`a command that does not start is an error in the report, ${title}`, async (t) => {
    const cwd = scratch(t)
    writeFileSync(join(cwd, 'plain'), '')
    for (const [command, status, code] of [
      ['./none', 127, 'MB_EXEC_NOT_FOUND'],
      ['./plain', 126, 'MB_EXEC_FAILED'],
    ] as const) {
      const done = await runMinderbinder(['exec', '--report', 'r', ...fault, command], {
        cwd,
        ...options,
      })
      assert.equal(done.status, status)
      const { end, rules } = read(cwd)
      assert.equal(end.kind, 'failed')
      assert.equal(done.stderr, `minderbinder: ${end.error.message} [${end.error.code}]\n`)
      assert.deepEqual([end.error.code, rules], [code, []])
    }
  })
}

test('the same reasons and counts as in the summary, which goes on as without it', async (t) => {
  const cwd = scratch(t)
  const inject = ['--inject', 'openat,getppid:error=EIO:when=1000']
  const command = ['--', 'sh', '-c', opens]
  const plain = await runMinderbinder(['exec', ...fault, ...missed, ...inject, ...command], { cwd })
  assert.deepEqual(readdirSync(cwd), [], 'no report without --report')
  const done = await runMinderbinder(
    ['exec', '--report', 'r', ...fault, ...missed, ...inject, ...command],
    { cwd },
  )
  assert.equal(done.stderr, plain.stderr)
  const { rules } = read(cwd)
  assert.equal(rules.length, 3)
  for (const rule of rules)
    if (rule.fired === 0)
      assert.ok(
        done.stderr.includes(`minderbinder: ${rule.label} never fired: ${rule.whyNotFired}\n`),
        rule.label,
      )
  for (const { label, seen, matched, fired } of [rules[0], rules[1], ...rules[2].calls])
    assert.match(
      done.stderr,
      new RegExp(`^minderbinder: ${label} +\\w+ +${seen} +${matched} +${fired}$`, 'm'),
    )
})

test('--require-hit: the report has the command’s own status', async (t) => {
  const cwd = scratch(t)
  const args = ['exec', '-q', '--require-hit', '--report', 'r', ...missed, 'true']
  assert.equal((await runMinderbinder(args, { cwd })).status, 122)
  assert.deepEqual(read(cwd).end, { kind: 'exited', status: 0 })
})

test('a signal that is passed on to the command ends it, and the report is whole', async (t) => {
  const cwd = scratch(t)
  const script = 'touch started; exec sleep 100'
  const running = startMinderbinder(['exec', '-q', '--report', 'r', ...fault, 'sh', '-c', script], {
    cwd,
  })
  await until(() => existsSync(join(cwd, 'started')), { what: 'the command' })
  assert.equal(readFileSync(join(cwd, 'r'), 'utf8'), '', 'nothing before the end')
  running.child.kill('SIGTERM')
  assert.equal((await running.result).signal, 'SIGTERM')
  assert.deepEqual(read(cwd).end, { kind: 'killed', signal: 'SIGTERM' })
})

test('an old report is overwritten, but not by a wrong call', async (t) => {
  const cwd = scratch(t)
  const old = 'old\n'.repeat(1000)
  writeFileSync(join(cwd, 'r'), old)
  const wrong = await runMinderbinder(['exec', '--report', 'r', '--syscall', 'openat=1%', 'true'], {
    cwd,
  })
  assert.equal(wrong.status, 125)
  assert.equal(readFileSync(join(cwd, 'r'), 'utf8'), old)
  await runMinderbinder(['exec', '-q', '--report=r', ...missed, 'true'], { cwd })
  assert.equal(read(cwd).end.status, 0)
})

test('no fault at all: a report without rules', async (t) => {
  const cwd = scratch(t)
  await runMinderbinder(['exec', '-q', '--report', 'r', 'true'], { cwd })
  assert.deepEqual(read(cwd).rules, [])
})

test('standard output, a descriptor of the caller’s and >(command) can have it', async (t) => {
  const cwd = scratch(t)
  const of = async (script: string, name: string) => {
    const line = [minderbinder, 'exec', '-q', '--report', name, ...missed, '--', 'true']
    const { stdout } = await run(['bash', '--norc', '-c', script, 'bash', ...line], { cwd })
    assert.deepEqual(parseReport(stdout).end, { kind: 'exited', status: 0 })
  }
  for (const name of ['-', '/dev/stdout', '/dev/fd/1']) await of('"$@"', name)
  await of('"$@" 7>&1', '/dev/fd/7')
  const substituted = `exec=$1; shift 5; "$exec" exec -q --report >(cat) "$@"; wait $!`
  await of(substituted, '')
})

test('a file that cannot be written is an error before the command runs', async (t) => {
  const cwd = scratch(t)
  const marker = join(cwd, 'ran')
  for (const [options, says] of [
    [['--report', 'no/r'], 'cannot write no/r: ENOENT (No such file or directory) [MB_OUTPUT]'],
    [['--report', '.'], 'cannot write .: EISDIR (Is a directory) [MB_OUTPUT]'],
    [
      ['-o', 'same', '--report', './same'],
      '--output and --report are one file, ./same [MB_OUTPUT]',
    ],
    [
      ['--log', 'same', '--report', './same'],
      '--log and --report are one file, ./same [MB_OUTPUT]',
    ],
    [['--report', '/dev/fd/9'], 'cannot write /dev/fd/9: it is not open [MB_OUTPUT]'],
  ] as const) {
    const done = await runMinderbinder(['exec', ...options, ...fault, '--', 'touch', marker], {
      cwd,
    })
    assert.equal(done.status, 125, done.stderr)
    assert.equal(done.stderr.split('\n')[0], `minderbinder: ${says}`)
    assert.ok(!existsSync(marker), 'the command ran')
  }
})

test('a full disk: said at the end, and the status is 125', async () => {
  const done = await runMinderbinder(['exec', '-q', '--report', '/dev/full', ...missed, 'true'])
  const says =
    'minderbinder: cannot write /dev/full: ENOSPC (No space left on device) [MB_OUTPUT]\n'
  assert.deepEqual([done.status, done.stderr], [125, says])
})

test('the command cannot have another file written in its place', async (t) => {
  const cwd = scratch(t)
  writeFileSync(join(cwd, 'victim'), 'untouched')
  const script = 'mv r moved && ln -s victim r'
  await runMinderbinder(['exec', '-q', '--report', 'r', ...missed, 'sh', '-c', script], { cwd })
  assert.equal(readFileSync(join(cwd, 'victim'), 'utf8'), 'untouched')
  assert.deepEqual(read(cwd, 'moved').end, { kind: 'exited', status: 0 })
})

/** What minderbinder itself writes, and where: never to stdout. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { identities } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { terminal } from '../helpers/terminal.ts'

const fault = ['--syscall', 'openat=ENOENT,path=/etc/hostname']
const cat = ['cat', '/etc/hostname']
const notCalled = ['--syscall', 'openat=EIO,path=/nonexistent/*']

for (const { title, options } of identities)
  test(`the summary goes to stderr, every line prefixed, and stdout is the child's, ${title}`, async () => {
    const done = await runMinderbinder(
      ['exec', ...fault, '--', 'sh', '-c', 'echo out; cat /etc/hostname'],
      options,
    )
    assert.equal(done.stdout, 'out\n')
    const ours = done.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('cat:'))
    assert.ok(ours.length >= 3, done.stderr)
    for (const line of ours) assert.match(line, /^minderbinder: /)
    assert.match(
      done.stderr,
      /openat=ENOENT,path=\/etc\/hostname +(override|ptrace|seccomp) +\d+ +1 +1$/m,
    )
    assert.match(done.stderr, /^cat: \/etc\/hostname: No such file or directory$/m)
  })

test('the summary comes after everything that the child printed', async () => {
  const done = await runMinderbinder([
    'exec',
    ...fault,
    '--',
    'sh',
    '-c',
    'sleep 0.1; echo last >&2',
  ])
  assert.ok(done.stderr.indexOf('last') < done.stderr.indexOf('--seed'), done.stderr)
})

test('-q: nothing but the child', async () => {
  const done = await runMinderbinder(['exec', '-q', ...fault, ...notCalled, '--', 'echo', 'x'])
  assert.deepEqual([done.stdout, done.stderr], ['x\n', ''])
})

test('-o FILE: the summary goes there, and stderr is the child’s', async (t) => {
  const file = join(scratch(t), 'summary')
  for (const option of [['-o', file], ['--output', file], [`--output=${file}`]]) {
    writeFileSync(file, 'old')
    const done = await runMinderbinder([
      'exec',
      ...option,
      ...fault,
      '--',
      'sh',
      '-c',
      'echo err >&2',
    ])
    assert.equal(done.stderr, 'err\n')
    const text = readFileSync(file, 'utf8')
    assert.match(text, /--seed \d+/)
    assert.doesNotMatch(text, /old/)
  }
})

test('-q and -o together: the file is written', async (t) => {
  const file = join(scratch(t), 'summary')
  const done = await runMinderbinder(['exec', '-q', '-o', file, ...fault, 'true'])
  assert.equal(done.stderr, '')
  assert.match(readFileSync(file, 'utf8'), /--seed \d+/)
})

test('files are relative to the folder we were called in, and made with the caller’s umask', async (t) => {
  const folder = scratch(t)
  const command = [
    'sh',
    '-c',
    'umask 077; exec "$@"',
    'sh',
    minderbinder,
    'exec',
    '-o',
    's',
    '--log',
    'l',
  ]
  await run([...command, ...fault, 'true'], { cwd: folder })
  assert.ok(existsSync(join(folder, 's')) && existsSync(join(folder, 'l')))
  const mode = await run(['stat', '-c', '%a', 's', 'l'], { cwd: folder })
  assert.equal(mode.stdout, '600\n600\n')
})

for (const { title, options } of identities)
  test(`--log FILE: one documented JSON object for each injection, ${title}`, async (t) => {
    const file = join(scratch(t), 'log')
    const command = [
      'exec',
      '-q',
      '--log',
      file,
      '--syscall',
      'openat=ENOENT,path=/etc/host*,name=hosts',
      ...cat,
    ]
    await runMinderbinder([...command, '/etc/passwd', '/etc/hosts'], options)
    const lines = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.equal(lines.length, 2)
    for (const [index, line] of lines.entries()) {
      assert.deepEqual(Object.keys(line), [
        ...[
          'time',
          'rule',
          'index',
          'n',
          'seed',
          'pid',
          'tid',
          'comm',
          'syscall',
          'outcome',
          'args',
          'path',
        ],
      ])
      assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
      assert.ok(Math.abs(Date.parse(line.time) - Date.now()) < 60_000, line.time)
      assert.equal(line.n, index + 1)
      assert.deepEqual(
        [line.rule, line.index, line.comm, line.syscall, line.outcome],
        ['hosts', 0, 'cat', 'openat', 'ENOENT'],
      )
      assert.equal(line.args.length, 6)
      assert.equal(line.pid, line.tid)
    }
    assert.deepEqual(
      lines.map((line) => line.path),
      ['/etc/hostname', '/etc/hosts'],
    )
  })

test('--log: a path that is not UTF-8 is written so that it can be had back', async (t) => {
  const file = join(scratch(t), 'log')
  const command = [
    minderbinder,
    'exec',
    '-q',
    '--log',
    file,
    '--syscall',
    'openat=EIO,path=/nowhere/*',
  ]
  await run(['sh', '-c', `exec "$@" cat "$(printf '/nowhere/\\\\\\377')"`, 'sh', ...command])
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).path, '/nowhere/\\\\\\xff')
})

test('--log: nothing injected leaves an empty file', async (t) => {
  const file = join(scratch(t), 'log')
  await runMinderbinder(['exec', '-q', '--log', file, '--syscall', 'openat=EIO@0%', ...cat])
  assert.equal(readFileSync(file, 'utf8'), '')
})

test('--log: a thousand injections are a thousand lines, and the summary counts the same', async (t) => {
  const folder = scratch(t)
  const script =
    'import os\nfor i in range(1000):\n  try: os.stat("/mb-%d" % i)\n  except OSError: pass'
  if (!requires(t, 'python3')) return
  const files = ['-o', join(folder, 's'), '--log', join(folder, 'l')]
  await runMinderbinder([
    ...[
      'exec',
      ...files,
      '--syscall',
      '%file=EIO,path=/mb-*,name=all',
      '/usr/bin/python3',
      '-c',
      script,
    ],
  ])
  const paths = readFileSync(join(folder, 'l'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).path)
  assert.deepEqual(
    paths,
    Array.from({ length: 1000 }, (_, i) => `/mb-${i}`),
  )
  assert.match(
    readFileSync(join(folder, 's'), 'utf8'),
    /^minderbinder: all +(override|ptrace|seccomp) +\d+ +1000 +1000$/m,
  )
})

test('--log-limit: whole lines up to it, then one that counts the rest; the counts are complete', async (t) => {
  if (!requires(t, 'python3')) return
  const log = join(scratch(t), 'log')
  const program = ['/usr/bin/python3', '-c', 'import os\nfor i in range(500): os.getppid()']
  for (const [limit, bytes] of [
    ['4K', 4096],
    ['5000', 5000],
    ['1M', 1 << 20],
  ] as const) {
    const options = ['--log', log, '--log-limit', limit, '--syscall', 'getppid=EPERM,name=all']
    const done = await runMinderbinder(['exec', ...options, '--', ...program])
    const text = readFileSync(log, 'utf8')
    const lines = text.trimEnd().split('\n')
    const objects = lines.map((line) => JSON.parse(line))
    assert.ok(text.endsWith('}\n') && text.length <= bytes)
    assert.match(done.stderr, /^minderbinder: all .* 500 +500$/m)
    const { dropped, ...last } = objects.at(-1)
    if (bytes > 500 * 300) {
      assert.equal(objects.length, 500)
      assert.equal(dropped, undefined)
      assert.doesNotMatch(done.stderr, /missing|--log-limit/)
      continue
    }
    assert.ok(text.length > bytes - 400, 'as much as fits')
    assert.deepEqual(Object.keys(last), ['time', 'limit'])
    assert.equal(last.limit, bytes)
    assert.equal(dropped, 500 - (objects.length - 1))
    assert.deepEqual(
      objects.slice(0, -1).map(({ n }) => n),
      Array.from({ length: objects.length - 1 }, (_, at) => at + 1),
    )
    const note = `${dropped} injections are missing from the log, which reached --log-limit ${limit}`
    assert.ok(done.stderr.includes(note), done.stderr)
  }
})

test('-o and --log on a full disk: both errors are said', async (t) => {
  const folder = scratch(t)
  for (const name of ['summary', 'log']) symlinkSync('/dev/full', join(folder, name))
  const done = await runMinderbinder(
    ['exec', '-o', 'summary', '--log', 'log', ...fault, '--', ...cat],
    { cwd: folder },
  )
  assert.equal(done.status, 125)
  const ours = done.stderr.split('\n').filter((line) => line.startsWith('minderbinder: '))
  assert.deepEqual(ours.sort(), [
    'minderbinder: cannot write log: ENOSPC (No space left on device) [MB_OUTPUT]',
    'minderbinder: cannot write summary: ENOSPC (No space left on device) [MB_OUTPUT]',
  ])
})

test('--require-hit: 122 where a rule never fired and the child succeeded', async () => {
  const done = await runMinderbinder(['exec', '--require-hit', ...notCalled, 'true'])
  assert.equal(done.status, 122)
  assert.match(done.stderr, /never fired/)
})

test('--require-hit: one rule that fired does not excuse one that did not', async () => {
  const done = await runMinderbinder([
    'exec',
    '-q',
    '--require-hit',
    ...fault,
    ...notCalled,
    'sh',
    '-c',
    'cat /etc/hostname; true',
  ])
  assert.equal(done.status, 122)
})

/** A child that ends so, with what it is then under each option. */
const endings = [
  { script: 'exit 0', kept: { status: 0, signal: null }, hit: { status: 122, signal: null } },
  { script: 'exit 5', kept: { status: 5, signal: null }, hit: { status: 5, signal: null } },
  {
    script: 'kill -KILL $$',
    kept: { status: null, signal: 'SIGKILL' },
    hit: { status: null, signal: 'SIGKILL' },
  },
] as const
const said = 'minderbinder: --require-hit: never fired: openat=EIO,path=/nonexistent/*\n'

for (const { script, kept, hit } of endings)
  test(`--require-hit names what never fired, with -q too, if the child ends by: ${script}`, async () => {
    const of = async (options: readonly string[], faults: readonly string[]) => {
      const done = await runMinderbinder(['exec', '-q', ...options, ...faults, 'sh', '-c', script])
      return { status: done.status, signal: done.signal, stderr: done.stderr }
    }
    const always = { status: 122, signal: null }
    assert.deepEqual(await of(['--require-hit'], notCalled), { ...hit, stderr: said })
    assert.deepEqual(await of(['--require-hit-always'], notCalled), { ...always, stderr: said })
    const fires = ['--syscall', 'openat+execve+exit_group+write=delay:1us', '--include-loader']
    assert.deepEqual(await of(['--require-hit'], fires), { ...kept, stderr: '' })
    assert.deepEqual(await of(['--require-hit-always'], fires), { ...kept, stderr: '' })
  })

test('--require-hit takes an --inject of many calls for one fault', async () => {
  const inject = ['--inject', 'open,openat:error=EACCES:when=1']
  const shell = ['sh', '-c', 'cat /etc/hostname 2>/dev/null; true']
  const done = await runMinderbinder(['exec', '--require-hit', ...inject, ...shell])
  assert.equal(done.status, 0, done.stderr)
  assert.match(done.stderr, /^minderbinder: openat:error=EACCES:when=1 .* 1$/m)
  assert.doesNotMatch(done.stderr, /never fired|minderbinder: open:/)
  const none = await runMinderbinder(['exec', '-q', '--require-hit', ...inject, 'true'])
  const line = 'minderbinder: --require-hit: never fired: open,openat:error=EACCES:when=1\n'
  assert.deepEqual([none.status, none.stderr], [122, line])
})

test('--require-hit: all rules fired: the child’s status', async () => {
  const done = await runMinderbinder([
    'exec',
    '-q',
    '--require-hit',
    ...fault,
    'sh',
    '-c',
    'cat /etc/hostname 2>/dev/null; true',
  ])
  assert.deepEqual([done.status, done.stderr], [0, ''])
})

test('without --require-hit a rule that never fired does not change the status', async () => {
  assert.equal((await runMinderbinder(['exec', ...notCalled, 'true'])).status, 0)
})

test('a rule that can never be called gets a hint', async () => {
  const done = await runMinderbinder(['exec', '--syscall', 'open=ENOENT', ...cat])
  assert.match(done.stderr, /open=ENOENT never fired: open was never called/)
  assert.match(done.stderr, /hint: .*openat/)
})

test('no colour where stderr is no terminal, even when asked by TERM', async () => {
  const done = await runMinderbinder(['exec', ...fault, ...cat], {
    env: { TERM: 'xterm-256color' },
  })
  assert.ok(!done.stderr.includes('\x1b'))
})

test('colour on a terminal; none with NO_COLOR', async (t) => {
  if (!requires(t, 'pty', 'cc')) return
  const screen = async (env: Record<string, string | undefined>) => {
    const session = terminal([minderbinder, 'exec', ...fault, ...cat], {
      env: { TERM: 'xterm-256color', NO_COLOR: undefined, FORCE_COLOR: undefined, ...env },
    })
    await session.ended
    return session.screen()
  }
  assert.ok((await screen({})).includes('\x1b['))
  assert.ok(!(await screen({ NO_COLOR: '1' })).includes('\x1b'))
})

/** Files of --config and of explain: what can be wrong with them beside what is in them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { identities } from '../helpers/identity.ts'
import { minderbinder, type RunOptions, run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const good =
  'agents_of_chaos: {syscall: [{name: one, syscall: openat, ret_code: EIO, path: /nowhere}]}'

function file(folder: string, name: string, text: string | Buffer): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  chmodSync(path, 0o644)
  return path
}

/** What is wrong, the file that is made for it, the message. */
const table: readonly (readonly [what: string, make: (folder: string) => string, says: RegExp])[] =
  [
    ['a file that is not there', (folder) => join(folder, 'none'), /none: ENOENT/],
    ['a folder', (folder) => folder, /it is a directory/],
    [
      'standard input',
      () => '-',
      /standard input.*belongs to the command \[MB_CONFIG\]\n.*hint: .*write a file/,
    ],
    ['a terminal or another device', () => '/dev/null', /not a regular file/],
    [
      'a pipe that nobody writes to',
      (folder) => {
        execFileSync('mkfifo', ['-m', '644', join(folder, 'fifo')])
        return join(folder, 'fifo')
      },
      /not a regular file/,
    ],
    [
      'a pipe of the shell',
      () => '/dev/fd/63',
      /it is not open \[MB_CONFIG\]\n.*hint: .*write a file/,
    ],
    ['an empty file', (folder) => file(folder, 'f', ''), /f:1:1: the file is empty/],
    [
      'a mistake',
      (folder) => file(folder, 'f', good.replace('ret', 'rte')),
      /f:1:\d+: unknown key/,
    ],
    ['what is no YAML', (folder) => file(folder, 'f', 'a: b: c'), /f:1:\d+: nested mappings/],
    [
      'what is no UTF-8',
      (folder) => file(folder, 'f', Buffer.from(`${good}\n# \xe9\n`, 'latin1')),
      /f:2: this is not UTF-8 text/,
    ],
    [
      'UTF-16',
      (folder) => file(folder, 'f', Buffer.from(`\uFEFF${good}`, 'utf16le')),
      /f:1: this is not UTF-8 text \[MB_CONFIG\]\n.*hint: .*UTF-16/,
    ],
    [
      'ten megabytes',
      (folder) => file(folder, 'f', `${good}\n${'# more\n'.repeat(1_500_000)}`),
      /f: it is larger than 2 MiB/,
    ],
    ['a file without end', () => '/dev/zero', /not a regular file/],
  ]

for (const { title, options } of identities) {
  for (const [what, make, says] of table)
    test(`${what}: one clear error and 125, ${title}`, async (t) => {
      const folder = scratch(t)
      const marker = join(folder, 'ran')
      const args = ['exec', '--config', make(folder), '--', 'touch', marker]
      const done = await runMinderbinder(args, options)
      assert.deepEqual([done.status, done.stdout], [125, ''], done.stderr)
      assert.match(done.stderr, says)
      for (const line of done.stderr.trimEnd().split('\n'))
        assert.match(line, /^(minderbinder: \S| {2})/)
      assert.doesNotMatch(done.stderr, /\bat .*:\d+:\d+|node:|Error:|undefined|\[object/)
      assert.ok(!existsSync(marker), 'the command ran')
    })

  test(`a file that may not be read, ${title}`, async (t) => {
    if (options.user === undefined && process.geteuid?.() === 0) return
    const folder = scratch(t)
    const path = file(folder, 'f', good)
    chmodSync(path, 0o000)
    const done = await runMinderbinder(['exec', '--config', path, 'true'], options)
    assert.equal(done.status, 125)
    assert.match(done.stderr, /cannot read .*f: EACCES/)
  })

  test(`several files, and faults before them: tried in that order, ${title}`, async (t) => {
    const folder = scratch(t)
    const rule = (name: string, code: string) =>
      `agents_of_chaos: {syscall: [{name: ${name}, syscall: openat, ret_code: ${code}, path: /etc/hostname, times: 1}]}`
    const first = file(folder, 'a', rule('first', 'EIO'))
    const second = file(folder, 'b', rule('second', 'EPERM'))
    const own = 'openat=ENODEV,path=/etc/hostname,times=1,name=line'
    const cats = 'cat /etc/hostname; cat /etc/hostname; cat /etc/hostname'
    const done = await runMinderbinder(
      [
        ...['exec', '--config', first, '--syscall', own, '--config', second],
        ...['--', 'sh', '-c', cats],
      ],
      options,
    )
    const errors = [...done.stderr.matchAll(/^cat: .*: (.*)$/gm)].map(([, error]) => error)
    assert.deepEqual(errors, ['No such device', 'Input/output error', 'Operation not permitted'])
    const rows = [
      ...done.stderr.matchAll(/^minderbinder: (\w+) +(?:override|ptrace|seccomp) +\d+ +1 +1$/gm),
    ]
    // Of several rules that match a call, those after the one that fires do not see it.
    assert.match(done.stderr, /line .*\n.*first .*\n.*second /)
    assert.equal(rows.length, 1, done.stderr)
  })
}

test('the same name in two files', async (t) => {
  const folder = scratch(t)
  const [a, b] = [file(folder, 'a', good), file(folder, 'b', good)]
  const done = await runMinderbinder(['exec', '--config', a, '--config', b, 'true'])
  assert.equal(done.status, 125)
  assert.match(done.stderr, /b:1:\d+: 'one' is the name of the rule at .*a:1, too/)
})

test('more faults than there can be', async (t) => {
  const list = '{syscall: read, ret_code: EIO},'.repeat(4096)
  const path = file(scratch(t), 'f', `agents_of_chaos: {syscall: [${list}]}`)
  const done = await runMinderbinder(['exec', '--syscall', 'read=EIO', '--config', path, 'true'])
  assert.equal(done.status, 125)
  assert.match(done.stderr, /too many faults: 4097 \(the limit is 4096\)/)
})

const explain = (args: readonly string[], options?: RunOptions) =>
  runMinderbinder(['explain', ...args], options)

test('explain says what a file means, with whom it is about', async (t) => {
  const text = good.replace('EIO', 'EIO, targets: [process_name: cat, uid: 3], inherit: false')
  const done = await explain([file(scratch(t), 'f', text)])
  assert.equal(done.status, 0, done.stderr)
  assert.match(done.stdout, /^1\. one\n {3}openat with a path that matches \/nowhere fails/)
  assert.match(
    done.stdout,
    /\n {3}only in processes named cat, or of the user id 3, and not in what they start\n/,
  )
})

test('explain reads standard input, pipes, and the file of --config', async (t) => {
  const folder = scratch(t)
  const path = file(folder, 'f', good)
  for (const [args, options] of [
    [['-'], { input: good }],
    [['--config', '-'], { input: good }],
    [['--config', path, '--', 'cat', 'x'], {}],
  ] as const)
    assert.match((await explain(args, options)).stdout, /^1\. one\n/, args.join(' '))
  execFileSync('mkfifo', [join(folder, 'fifo')])
  const piped = await run([
    ...['sh', '-c', `cat "$1" >"$2" & exec "$3" explain "$2"`, 'sh'],
    ...[path, join(folder, 'fifo'), minderbinder],
  ])
  assert.match(piped.stdout, /^1\. one\n/, piped.stderr)
})

test('explain: a file that is none, and standard input twice', async (t) => {
  const folder = scratch(t)
  mkdirSync(join(folder, 'd'))
  const nothing = await explain([join(folder, 'd')])
  assert.deepEqual([nothing.status, nothing.stdout], [2, ''])
  assert.match(nothing.stderr, /it is a directory/)
  const twice = await explain(['--config', '-', '--config', '-'], { input: good })
  assert.match(twice.stderr, /can be read once only/)
  const wrong = await explain(['-'], { input: 'x: 1' })
  assert.match(wrong.stderr, /^minderbinder: -:1:1: /)
})

for (const [what, make, says] of table.filter(([what]) =>
  ['an empty file', 'a mistake', 'ten megabytes', 'what is no YAML'].includes(what),
))
  test(`run: ${what} is one clear error`, async (t) => {
    const path = make(scratch(t))
    const { status, stdout, stderr } = await runMinderbinder(['run', path])
    assert.deepEqual([status, stdout], [2, ''])
    assert.match(stderr, says)
  })

/** Bad input: a clear line and 125, before anything is done. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { identities } from '../helpers/identity.ts'
import { runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'

/** What is wrong, how it was written, what the message must name. */
const table: readonly (readonly [what: string, args: readonly string[], names: RegExp])[] = [
  ['unknown system call', ['--syscall', 'opnat=ENOENT'], /opnat.*openat/s],
  ['unknown member of a list', ['--syscall', 'open+opnat=ENOENT'], /opnat/],
  ['unknown family', ['--syscall', '%fiel=EIO'], /%fiel.*%file/s],
  ['unknown errno', ['--syscall', 'openat=ENOENTT'], /ENOENTT.*ENOENT/s],
  ['unknown signal', ['--syscall', 'openat=signal:SIGKIL'], /SIGKIL.*SIGKILL/s],
  ['unknown key', ['--syscall', 'openat=EIO,pth=x'], /pth.*path/s],
  ['a key of the network on a system call', ['--syscall', 'openat=EIO,port=80'], /port/],
  ['a key of system calls on the network', ['--drop-net', '1%,path=/x'], /path/],
  ['unknown unit', ['--syscall', 'openat=delay:50q'], /50q/],
  ['no unit', ['--syscall', 'openat=delay:50'], /50/],
  ['rate without %', ['--syscall', 'openat=EIO@50'], /%/],
  ['rate above 100%', ['--syscall', 'openat=EIO@101%'], /101/],
  ['rate below 0%', ['--syscall', 'openat=EIO@-1%'], /-1/],
  ['rate that is no number', ['--syscall', 'openat=EIO@many%'], /many/],
  ['no rate', ['--drop-net', ''], /drop-net/],
  ['when of zero', ['--syscall', 'openat=EIO,when=0'], /when/],
  ['step of zero', ['--syscall', 'openat=EIO,when=1+0'], /when/],
  ['when that ends before it starts', ['--syscall', 'openat=EIO,when=5..2'], /when/],
  ['times of zero', ['--syscall', 'openat=EIO,times=0'], /times/],
  ['a key given twice', ['--syscall', 'openat=EIO,times=1,times=2'], /times/],
  ['no outcome', ['--syscall', 'openat'], /openat/],
  ['an empty outcome', ['--syscall', 'openat='], /openat/],
  ['no system call', ['--syscall', '=EIO'], /--syscall/],
  ['nothing', ['--syscall', ''], /--syscall/],
  ['errno of zero', ['--syscall', 'openat=-0'], /0/],
  ['errno above 4095', ['--syscall', 'openat=-4096'], /4096/],
  ['a call that never enters the kernel', ['--syscall', 'clock_gettime=EIO'], /vDSO/],
  ['fd= on a call without one', ['--syscall', 'getppid=EIO,fd=1'], /fd/],
  ['path= on a call without a file', ['--syscall', 'getpid=EIO,path=/x'], /names a file/],
  ['unknown protocol', ['--drop-net', '1%,proto=tpc'], /tpc.*tcp/s],
  ['port above 65535', ['--drop-net', '1%,port=65536'], /65536/],
  ['ports backwards', ['--drop-net', '1%,port=9-1'], /port/],
  ['an address that is none', ['--drop-net', '1%,to=10.0.0.256'], /10\.0\.0\.256/],
  ['a prefix that is too long', ['--drop-net', '1%,to=10.0.0.0/33'], /33/],
  ['unknown engine', ['--engine', 'secomp', '--syscall', 'openat=EIO'], /secomp.*seccomp/s],
  ['a seed that is no number', ['--seed', 'x'], /seed/],
  ['a negative seed', ['--seed', '-1'], /seed/],
  ['an option that needs a value', ['--seed'], /seed/],
  ['unknown option', ['--sycall', 'openat=EIO'], /--sycall.*--syscall/s],
  ['unknown short option', ['-Z'], /-Z/],
  ['the version', ['--version'], /minderbinder --version shows the version/],
  ['strace’s -e', ['-e', 'inject=openat:error=EIO'], /--inject EXPRESSION/],
  ['a summary that cannot be written', ['-o', '/nonexistent/file'], /\/nonexistent\/file/],
  ['a log that cannot be written', ['--log', '/nonexistent/file'], /\/nonexistent\/file/],
  ['a log that is a folder', ['--log', '/'], /--log|\/: /],
  ['a size that is none', ['--log', '/dev/null', '--log-limit', '5q'], /5q.*100M/s],
  ['a log too small for a line', ['--log', '/dev/null', '--log-limit', '9'], /at least 1024/],
  ['a limit without a log', ['--log-limit', '1M'], /no --log/],
  ['a strace expression that is none', ['--inject', 'openat:eror=EIO'], /eror/],
]

for (const { title, options } of identities)
  for (const [what, args, names] of table)
    test(`${what}: one clear error and 125, ${title}`, async (t) => {
      const marker = join(scratch(t), 'ran')
      const done = await runMinderbinder(['exec', ...args, '--', 'touch', marker], options)
      assert.equal(done.status, 125, done.stderr)
      assert.equal(done.stdout, '')
      assert.match(done.stderr, names)
      assertClear(done.stderr)
      assert.ok(!existsSync(marker), 'the command ran')
    })

/** What is wrong, in a line; then at most an excerpt with a caret under it, and hints. No trace of how we are built. */
function assertClear(stderr: string): void {
  const [first = '', ...rest] = stderr.trimEnd().split('\n')
  assert.match(first, /^minderbinder: \S.+ \[MB_[A-Z_]+\]$/)
  assert.ok(rest.length <= 4, stderr)
  for (const line of rest) assert.match(line, /^(minderbinder: \S| {2}.*)/)
  assert.doesNotMatch(stderr, /\bat .*:\d+:\d+|node:|Error:|undefined|\[object|NaN/)
}

test('no command: 125 and how to call it', async () => {
  for (const args of [['exec'], ['exec', '--'], ['exec', '-q', '--syscall', 'openat=EIO']]) {
    const done = await runMinderbinder(args)
    assert.equal(done.status, 125)
    assert.match(done.stderr, /^minderbinder: .*command/)
    assertClear(done.stderr)
  }
})

test('an unknown command or option in front: a wrong call', async () => {
  for (const args of [['exce', 'true'], ['--bogus'], ['true']]) {
    const done = await runMinderbinder(args)
    assert.ok(done.status === 2 || done.status === 125, `${done.status}`)
    assert.equal(done.stdout, '')
    assertClear(done.stderr)
  }
})

test('a caret points at the bad part of a fault', async () => {
  const done = await runMinderbinder(['exec', '--syscall', 'openat=EIO,pth=/x', 'true'])
  const lines = done.stderr.split('\n')
  const excerpt = lines.findIndex(
    (line) => line.includes('openat=EIO,pth=/x') && !/pth.*'/.test(line),
  )
  assert.ok(excerpt >= 0, done.stderr)
  const caret = lines[excerpt + 1] ?? ''
  assert.match(caret, /\^/)
  assert.equal(caret.indexOf('^'), (lines[excerpt] ?? '').indexOf('pth'), done.stderr)
})

test('many mistakes one after another leave nothing behind', async (t) => {
  const folder = scratch(t)
  mkdirSync(join(folder, 'readonly'), { mode: 0o555 })
  writeFileSync(join(folder, 'f'), '')
  const before = systemState()
  for (const [, args] of table.slice(0, 20)) await runMinderbinder(['exec', ...args, 'true'])
  await nothingLeft(before)
})

for (const [args, message, hint] of [
  [
    ['ls', '-l'],
    "there is no command 'ls'",
    /: minderbinder exec --syscall openat=ENOENT -- ls -l$/m,
  ],
  [['./app', 'a b'], "there is no command './app'", / -- \.\/app \.\.\.$/m],
  [['--', 'ls'], "'exec' is missing before --", / -- ls$/m],
  [['exce', 'ls'], "there is no command 'exce'", /did you mean exec\?/],
  [
    ['--syscall=openat=EIO', 'ls'],
    "'exec' is missing before --syscall=openat=EIO",
    /type minderbinder exec --syscall=openat=EIO ls$/m,
  ],
  [['--seeed', '1'], "there is no command '--seeed'", /minderbinder --help/],
] as const)
  test(`minderbinder ${args.join(' ')}: says how to begin`, async () => {
    const { status, stdout, stderr } = await runMinderbinder(args)
    const first = `minderbinder: ${message} [MB_USAGE]`
    assert.deepEqual([status, stdout, stderr.split('\n')[0]], [2, '', first])
    assert.match(stderr.split('\n')[1] ?? '', hint)
  })

test('minderbinder help COMMAND is COMMAND --help', async () => {
  for (const name of ['exec', 'run', 'doctor']) {
    const [help, option] = await Promise.all([
      runMinderbinder(['help', name]),
      runMinderbinder([name, '--help']),
    ])
    assert.deepEqual([help.status, help.stdout], [0, option.stdout])
    assert.match(help.stdout, new RegExp(`^Usage: minderbinder ${name} `))
  }
})

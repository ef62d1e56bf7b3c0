/** short: moves less, and leaves the program's registers and memory as they were. Only ptrace does it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { identities } from '../helpers/identity.ts'
import { type Need, requires } from '../helpers/requires.ts'
import { type RunOptions, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const calls =
  'read+pread64+readv+preadv+preadv2+recvfrom+recvmsg+write+pwrite64+writev+pwritev+pwritev2+sendto+sendmsg+sendfile+copy_file_range+splice'

const short = (
  amount: string,
  command: readonly string[],
  options?: RunOptions,
  set: string = calls,
) => {
  const fault = `${set}=short:${amount}`
  return runMinderbinder(
    ['exec', '-q', '--engine', 'ptrace', '--syscall', fault, '--', ...command],
    options,
  )
}

/** test/fixtures/short.c says what it did on stderr, by short writes: nothing of it may be lost. */
async function said(amount: string, args: readonly string[], options?: RunOptions) {
  const done = await short(amount, [fixture('short'), ...args], options)
  assert.equal(done.status, 0, done.stderr)
  return done.stderr.trim().split('\n')
}

const made =
  'write read pwrite64 pread64 writev pwritev pwritev2 readv preadv preadv2 sendto recvfrom sendmsg recvmsg sendfile splice copy_file_range'

for (const { title, options } of identities)
  test(`each call of 10 bytes moves so many, and registers and memory stay, ${title}`, async (t) => {
    if (!requires(t, 'cc')) return
    const rest = ['read -11', 'read 0', 'read -9', 'readv -14']
    for (const [amount, bytes] of [
      ['50%', 5],
      ['1', 1],
      ['1%', 1],
      ['99%', 9],
      // Its twin: it asks for no more.
      ['10', 10],
    ] as const) {
      const expected = made.split(' ').map((name) => `${name} ${bytes}`)
      assert.deepEqual(await said(amount, ['calls'], options), [...expected, ...rest], amount)
    }
  })

test('what the kernel moves whole or not at all stays whole: datagrams, an eventfd, words', async (t) => {
  if (!requires(t, 'cc')) return
  assert.deepEqual(await said('50%', ['datagrams']), [
    ...['sendto 10', 'sendmsg 10', 'recvfrom 10', 'read 10'],
    ...['write 8', 'read 8', 'event 8'],
  ])
  assert.deepEqual(await said('50%', ['words']), ['read 8', 'read 8', 'read -22'])
})

test('a signal ends a short read as it ends any other, and a read that the kernel makes again is short and counted once', async (t) => {
  if (!requires(t, 'cc')) return
  for (const [how, lines, count] of [
    [['signalled'], ['read -4', 'ended 0', 'read 5'], 2],
    [['signalled', 'restart'], ['read 5', 'ended 0', 'read 5'], 2],
    // Made again by the program itself, at the same place: another call.
    [['retried'], ['read 5', 'ended 1', 'read 5'], 3],
  ] as const) {
    const args = ['exec', '--engine', 'ptrace', '--syscall', 'read=short:50%', '--']
    const done = await runMinderbinder([...args, fixture('short'), ...how])
    assert.deepEqual(done.stderr.split('\n').slice(0, 3), lines, how.join())
    const counts = / ptrace +(\d+) +(\d+) +(\d+)$/m.exec(done.stderr)?.slice(1).map(Number)
    assert.deepEqual(counts, [count, count, count], how.join())
  }
})

test('seccomp refuses it, and names the engine that does it; a rule that no call can have says so', async () => {
  const refused = ['exec', '--engine', 'seccomp', '--syscall', 'read=short:50%', 'true']
  const { status, stderr } = await runMinderbinder(refused)
  assert.equal(status, 125)
  assert.match(stderr, /seccomp: .*--engine ptrace.* \[MB_NO_ENGINE\]$/m)
  const never = ['exec', '--engine', 'ptrace', '--syscall', 'write=short:100', 'echo', 'a']
  const done = await runMinderbinder(never)
  assert.match(done.stderr, /never fired: 1 call, none able to move less/)
})

interface Program {
  readonly what: string
  readonly needs?: readonly Need[]
  /** Left out: all of them. */
  readonly calls?: string
  readonly script: string
  readonly says: string
}

/** Each of them takes all that it is given, and gives all that it has, in as many calls as it takes. */
const unharmed: readonly Program[] = [
  {
    what: 'bash',
    script: 'while read -r x; do echo "$x"; done <file | cmp - file && echo same',
    says: 'same\n',
  },
  {
    what: 'tar and gzip, unpacking',
    script: 'tar -xzOf a.tgz file | cmp - file && echo same',
    says: 'same\n',
  },
  {
    what: 'git',
    needs: ['git'],
    script:
      'git init -q . && git add file && git -c user.name=a -c user.email=a@b commit -qm m && git fsck --full && git clone -q . copy && cmp copy/file file && echo same',
    says: 'same\n',
  },
  {
    what: 'sqlite',
    needs: ['python3'],
    calls: 'pread64+pwrite64+write',
    script: `/usr/bin/python3 -c '
import sqlite3
with sqlite3.connect("db") as d:
    d.execute("create table t (x)")
    d.executemany("insert into t values (?)", [("y" * 900,)] * 40)
d.close()
d = sqlite3.connect("db")
print(*d.execute("pragma integrity_check").fetchone(), *d.execute("select count(*), sum(length(x)) from t").fetchone())'`,
    says: 'ok 40 36000\n',
  },
  {
    what: 'python, with a child and a socket',
    needs: ['python3'],
    script: `/usr/bin/python3 -c '
import socket, subprocess
a, b = socket.socketpair()
a.sendall(b"x" * 5000); a.close()
print(len(open("file").read()), len(b.makefile("rb").read()), len(subprocess.check_output(["cat", "file"])))'`,
    says: '6000 5000 6000\n',
  },
  {
    what: 'node',
    script: `'${process.execPath}' -e '
const fs = require("fs")
fs.writeFileSync("copy", fs.readFileSync("file"))
fs.createReadStream("copy").pipe(fs.createWriteStream("other")).on("close", () =>
  console.log(fs.readFileSync("file").equals(fs.readFileSync("other"))))'`,
    says: 'true\n',
  },
]

/** What is lost is theirs: each takes a short call for a whole one. */
const harmed: readonly Program[] = [
  {
    what: 'dlopen() of the C library: to it half a header is none',
    needs: ['python3'],
    script: `/usr/bin/python3 -c 'import _sqlite3' 2>&1 | grep -o 'cannot read file data'`,
    says: 'cannot read file data\n',
  },
  {
    what: 'tar, packing: to it a short read is the end of the file',
    script: 'tar -cf a.tar file 2>&1',
    says: 'tar: file: File shrank by 3000 bytes; padding with zeros\n',
  },
  {
    what: 'python without a buffer: what a short write leaves of a print() is lost',
    needs: ['python3'],
    script: `/usr/bin/python3 -u -c 'print("1234", end="")'`,
    says: '12',
  },
]

function folder(t: TestContext): string {
  const at = scratch(t)
  writeFileSync(join(at, 'file'), `text\n${'x'.repeat(5994)}\n`)
  execFileSync('tar', ['-czf', 'a.tgz', 'file'], { cwd: at })
  return at
}

async function run50(t: TestContext, { script, calls }: Program) {
  const cwd = folder(t)
  const env = { HOME: cwd, LC_ALL: 'C', GIT_CONFIG_NOSYSTEM: '1', PYTHONUNBUFFERED: '' }
  return short('50%', ['bash', '-c', script], { cwd, env }, calls)
}

for (const program of unharmed)
  test(`${program.what}: unharmed by short reads and writes at each call`, async (t) => {
    if (!requires(t, ...(program.needs ?? []))) return
    const done = await run50(t, program)
    assert.deepEqual([done.status, done.stdout], [0, program.says], done.stderr)
  })

for (const program of harmed)
  test(`harmed by its own fault: ${program.what}`, async (t) => {
    if (!requires(t, ...(program.needs ?? []))) return
    assert.equal((await run50(t, program)).stdout, program.says)
  })

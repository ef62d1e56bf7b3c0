/** The program fails, not its loader; and how programs are linked makes no difference. */
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { type FixtureOptions, fixture } from '../helpers/fixture.ts'
import { identities, unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const all = ['exec', '-q', '--syscall', 'openat=ENOENT', '--']
const { options } = unprivileged

for (const { title, options } of identities)
  test(`cat itself fails, ${title}`, async () => {
    const done = await runMinderbinder([...all, 'cat', '/etc/hostname'], options)
    assert.equal(done.stderr, 'cat: /etc/hostname: No such file or directory\n')
    assert.equal(done.status, 1)
  })

test('a program that a shell starts fails itself, and the shell goes on', async () => {
  const done = await runMinderbinder(
    [...all, 'sh', '-c', 'cat /etc/hostname; echo went on'],
    options,
  )
  assert.equal(done.stderr, 'cat: /etc/hostname: No such file or directory\n')
  assert.equal(done.stdout, 'went on\n')
})

test('each of a pipeline, of a subshell and of a chain of execs', async () => {
  const script =
    'cat /etc/hostname | cat - /etc/hostname; (cat /etc/hostname); exec env nice cat /etc/hostname'
  const done = await runMinderbinder([...all, 'sh', '-c', script], options)
  assert.equal(done.stderr, 'cat: /etc/hostname: No such file or directory\n'.repeat(4))
})

test('the interpreter of a #! script starts, and then fails to open the script', async (t) => {
  const script = join(scratch(t), 'script')
  writeFileSync(script, '#!/bin/sh\necho ran\n')
  chmodSync(script, 0o755)
  const done = await runMinderbinder([...all, script], options)
  assert.doesNotMatch(done.stderr, /shared libraries/)
  assert.match(done.stderr, /script: .*(cannot open|No such file)/i)
  assert.equal(done.stdout, '')
})

test('a #! script under a fault of another path: what it calls fails', async (t) => {
  const script = join(scratch(t), 'script')
  writeFileSync(script, '#!/bin/sh\ncat /etc/hostname\necho ran\n')
  chmodSync(script, 0o755)
  const fault = ['exec', '-q', '--syscall', 'openat=ENOENT,path=/etc/*', '--']
  const done = await runMinderbinder([...fault, script], options)
  assert.equal(done.stdout, 'ran\n')
  assert.match(done.stderr, /^cat: \/etc\/hostname: No such file/)
})

const links: readonly NonNullable<FixtureOptions['link']>[] = [
  'pie',
  'no-pie',
  'static',
  'static-pie',
]
for (const link of links)
  test(`a ${link} program starts, its own constructor and its main fail`, async (t) => {
    if (!requires(t, 'cc', ...(link.startsWith('static') ? (['cc-static'] as const) : []))) return
    const program = fixture('constructor', { link, defines: ['MAIN'] })
    const done = await runMinderbinder([...all, program], options)
    assert.equal(
      done.stderr,
      'constructor: No such file or directory\nmain: No such file or directory\n',
    )
    assert.equal(done.status, 0)
  })

test('a shared library’s constructor is the loader’s doing, and is not faulted', async (t) => {
  if (!requires(t, 'cc')) return
  const env = { LD_PRELOAD: fixture('constructor', { link: 'shared' }) }
  const done = await runMinderbinder(
    [...all, 'env', `LD_PRELOAD=${env.LD_PRELOAD}`, 'cat', '/etc/hostname'],
    options,
  )
  assert.equal(done.stderr, 'constructor: opened\ncat: /etc/hostname: No such file or directory\n')
})

test('a library that the program loads later is the program’s doing, and is faulted', async (t) => {
  if (!requires(t, 'python3')) return
  const script = 'import ctypes\ntry: ctypes.CDLL("libutil.so.1")\nexcept OSError as e: print(e)'
  // Python opens hundreds of files on its way: only the library's are to fail.
  const fault = ['exec', '-q', '--syscall', 'openat=ENOENT,path=*libutil*', '--']
  const done = await runMinderbinder([...fault, '/usr/bin/python3', '-c', script], options)
  assert.match(done.stdout, /libutil\.so\.1: cannot open shared object file/)
})

test('--include-loader faults the loader too', async () => {
  const [exec, ...rest] = all
  const done = await runMinderbinder(
    [exec ?? '', '--include-loader', ...rest, 'cat', '/etc/hostname'],
    options,
  )
  assert.match(done.stderr, /error while loading shared libraries/)
  assert.equal(done.status, 127)
})

test('programs started by vfork, posix_spawn and fexecve', async (t) => {
  if (!requires(t, 'python3')) return
  const script = [
    'import os, subprocess',
    'cat = ["/bin/cat", "/etc/hostname"]',
    'subprocess.run(cat)',
    'pid = os.posix_spawn(cat[0], cat, os.environ); os.waitpid(pid, 0)',
    'fd = os.open("/bin/cat", os.O_RDONLY)',
    'pid = os.fork()',
    'if pid == 0: os.execve(fd, cat, os.environ)',
    'os.waitpid(pid, 0)',
  ].join('\n')
  const fault = ['exec', '-q', '--syscall', 'openat=ENOENT,path=/etc/*', '--']
  const done = await runMinderbinder([...fault, '/usr/bin/python3', '-c', script], options)
  assert.equal(done.stderr.match(/cat: \/etc\/hostname: No such file/g)?.length, 3, done.stderr)
})

test('an exec that fails leaves the program a program', async () => {
  const script = '/etc/passwd 2>/dev/null; cat </dev/null; exec 3</etc/hostname'
  const done = await runMinderbinder([...all, 'sh', '-c', script], options)
  assert.match(done.stderr, /cannot open/)
})

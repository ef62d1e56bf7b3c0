/**
 * Memory that is read in another way, or cannot be. Kernels without process_vm_readv(2) (CONFIG_CROSS_MEMORY_ATTACH):
 * strace plays one to the supervisor.
 */
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

function withoutProcessVmReadv(...fault: string[]) {
  const inject = ['-e', 'trace=process_vm_readv', '-e', 'inject=process_vm_readv:error=ENOSYS']
  const strace = ['strace', '-f', '-qq', '-o', '/dev/null', ...inject]
  // Not by ptrace: strace traces the command already.
  const exec = [minderbinder, 'exec', '--engine', 'seccomp']
  return run([...strace, ...exec, ...fault, '--', 'cat', '/etc/hostname'])
}

test('path= finds the path that it names, and no other', async (t) => {
  if (!requires(t, 'strace')) return
  const hit = await withoutProcessVmReadv('--syscall', 'openat=ENOENT,path=/etc/hostname')
  assert.match(hit.stderr, /cat: \/etc\/hostname: No such file/)
  const other = await withoutProcessVmReadv('--syscall', 'openat=ENOENT,path=/etc/passwd')
  assert.equal(other.status, 0, other.stderr)
})

test('the loader is told from the program', async (t) => {
  if (!requires(t, 'strace')) return
  const program = await withoutProcessVmReadv('--syscall', 'openat=ENOENT')
  assert.match(program.stderr, /cat: \/etc\/hostname: No such file/)
  const loader = await withoutProcessVmReadv('--include-loader', '--syscall', 'openat=ENOENT')
  assert.match(loader.stderr, /error while loading shared libraries/)
})

test('a path that cannot be read does not match, and the summary says so; an address that is wrong is no such path', async (t) => {
  if (!requires(t, 'python3')) return
  const script = [
    'import ctypes, os',
    'libc = ctypes.CDLL(None)',
    'libc.openat(-100, ctypes.c_void_p(16), 0)',
    'libc.prctl(4, 0, 0, 0, 0)', // PR_SET_DUMPABLE
    'libc.openat(-100, b"/etc/hostname", 0)',
  ]
  const fault = ['--syscall', 'openat=EIO,path=/etc/hostname']
  const command = ['/usr/bin/python3', '-c', script.join('\n')]
  const done = await runMinderbinder(['exec', ...fault, '--', ...command], unprivileged.options)
  assert.match(done.stderr, /never fired: \d+ calls, none with .*; the path of 1 could not be read/)
})

for (const engine of ['ptrace', 'seccomp'])
  test(`a path at the end of what is mapped: with its end it is one, without it the kernel reads none either, ${engine}`, async (t) => {
    if (!requires(t, 'python3')) return
    const script = `
import ctypes, errno, mmap
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
page = mmap.PAGESIZE
start = libc.mmap(None, ctypes.c_size_t(2 * page), 3, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
libc.munmap(ctypes.c_void_p(start + page), ctypes.c_size_t(page))
for path in (b'/etc/hostname' + bytes(1), b'/etc/hostname'):
    at = start + page - len(path)
    ctypes.memmove(at, path, len(path))
    libc.openat(-100, ctypes.c_void_p(at), 0)
    print(errno.errorcode[ctypes.get_errno()])`
    const fault = ['--engine', engine, '--syscall', 'openat=EIO,path=/etc/hostname']
    const done = await runMinderbinder(['exec', ...fault, '--', '/usr/bin/python3', '-c', script])
    assert.equal(done.stdout, 'EIO\nEFAULT\n', done.stderr)
  })

test('a program that cannot be read: its loader is faulted, and the summary says so', async (t) => {
  if (!requires(t, 'root', 'user:nobody')) return // somebody else's program
  const program = join(scratch(t), 'cat')
  copyFileSync('/bin/cat', program)
  chmodSync(program, 0o711)
  const args = ['exec', '--syscall', 'openat=EIO', '--', program, '/etc/hostname']
  const done = await runMinderbinder(args, { user: 'nobody' })
  assert.match(done.stderr, /error while loading shared libraries/)
  assert.match(done.stderr, /^minderbinder: 1 program could not be looked into/m)
  const readable = await runMinderbinder(['exec', ...args.slice(1, 4), 'cat', '/etc/hostname'])
  assert.doesNotMatch(readable.stderr, /looked into/)
})

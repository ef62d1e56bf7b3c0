/** Kernels without process_vm_readv(2) (CONFIG_CROSS_MEMORY_ATTACH): strace plays one to the supervisor. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run } from '../helpers/run.ts'

function withoutProcessVmReadv(...fault: string[]) {
  const inject = ['-e', 'trace=process_vm_readv', '-e', 'inject=process_vm_readv:error=ENOSYS']
  const strace = ['strace', '-f', '-qq', '-o', '/dev/null', ...inject]
  return run([...strace, minderbinder, 'exec', ...fault, '--', 'cat', '/etc/hostname'])
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

import assert from 'node:assert/strict'
import test from 'node:test'
import { reachOf } from '../../../src/control/reach.ts'
import { notFaultable } from '../../../src/rules/faultable.ts'
import { syscallNumber } from '../../../src/rules/names/syscalls.ts'

for (const arch of ['x86_64', 'arm64'] as const)
  test(`${arch}: without a SET all that can be faulted is in reach, but for what only waits`, () => {
    const reach = reachOf('', arch)
    for (const name of ['openat', 'read', 'write', 'connect', 'fsync', 'mmap', 'execve', 'accept4'])
      assert.ok(reach.has(name), name)
    for (const name of ['futex', 'ppoll', 'epoll_pwait', 'wait4', 'nanosleep', 'exit_group'])
      assert.ok(!reach.has(name), name)
    for (const name of reach) {
      assert.notEqual(syscallNumber(name, arch), undefined, name)
      assert.equal(notFaultable(name, arch), undefined, name)
    }
  })

test('a SET is as in a fault, and may name what waits', () => {
  assert.deepEqual([...reachOf('futex+openat', 'x86_64')], ['futex', 'openat'])
  assert.ok(reachOf('%file', 'x86_64').has('unlinkat'))
  assert.throws(() => reachOf('opena', 'x86_64'), { code: 'MB_UNKNOWN_NAME' })
  assert.throws(() => reachOf('gettimeofday', 'x86_64'), { code: 'MB_NOT_FAULTABLE' })
})

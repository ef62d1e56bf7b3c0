/** Rules by which a process believes that it has given up privileges, and has them still. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { parseSyscallFault } from '../../../src/rules/grammar.ts'
import { keptPrivileges } from '../../../src/rules/kept-privileges.ts'

const warned = (...faults: string[]) =>
  keptPrivileges(faults.map((fault) => parseSyscallFault(fault, { arch: 'x86_64' })))

test('a call that drops privileges, and seems to succeed without being run', () => {
  for (const fault of ['setuid=ret:0', 'setresgid=ret:1', 'prctl=ret:0', 'setgroups=ret:0@1%'])
    assert.equal(warned(fault).length, 1, fault)
  assert.match(warned('%creds=ret:0')[0]!, /makes capset, .*setuid succeed without being run/)
  assert.doesNotMatch(warned('%creds=ret:0')[0]!, /getuid/)
  assert.equal(warned('setuid=ret:0', 'openat=EIO', 'setgid=ret:0').length, 2)
})

test('not an error, a delay, or a call that drops nothing', () => {
  const faults = [
    'setuid=EPERM',
    'setuid=ret:-1',
    'setuid=delay:1ms',
    'getuid=ret:0',
    'openat=ret:3',
  ]
  assert.deepEqual(warned(...faults), [])
})

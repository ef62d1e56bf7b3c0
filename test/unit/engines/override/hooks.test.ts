/** The table of the engine hook, and what that engine refuses. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { hook } from '../../../../src/engines/override/hook.ts'
import {
  hookBits,
  hookFunctions,
  hooksByCall,
  hooksOf,
} from '../../../../src/engines/override/hooks.ts'
import { parseSyscallFault } from '../../../../src/rules/grammar.ts'
import { syscallNumber } from '../../../../src/rules/names/syscalls.ts'

const refusal = (fault: string) => hook.refusal(parseSyscallFault(fault, { arch: 'x86_64' }))

test('each call of the table is one that a rule can name', () => {
  for (const call of hooksByCall.keys())
    assert.notEqual(syscallNumber(call, 'x86_64'), undefined, call)
})

test('a hook has one bit, the same for every call that passes it', () => {
  assert.ok(hookFunctions.length <= 32, 'more than struct named_call has bits for')
  const bit = (name: string) => 2 ** hookFunctions.indexOf(name)
  assert.equal(hookBits('mkdir'), bit('security_inode_permission'))
  assert.equal(hookBits('fstat'), bit('security_inode_permission') + bit('security_inode_getattr'))
  assert.equal(hookBits('fsync'), 0)
  assert.deepEqual(hooksOf('fsync'), [])
})

test('hook fails calls that pass a hook, and refuses everything else with a reason', () => {
  for (const fault of ['%open=ENOENT', 'read=EIO|EINTR@5%', 'mkdir=EIO,path=*.d,scope=process'])
    assert.equal(refusal(fault), undefined, fault)
  assert.match(refusal('fsync=EIO')!, /^fsync passes no hook/)
  assert.match(refusal('close+dup+read=EIO')!, /^close and dup pass no hook/)
  assert.match(refusal('read=ret:0')!, /cannot make them return a value/)
  assert.match(refusal('read=delay:1s')!, /cannot wait/)
  assert.match(refusal('read=EIO,scope=thread')!, /not in threads/)
  // Else it would fail every call, whatever its file or the other side.
  for (const fault of ['connect=EIO,port=80', 'sendto=EIO,to=10.0.0.0/8', 'sendto=EIO,proto=udp'])
    assert.match(refusal(fault)!, /^hook sees the arguments of a call, not the other side/, fault)
  for (const fault of ['read=EIO,path=/etc/*', 'openat+fchmod=EIO,path=/etc/*'])
    assert.match(refusal(fault)!, /^hook sees the paths that a call passes, not the files/, fault)
})

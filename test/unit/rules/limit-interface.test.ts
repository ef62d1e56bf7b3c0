import assert from 'node:assert/strict'
import test from 'node:test'
import { MinderbinderError } from '../../../src/errors.ts'
import { parseNetworkFault, parseSyscallFault } from '../../../src/rules/grammar.ts'
import { limitToInterface } from '../../../src/rules/limit-interface.ts'
import { isBoundToOwnNamespace } from '../../../src/rules/reach.ts'

const context = { arch: 'x86_64' } as const
const call = parseSyscallFault('openat=EIO', context)
const net = (text: string) => parseNetworkFault('drop-net', text)

test('network rules are for that interface only; system calls stay as they are', () => {
  const rules = limitToInterface([call, net('50%,port=80'), net('1%,interface=eth0')], 'eth0')
  assert.equal(rules[0], call)
  assert.deepEqual(rules[1], { ...net('50%,port=80'), interface: 'eth0' })
  assert.deepEqual(rules[2], net('1%,interface=eth0'))
})

test('a rule for another interface contradicts it', () => {
  assert.throws(
    () => limitToInterface([net('1%,interface=eth1,name=mine')], 'eth0'),
    (error) =>
      error instanceof MinderbinderError &&
      error.code === 'MB_FAULT_VALUE' &&
      /mine is for interface eth1/.test(error.message),
  )
})

test('bound to our network namespace is what acts on interfaces', () => {
  const bound = [
    call,
    net('1%'),
    net('1%,dir=in'),
    net('1%,dir=in,interface=eth0'),
    parseNetworkFault('refuse-net', '1%'),
  ].map(isBoundToOwnNamespace)
  assert.deepEqual(bound, [false, true, false, true, false])
})

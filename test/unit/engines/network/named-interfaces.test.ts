/** Rules follow the names of interfaces, whatever index those have. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { NamedInterfaces } from '../../../../src/engines/network/named-interfaces.ts'
import { MinderbinderError } from '../../../../src/errors.ts'
import type { Interface } from '../../../../src/kernel/network/interfaces.ts'
import { parseNetworkFault, parseSyscallFault } from '../../../../src/rules/grammar.ts'

const context = { arch: 'x86_64' } as const
const net = (text: string) => parseNetworkFault('drop-net', text)
const rules = [
  net('1%,interface=a0,name=first'),
  net('1%,name=all'),
  net('1%,interface=b0,name=second'),
  net('1%,interface=a0,name=third'),
  parseSyscallFault('openat=EIO', context),
]
const NOWHERE = 0x7fff_ffff

function links(indices: Readonly<Record<string, number>>): Interface[] {
  return Object.entries(indices).map(([name, index]) => ({ name, index, up: true, master: 0 }))
}

function follower(indices: readonly number[] = [0, 1, 2, 3]) {
  const written: [number, number][] = []
  const notices: string[] = []
  const named = new NamedInterfaces(rules, indices, links({ lo: 1, a0: 2, b0: 3 }), {
    write: (rule, ifindex) => written.push([rule, ifindex]),
    label: (rule) => rules[rule]!.label,
    onNotice: (text) => notices.push(text),
  })
  return { named, written, notices, taken: () => [written.splice(0), notices.splice(0)] }
}

test('nothing is written while nothing changes', () => {
  const { named, taken } = follower()
  named.follow(links({ lo: 1, a0: 2, b0: 3, c0: 4 }))
  assert.deepEqual(taken(), [[], []])
  assert.deepEqual(named.notes(), [])
})

test('gone, waited for, there again', () => {
  const { named, taken } = follower()
  named.follow(links({ lo: 1, b0: 3 }))
  assert.deepEqual(taken(), [
    [
      [0, NOWHERE],
      [3, NOWHERE],
    ],
    ['interface a0 disappeared, and its rules wait for it to return: first, third'],
  ])
  assert.deepEqual(named.notes(), [
    'interface a0 went away once, and has not come back: first, third',
  ])
  // Its number is another's now.
  named.follow(links({ lo: 1, b0: 3, c0: 2 }))
  assert.deepEqual(taken(), [[], []])
  named.follow(links({ lo: 1, b0: 3, c0: 2, a0: 9 }))
  assert.deepEqual(taken(), [
    [
      [0, 9],
      [3, 9],
    ],
    ['interface a0 is back with a new index, and its rules apply there: first, third'],
  ])
  named.follow(links({ lo: 1, b0: 3, a0: 10 }))
  assert.deepEqual(named.notes(), ['interface a0 went away 2 times: first, third'])
})

test('a name that another interface takes', () => {
  const { named, written } = follower()
  named.follow(links({ lo: 1, a0: 3, b0: 2 }))
  assert.deepEqual(written, [
    [0, 3],
    [3, 3],
    [2, 2],
  ])
})

test('made again with the same number: told, since it is another', () => {
  const { named, taken } = follower()
  named.follow(links({ lo: 1, a0: 2, b0: 3 }), new Set([3]))
  assert.deepEqual(taken(), [
    [[2, 3]],
    ['interface b0 is back with a new index, and its rules apply there: second'],
  ])
})

test('only the rules of the engine, and those that name one', () => {
  assert.ok(!follower([1]).named.any)
  const { named, written } = follower([2])
  named.follow(links({ lo: 1 }))
  assert.deepEqual(written, [[2, NOWHERE]])
})

test('a name that nothing has', () => {
  const make = () =>
    new NamedInterfaces(rules, [0], links({ lo: 1, ab0: 2 }), {
      write() {},
      label: () => '',
      onNotice: undefined,
    })
  assert.throws(
    make,
    (error) => error instanceof MinderbinderError && error.code === 'MB_INTERFACE',
  )
})

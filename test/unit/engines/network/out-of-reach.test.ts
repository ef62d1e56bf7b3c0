/** Targets in network namespaces of their own: told of once each, and not without end. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { OutOfReach } from '../../../../src/engines/network/out-of-reach.ts'
import type { BpfObject } from '../../../../src/kernel/bpf/object.ts'
import { parseNetworkFault } from '../../../../src/rules/grammar.ts'

test('a target that makes one namespace after the other is told of a hundred times', () => {
  const notices: string[] = []
  const rules = [parseNetworkFault('drop-net', '100%,name=lose')]
  const object = { keys: () => [] } as unknown as BpfObject
  const onNotice = (text: string) => void notices.push(text)
  const context = { rules, seed: 1n, onNotice }
  const outOfReach = new OutOfReach(object, context, [0], 7)
  const add = (netns: number) => outOfReach.add({ netns: BigInt(netns), pid: 1, rules: [7] })
  add(1)
  add(1)
  add(2)
  outOfReach.add({ netns: 3n, pid: 1, rules: [0, 8] }) // of other sets
  assert.equal(notices.length, 2)
  assert.match(
    outOfReach.notes().join(),
    /^lose did not reach sockets .* in 2 other network namespaces$/,
  )
  for (let netns = 3; netns < 5000; netns++) add(netns)
  assert.equal(notices.length, 100)
  assert.match(outOfReach.notes().join(), /in 100 or more other network namespaces/)
  outOfReach.close()
})

/** The structures that BPF programs and node share lie where each side takes them to be: the objects' BTF says it. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { elsewhereKey } from '../../../src/engines/network/out-of-reach.ts'
import {
  networkStructs,
  readTallies,
  Session,
  Sets,
  setsOf,
  settingsOf,
} from '../../../src/engines/network/settings.ts'
import { hookFunctions } from '../../../src/engines/override/hooks.ts'
import { overrideStructs } from '../../../src/engines/override/settings.ts'
import { overrideTables } from '../../../src/engines/override/tables.ts'
import { MODIFIED_MAX } from '../../../src/engines/override/ways.ts'
import type { BpfObject } from '../../../src/kernel/bpf/object.ts'
import { statsStructs } from '../../../src/observe/target-statistics.ts'
import { decodeRuleSet, encodeRuleSet, RULE_SET_SIZE } from '../../../src/rules/encode.ts'
import { startOfMatches } from '../../../src/rules/glob.ts'
import { parseNetworkFault, parseSyscallFault } from '../../../src/rules/grammar.ts'
import { encodeTargetProcess, TARGET_NAME_MAX, targetProcess } from '../../../src/targets/limits.ts'
import { processStructs } from '../../../src/targets/process-structs.ts'
import { socketTag } from '../../../src/targets/sockets.ts'
import { Btf } from '../../helpers/btf.ts'
import { requires } from '../../helpers/requires.ts'

const shared = {
  syscall: overrideStructs,
  network: { ...networkStructs, socket_tag: socketTag, elsewhere: elsewhereKey },
  process: processStructs,
  stats: statsStructs,
}

for (const [object, structs] of Object.entries(shared)) {
  test(`bpf/${object}.bpf.o: ${Object.keys(structs).join(', ')}`, (t) => {
    if (!requires(t, 'bpftool')) return
    const btf = new Btf(object)
    for (const [name, { size, offsets }] of Object.entries(structs)) {
      const c = btf.layout(name)
      assert.deepEqual(
        { [name]: { size, offsets } },
        { [name]: { size: c.size, offsets: c.offsets } },
      )
    }
  })
}

/** Bytes of a structure as numbers by C's names, of those fields that are u32 or u64. */
function numbersOf(bytes: Buffer, { offsets, sizes }: ReturnType<Btf['layout']>) {
  return Object.fromEntries(
    Object.entries(offsets).flatMap(([name, at]) => {
      if (sizes[name] === 4) return [[name, bytes.readUInt32LE(at)]]
      return sizes[name] === 8 ? [[name, Number(bytes.readBigUInt64LE(at))]] : []
    }),
  )
}

test('bpf/network.bpf.o: settings and sets', (t) => {
  if (!requires(t, 'bpftool')) return
  const btf = new Btf('network')
  const layout = btf.layout('settings')
  const rules = ['100%', '100%,interface=eth0', '100%,dir=in,interface=eth0'].map((text) =>
    parseNetworkFault('drop-net', text),
  )
  const bytes = settingsOf(
    { dropIn: [2] },
    { targeted: true, machine: false, table: 9, netns: 77n },
    { rules, wantsEvents: false },
  )
  assert.equal(bytes.length, layout.size)
  const { place, ...numbers } = numbersOf(bytes, layout)
  assert.deepEqual(numbers, {
    ...{ netns: 77, wants_events: 0, targeted: 1, machine: 0, table: 9, bound_in: 1 },
  })
  assert.equal(Number(place) >>> 24, 0xb5)
  const { size, offsets } = btf.layout('sets')
  const sets = setsOf({ dropOut: [0, 1], dropIn: [2], refuse: [70] }, new Set([1, 2]), [5])
  assert.equal(sets.length, size)
  const setAt = (at: number) => decodeRuleSet(sets.subarray(at, at + RULE_SET_SIZE))
  const at = (name: string) => offsets[name]!
  assert.deepEqual(
    [
      ...[setAt(at('drop_out')), setAt(at('drop_out') + RULE_SET_SIZE), setAt(at('drop_in'))],
      ...[setAt(at('refuse')), setAt(at('everyone') + targetProcess.rules)],
    ],
    [[0, 1], [1], [2], [70], [5]],
  )
  let all = Buffer.alloc(0)
  const written = new Sets({
    update: (_map: string, _key: number, value: Buffer) => {
      all = Buffer.from(value)
    },
  } as unknown as BpfObject)
  const sides = () => [0, 1].map((side) => all.subarray(side * size, (side + 1) * size))
  written.put(1, sets)
  assert.equal(all.length, 2 * size)
  assert.deepEqual(sides(), [Buffer.alloc(size), sets])
  written.put(0, sets)
  written.remove(1, sets)
  assert.deepEqual(sides(), [sets, Buffer.alloc(size)])
})

test('bpf/network.bpf.o: session', (t) => {
  if (!requires(t, 'bpftool')) return
  const layout = new Btf('network').layout('session')
  let bytes: Buffer = Buffer.alloc(0)
  const session = new Session(
    {
      update: (map: string, _key: number, value: Buffer) => {
        assert.equal(map, '.data.session')
        bytes = Buffer.from(value)
      },
    } as unknown as BpfObject,
    42n,
  )
  assert.equal(bytes.length, layout.size)
  session.setTarget(7n, 3)
  session.start(5n)
  const { padding, ...numbers } = numbersOf(bytes, layout)
  assert.deepEqual(numbers, { cgroup: 7, start_ns: 5, seed: 42, level: 3 })
  session.end()
  assert.equal(bytes.readBigUInt64LE(layout.offsets.cgroup), 2n ** 64n - 1n)
})

test('bpf/network.bpf.o: tallies', (t) => {
  if (!requires(t, 'bpftool')) return
  const layout = new Btf('network').layout('tallies')
  const bytes = Buffer.alloc(layout.size)
  const tallies = { lost_events: 11n, untagged: 12n, copied: 13n, deciding: 14n }
  for (const [name, value] of Object.entries(tallies))
    bytes.writeBigUInt64LE(value, layout.offsets[name])
  const object = { lookup: () => bytes } as unknown as BpfObject
  assert.deepEqual(readTallies(object), {
    ...{ lostEvents: 11n, untagged: 12n, copied: 13n, deciding: 14n },
  })
})

test('struct target_process, the same in each object that has it', (t) => {
  if (!requires(t, 'bpftool')) return
  for (const object of ['network', 'process', 'syscall']) {
    const { size, offsets } = new Btf(object).layout('target_process')
    const { size: ours, ...places } = targetProcess
    assert.deepEqual([object, size], [object, ours])
    assert.deepEqual(offsets, { birth: 0, exec_ns: 8, ...places })
  }
  assert.equal(
    encodeTargetProcess(1n, encodeRuleSet([]), encodeRuleSet([])).length,
    targetProcess.size,
  )
})

test('struct glob_target of bpf/process.bpf.c', (t) => {
  if (!requires(t, 'bpftool')) return
  const { size, offsets, sizes } = new Btf('process').layout('glob_target')
  const [start, mask] = startOfMatches('x*')
  assert.equal(sizes.pattern, TARGET_NAME_MAX)
  assert.deepEqual(offsets, {
    pattern: 0,
    start: TARGET_NAME_MAX,
    mask: TARGET_NAME_MAX + start.length,
    rules: TARGET_NAME_MAX + start.length + mask.length,
  })
  assert.equal(size, TARGET_NAME_MAX + start.length + mask.length + RULE_SET_SIZE)
})

test('struct named_call, and as many programs as calls can have one of their own', (t) => {
  if (!requires(t, 'bpftool')) return
  const btf = new Btf('syscall')
  const { size, offsets } = btf.layout('named_call')
  const rule = parseSyscallFault('openat=EIO', { arch: 'x86_64' })
  const bytes = overrideTables([rule], [0], 'x86_64').calls.get(257)
  const at = RULE_SET_SIZE
  const places = { rules: 0, needs: at, hooks: at + 4, shape: at + 8, padding: at + 12 }
  assert.deepEqual(offsets, places)
  assert.equal(bytes?.length, size)
  assert.equal(btf.functions('mb_modify_'), MODIFIED_MAX)
  assert.equal(btf.functions('mb_touch_'), MODIFIED_MAX)
  assert.equal(btf.functions('mb_enter_'), MODIFIED_MAX)
  assert.ok(btf.functions('mb_hook_') >= hookFunctions.length, 'a program for each hook')
})

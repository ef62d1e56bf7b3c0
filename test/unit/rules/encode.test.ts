import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import {
  CALL_SHAPE_SIZE,
  decodeCounts,
  encodeCallShapes,
  encodeRules,
  encodeTargets,
  RULE_COUNTS_SIZE,
  RULE_SIZE,
  RULES_MAX,
  SYSCALLS_MAX,
  TARGET_SIZE,
  targetKinds,
  targetOffsets,
  thresholdOf,
} from '../../../src/rules/encode.ts'
import { parseNetworkFault, parseSyscallFault } from '../../../src/rules/grammar.ts'
import { signalledCall } from '../../../src/rules/names/interruptible.ts'
import { callShape } from '../../../src/rules/names/shapes.ts'
import { syscallNames, syscallNumber } from '../../../src/rules/names/syscalls.ts'
import type { Rule } from '../../../src/rules/rule.ts'
import {
  BLOCK_SIZE,
  blockOffsets,
  PORT_RANGE_SIZE,
  pauseOffsets,
  portRangeOffsets,
  ruleOffsets,
} from '../../../src/rules/rule-layout.ts'
import { compileC } from '../../helpers/compile-c.ts'
import { requires } from '../../helpers/requires.ts'

const x86 = { arch: 'x86_64' } as const
const interfaces = new Map([['eth0', 7]])
const context = { ...x86, interfaceIndex: (name: string) => interfaces.get(name) ?? 0 }
const call = (text: string) => parseSyscallFault(text, x86)

test('sizes and offsets are those of bpf/rule.h', (t) => {
  if (!requires(t, 'cc')) return
  const lines = execFileSync(compileC('rules/rule-layout.c'), { encoding: 'utf8' })
    .trim()
    .split('\n')
  const layout = new Map(lines.map((line) => [line.split(' ')[0], line.split(' ').slice(1)]))
  const sizes = {
    ...{ rule: RULE_SIZE, call_shape: CALL_SHAPE_SIZE, rule_counts: RULE_COUNTS_SIZE },
    target: TARGET_SIZE,
    ...Object.fromEntries(
      Object.entries(targetOffsets).map(([field, offset]) => [`target.${field}`, offset]),
    ),
    ...{ port_range: PORT_RANGE_SIZE, block: BLOCK_SIZE },
    ...Object.fromEntries(
      Object.entries(portRangeOffsets).map(([field, offset]) => [`port_range.${field}`, offset]),
    ),
    ...Object.fromEntries(
      Object.entries(blockOffsets).map(([field, offset]) => [`block.${field}`, offset]),
    ),
    ...Object.fromEntries(
      Object.entries(pauseOffsets).map(([field, offset]) => [`pause.${field}`, offset]),
    ),
  }
  for (const [name, size] of Object.entries({ ...sizes, RULES_MAX, SYSCALLS_MAX }))
    assert.deepEqual([name, layout.get(name)], [name, [String(size)]])
  const kinds = lines.find((line) => line.startsWith('target_kinds '))
  assert.equal(kinds, `target_kinds ${Object.values(targetKinds).join(' ')}`)
  const fields = [...layout].filter(([, numbers]) => numbers.length === 2)
  const offsets = Object.fromEntries(fields.map(([name, [offset]]) => [name, Number(offset)]))
  assert.deepEqual(offsets, ruleOffsets)
  // Nothing between the fields that a C compiler could leave undefined.
  let end = 0
  for (const [name, [offset, size]] of fields) {
    assert.equal(Number(offset), end, `a gap before ${name}`)
    end += Number(size)
  }
  assert.equal(end, RULE_SIZE)
})

test('C reads back what was encoded', (t) => {
  if (!requires(t, 'cc')) return
  const nothing = {
    share: '0',
    enter: ['0', '0'],
    exit: ['0', '0'],
    signal: '0',
    errors: [],
    path: '',
    hasPath: 0,
    fds: [],
    ifindex: 0,
  }
  const common = {
    ...nothing,
    after: '0',
    for: '0',
    times: '0',
    when: [1, 2 ** 32 - 1, 1],
    noEnd: 1,
  }
  const full = { ...common, threshold: String(2 ** 32), always: 1, scope: 'tree' }
  const noPeer = { ports: [], protocol: 0, direction: 'out', to: [] }
  const syscall = { kind: 'syscall', ...full, ...noPeer }
  const network = { ...full, ...noPeer, syscalls: [], value: '0' }
  const cases: [Rule, object][] = [
    [
      call('dup=ENOENT,fd=stderr+9+1+2,scope=thread'),
      {
        ...syscall,
        outcome: 'errno',
        value: '0',
        errors: [2],
        scope: 'thread',
        fds: [1, 2, 9],
        syscalls: [32],
      },
    ],
    [
      call('sendto=EPERM,proto=udp,port=443+53-54,to=127.0.0.0/8+::1'),
      {
        ...{ ...syscall, outcome: 'errno', value: '0', errors: [1], syscalls: [44] },
        ports: [53, 54, 443, 443],
        protocol: 17,
        to: [
          [4, 8, 127, ...new Array(15).fill(0)],
          [6, 128, ...new Array(15).fill(0), 1],
        ],
      },
    ],
    [
      call('openat=ENOENT'),
      { ...syscall, outcome: 'errno', value: '0', errors: [2], syscalls: [257] },
    ],
    [
      call('openat=-1|-2|-3|-4|-5|-6|-7|-4095'),
      {
        ...{ ...syscall, outcome: 'errno', value: '0' },
        errors: [1, 2, 3, 4, 5, 6, 7, 4095],
        syscalls: [257],
      },
    ],
    [
      call('openat=delay:1s..1440m+EIO|EINTR'),
      {
        ...{ ...syscall, outcome: 'errno', value: '0', enter: ['1000000000', '86399000000000'] },
        ...{ errors: [5, 4], syscalls: [257] },
      },
    ],
    [
      call('open+read+pwritev2=ret:0xffffffffffffffff@0%,when=2..9+3,times=5'),
      {
        ...{ ...syscall, outcome: 'return', value: '-1', syscalls: [0, 2, 328] },
        ...{ threshold: '0', always: 0, when: [2, 9, 3], noEnd: 0, times: '5' },
      },
    ],
    [
      call('openat=delay:1.5s@50%,after=10ms,for=1ns,scope=process,path=/tmp/ü\\,*'),
      {
        ...{ ...syscall, outcome: 'run', value: '0', enter: ['1500000000', '0'], syscalls: [257] },
        ...{ threshold: String(2 ** 31), always: 0, after: '10000000', for: '1', scope: 'process' },
        ...{ hasPath: 1, path: Buffer.from('/tmp/ü,*').toString('hex') },
      },
    ],
    [
      call('openat=EIO,path=/a*,path=b'),
      {
        ...{ ...syscall, outcome: 'errno', value: '0', errors: [5], syscalls: [257] },
        ...{ hasPath: 1, path: Buffer.from('/a*\0b').toString('hex') },
      },
    ],
    [
      call(`openat=signal:KILL,fd=2147483647,path=${'x'.repeat(255)}`),
      {
        ...{ ...syscall, outcome: 'run', value: '0', signal: '9' },
        ...{ syscalls: [257], fds: [2147483647] },
        ...{ hasPath: 1, path: '78'.repeat(255) },
      },
    ],
    [
      call('pread64+sendmsg=short:2147479552'),
      { ...syscall, outcome: 'short', value: '2147479552', syscalls: [17, 46] },
    ],
    [
      call('read=delay:1ns+short:3+signal:64+delay-exit:2ns..5ns'),
      {
        ...{ ...syscall, outcome: 'short', value: '3', signal: '64', syscalls: [0] },
        ...{ enter: ['1', '0'], exit: ['2', '3'] },
      },
    ],
    [
      call('read=short:0.000000001%'),
      { ...syscall, outcome: 'short', value: '0', share: '1', syscalls: [0] },
    ],
    [
      call('write=short:50%'),
      { ...syscall, outcome: 'short', value: '0', share: String(2 ** 31), syscalls: [1] },
    ],
    [parseNetworkFault('drop-net', '100%'), { ...network, kind: 'drop-net', outcome: 'drop' }],
    [
      parseNetworkFault('drop-net', '100%,dir=in,proto=udp,port=53,to=10.0.0.0/8,interface=eth0'),
      {
        ...{ ...network, kind: 'drop-net', outcome: 'drop', direction: 'in', protocol: 17 },
        ...{ ports: [53, 53], ifindex: 7 },
        to: [[4, 8, 10, ...new Array(15).fill(0)]],
      },
    ],
    [
      parseNetworkFault('refuse-net', '100%,proto=tcp,port=8000-8999,to=::1'),
      {
        ...{ ...network, kind: 'refuse-net', outcome: 'refuse', value: '111', protocol: 6 },
        ...{ ports: [8000, 8999], to: [[6, 128, ...new Array(15).fill(0), 1]] },
      },
    ],
  ]
  const folder = mkdtempSync(join(tmpdir(), 'mb-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'rules')
  writeFileSync(
    file,
    encodeRules(
      cases.map(([rule]) => rule),
      context,
    ),
  )
  const output = execFileSync(compileC('rules/rule-layout.c'), [file], { encoding: 'utf8' })
  const read = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  for (const [index, [rule, expected]] of cases.entries())
    assert.deepEqual(read[index], { ...expected, slot: index }, rule.label)
  assert.equal(read.length, cases.length)
})

test('system calls get the numbers of the architecture', () => {
  const rule = parseSyscallFault('openat=ENOENT', { arch: 'arm64' })
  const bytes = encodeRules([rule], { ...context, arch: 'arm64' })
  assert.equal(bytes.readBigUInt64LE(ruleOffsets.syscalls), 1n << 56n)
  assert.throws(() => encodeRules([call('open=ENOENT')], { ...context, arch: 'arm64' }), RangeError)
})

test('an interface that does not exist is refused by who knows', () => {
  const rule = parseNetworkFault('drop-net', '5%,interface=none0')
  const interfaceIndex = () => {
    throw new Error('none')
  }
  assert.throws(() => encodeRules([rule], { ...x86, interfaceIndex }), /none/)
})

test('as many rules as the table has room for', () => {
  const many = new Array<Rule>(RULES_MAX).fill(call('openat=EIO'))
  assert.equal(encodeRules(many, context).length, RULES_MAX * RULE_SIZE)
  assert.throws(() => encodeRules([...many, call('openat=EIO')], context), {
    code: 'MB_FAULT_VALUE',
    message: '4097 rules were given (the limit is 4096)',
  })
})

test('only 0% is never and only 100% is always', () => {
  assert.equal(thresholdOf(0), 0n)
  assert.equal(thresholdOf(100), 2n ** 32n)
  assert.equal(thresholdOf(50), 2n ** 31n)
  assert.equal(thresholdOf(1e-9), 1n)
  assert.equal(thresholdOf(99.999999999), 2n ** 32n - 1n)
  fc.assert(
    fc.property(fc.double({ min: 0, max: 100, noNaN: true }), (percent) => {
      const threshold = thresholdOf(percent)
      assert.equal(threshold === 0n, percent === 0)
      assert.equal(threshold === 2n ** 32n, percent === 100)
      const nearEdge = threshold === 1n || threshold === 2n ** 32n - 1n
      const off = Math.abs(Number(threshold) / 2 ** 32 - percent / 100)
      assert.ok(off <= (nearEdge ? 2 ** -32 : 2 ** -33))
    }),
  )
})

test('call shapes stand at the number of the call', () => {
  for (const arch of ['x86_64', 'arm64'] as const) {
    const table = encodeCallShapes(arch)
    assert.equal(table.length, SYSCALLS_MAX * CALL_SHAPE_SIZE)
    for (const name of syscallNames(arch)) {
      const at = (syscallNumber(name, arch) ?? Number.NaN) * CALL_SHAPE_SIZE
      const { paths, fds, sockaddrs, length } = callShape(name)
      const bits = [paths, fds, sockaddrs].map((list) => list.reduce((sum, i) => sum + 2 ** i, 0))
      const kinds = { count: 8, vector: 16, message: 24 }
      const signalled = { runs: 0, restarts: 32, fails: 64 }[signalledCall(name)]
      const last = (length ? kinds[length.by] + length.argument : 0) + signalled
      assert.deepEqual([name, ...table.subarray(at, at + 4)], [name, ...bits, last])
    }
  }
})

test('counts', () => {
  const bytes = Buffer.alloc(2 * RULE_COUNTS_SIZE + 1)
  const counts = bytes.subarray(1) // no alignment is needed
  const rows = [1n, 2n, 3n, 9n, 4n, 5n, 2n ** 64n - 1n, 2n ** 53n + 1n, 0n, 9n, 0n, 0n]
  for (const [index, value] of rows.entries()) counts.writeBigUInt64LE(value, index * 8)
  assert.deepEqual(decodeCounts(counts), [
    { seen: 1n, matched: 2n, fired: 3n, taken: 4n, unread: 5n },
    { seen: 2n ** 64n - 1n, matched: 2n ** 53n + 1n, fired: 0n, taken: 0n, unread: 0n },
  ])
  assert.throws(() => decodeCounts(bytes), RangeError)
})

test('the targets of rules as struct target, one for each alternative', () => {
  const rules: Rule[] = [
    { ...call('openat=ENOENT'), targets: [{ kind: 'name', name: 'curl' }], inherit: false },
    call('read=EIO'),
    {
      ...call('write=EIO'),
      targets: [
        { kind: 'name', name: 'py*' },
        { kind: 'pid', pid: 77 },
        { kind: 'uid', uid: 1000 },
        { kind: 'cgroup', path: '/a.slice' },
      ],
    },
  ]
  const bytes = encodeTargets(rules, (path) => BigInt(path.length) + 2n ** 40n)
  const rows = Array.from({ length: bytes.length / TARGET_SIZE }, (_, index) => {
    const row = bytes.subarray(index * TARGET_SIZE, (index + 1) * TARGET_SIZE)
    return [
      row.readUInt32LE(targetOffsets.rule),
      row.readUInt32LE(targetOffsets.kind),
      row.readBigUInt64LE(targetOffsets.value),
      row.toString('utf8', targetOffsets.name, row.indexOf(0, targetOffsets.name)),
    ]
  })
  assert.deepEqual(rows, [
    [0, targetKinds.name, 0n, 'curl'],
    [2, targetKinds.glob, 0n, 'py*'],
    [2, targetKinds.pid, 77n, ''],
    [2, targetKinds.uid, 1000n, ''],
    [2, targetKinds.cgroup, 2n ** 40n + 8n, ''],
  ])
  const flags = [0, 1, 2].map((index) =>
    encodeRules(rules, context).readUInt32LE(index * RULE_SIZE + ruleOffsets.flags),
  )
  assert.deepEqual(flags, [24, 0, 8])
})

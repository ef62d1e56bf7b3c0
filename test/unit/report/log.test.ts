/** The documented line of --log. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { InjectionEvent } from '../../../src/report/event.ts'
import { logLine } from '../../../src/report/log.ts'
import type { Outcome } from '../../../src/rules/outcomes/index.ts'
import type { NetworkRule, SyscallRule } from '../../../src/rules/rule.ts'

const common = {
  label: 'openat=ENOENT',
  source: '--syscall openat=ENOENT',
  rate: 100,
  afterNs: 0n,
  when: { first: 1, last: Number.POSITIVE_INFINITY, step: 1 },
  times: 0,
} as const

function syscallRule(outcome: Outcome): SyscallRule {
  return { ...common, kind: 'syscall', set: 'openat', syscalls: ['openat'], outcome, scope: 'tree' }
}

function networkRule(kind: NetworkRule['kind']): NetworkRule {
  return { ...common, label: kind, kind, direction: 'out' }
}

const eio = { kind: 'errno', name: 'EIO', errno: 5 } as const
const eioOrEintr = { ...eio, others: [{ name: 'EINTR', errno: 4 }] }
const enoent = { kind: 'errno', name: 'ENOENT', errno: 2 } as const

const call: InjectionEvent = {
  timeNs: 1_700_000_000_123_456_789n,
  rule: 0,
  n: 3n,
  pid: 42,
  tid: 43,
  comm: 'cat',
  syscall: 257,
  args: [0xffff_ffff_ffff_ff9cn, 0x7ffe_0000_1000n, 0n, 0n, 0n, 0n],
  path: '/etc/hostname',
}

const packet: InjectionEvent = {
  ...call,
  pid: 0,
  tid: 0,
  comm: '',
  traffic: { protocol: 6, direction: 'out', remote: '[::1]:80', ifindex: 1 },
}

const names = {
  syscall: (number: number) => (number === 257 ? 'openat' : undefined),
  seed: 7n,
  interface: (index: number) => (index === 1 ? 'lo' : undefined),
}

test('a system call: the line is exactly as documented, keys in order', () => {
  assert.equal(
    logLine(call, [syscallRule(enoent)], names),
    '{"time":"2023-11-14T22:13:20.123456Z","rule":"openat=ENOENT","index":0,"n":3,"seed":"7",' +
      '"pid":42,"tid":43,"comm":"cat","syscall":"openat","outcome":"ENOENT",' +
      '"args":["0xffffffffffffff9c","0x7ffe00001000","0x0","0x0","0x0","0x0"],' +
      '"path":"/etc/hostname"}',
  )
})

test('a packet has no process and no arguments, but an address and an interface', () => {
  assert.equal(
    logLine(packet, [networkRule('drop-net')], names),
    '{"time":"2023-11-14T22:13:20.123456Z","rule":"drop-net","index":0,"n":3,"seed":"7","outcome":"drop",' +
      '"address":"[::1]:80","protocol":"tcp","direction":"out","interface":"lo"}',
  )
})

test('a refused connection names its process and the call', () => {
  const traffic = { protocol: 6, direction: 'out', remote: '127.0.0.1:80', ifindex: 0 } as const
  const line = JSON.parse(logLine({ ...call, traffic }, [networkRule('refuse-net')], names))
  assert.equal(line.syscall, 'connect')
  assert.equal(line.pid, 42)
  assert.equal(line.outcome, 'refuse')
  assert.equal(line.address, '127.0.0.1:80')
  assert.equal('interface' in line, false)
  assert.equal('args' in line, false)
})

for (const [expected, outcome] of [
  ['ENOENT', enoent],
  ['ret:0', { kind: 'return', value: 0n }],
  ['ret:-5', { kind: 'return', value: -5n }],
  ['delay:50ms', { kind: 'delay', ns: 50_000_000n }],
  ['delay-exit:5ms', { kind: 'delay-exit', ns: 5_000_000n }],
  ['delay:2s', { kind: 'delay', ns: 2_000_000_000n }],
  ['delay:1500us', { kind: 'delay', ns: 1_500_000n }],
  ['delay:7ns', { kind: 'delay', ns: 7n }],
  ['delay:0s', { kind: 'delay', ns: 0n }],
  // Of several, and of a range, what the seed draws for the third time.
  [
    'EINTR',
    {
      ...eio,
      others: [
        { name: 'EINTR', errno: 4 },
        { name: 'EAGAIN', errno: 11 },
      ],
    },
  ],
  [
    'delay:26872652ns+EIO',
    {
      kind: 'combined',
      parts: [{ kind: 'delay', ns: 10_000_000n, toNs: 50_000_000n }, eioOrEintr],
    },
  ],
  ['delay:2s+EIO', { kind: 'combined', parts: [{ kind: 'delay', ns: 2_000_000_000n }, eio] }],
  ['signal:SIGKILL', { kind: 'signal', name: 'SIGKILL', signal: 9 }],
] as const)
  test(`the outcome is written as on the command line: ${expected}`, () => {
    assert.equal(JSON.parse(logLine(call, [syscallRule(outcome)], names)).outcome, expected)
  })

test('numbers without a name stay numbers', () => {
  const foreign = { ...call, syscall: 9999 }
  assert.equal(JSON.parse(logLine(foreign, [syscallRule(enoent)], names)).syscall, '9999')
  const odd = { ...packet, traffic: { ...packet.traffic!, protocol: 132, ifindex: 77 } }
  const line = JSON.parse(logLine(odd, [networkRule('drop-net')], names))
  assert.equal(line.protocol, '132')
  assert.equal(line.interface, '77')
})

test('a line is one line, whatever a path holds', () => {
  const line = logLine({ ...call, path: 'a\nb\u2028"' }, [syscallRule(enoent)], names)
  assert.equal(line.split('\n').length, 1)
  assert.equal(JSON.parse(line).path, 'a\nb\u2028"')
})

test('an event of a rule that does not exist is a bug, not a line', () => {
  assert.throws(() => logLine({ ...call, rule: 1 }, [syscallRule(enoent)], names), RangeError)
})

test('a path that acts on terminals, or breaks lines, is escaped and is the same value', () => {
  const path = '/a\x1b[2J\n\x7f\u0085\u009b\u202e\u2028\u{e0001}é漢😀"\\'
  const line = logLine({ ...call, path }, [syscallRule(enoent)], names)
  assert.equal(JSON.parse(line).path, path)
  assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  assert.match(line, /\\u007f\\u0085\\u009b\\u202e\\u2028\\udb40\\udc01é漢😀/)
})

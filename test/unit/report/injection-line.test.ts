import assert from 'node:assert/strict'
import test from 'node:test'
import type { InjectionEvent } from '../../../src/report/event.ts'
import { injectionLine } from '../../../src/report/injection-line.ts'
import { parseNetworkFault, parseSyscallFault } from '../../../src/rules/grammar.ts'

const context = { arch: 'x86_64' } as const
const rules = [
  parseSyscallFault('openat=ENOENT,name=break_curl', context),
  parseNetworkFault('drop-net', '50%'),
  parseNetworkFault('refuse-net', '100%'),
]
const names = { seed: 1n, syscall: () => 'openat', interface: () => 'eth0' }
const event: InjectionEvent = {
  timeNs: 1_763_910_207_123_456_789n,
  rule: 0,
  n: 5n,
  pid: 4711,
  tid: 4711,
  comm: 'curl',
  syscall: 257,
  args: [],
}

test('a system call, with its path', () => {
  assert.match(
    injectionLine({ ...event, path: '/etc/hosts' }, rules, names),
    /^\d\d:\d\d:27\.123 curl\[4711\] openat \/etc\/hosts: ENOENT \(break_curl, 5th\)$/,
  )
})

test('a packet, with where it went; no process is known', () => {
  const traffic = { protocol: 17, direction: 'out', remote: '10.0.0.1:53', ifindex: 2 } as const
  assert.match(
    injectionLine({ ...event, rule: 1, pid: 0, n: 12n, traffic }, rules, names),
    /^[\d:.]+ udp to 10\.0\.0\.1:53 on eth0: drop \(.*, 12th\)$/,
  )
})

test('a connection that was refused', () => {
  const traffic = { protocol: 6, direction: 'out', remote: '[::1]:80', ifindex: 0 } as const
  assert.match(
    injectionLine({ ...event, rule: 2, n: 21n, traffic }, rules, names),
    /^[\d:.]+ curl\[4711\] connect tcp \[::1\]:80: refuse \(.*, 21st\)$/,
  )
})

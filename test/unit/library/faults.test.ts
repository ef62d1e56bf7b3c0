/** The faults that programs give to the library. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { parseFaults } from '../../../src/library/faults.ts'

const context = { arch: 'x86_64' } as const
const labels = (...faults: Parameters<typeof parseFaults>[0]) =>
  parseFaults(faults, context).map(({ label }) => label)

test('a text is what follows --syscall, or begins with its option', () => {
  assert.deepEqual(
    labels(
      'openat=ENOSPC@5%,path=*.db',
      '--syscall read=EIO',
      '--drop-net 100%,port=443',
      '--refuse-net=50%',
      '--inject read,write:error=EIO:when=3',
    ),
    [
      'openat=ENOSPC@5%,path=*.db',
      'read=EIO',
      'drop-net 100%,port=443',
      'refuse-net 50%',
      'read:error=EIO:when=3',
      'write:error=EIO:when=3',
    ],
  )
})

test('an object is what a configuration file has', () => {
  const outgoing = { outgoing_network: [{ name: 'lost', failure_rate: 12.5 }] }
  assert.deepEqual(labels(outgoing, { agents_of_chaos: outgoing }, 'read=EIO'), [
    'lost',
    'lost',
    'read=EIO',
  ])
  const [rule] = parseFaults([{ syscall: [{ syscall: 'openat', ret_code: -2 }] }], context)
  assert.deepEqual(rule?.kind === 'syscall' && rule.outcome, {
    kind: 'errno',
    name: 'ENOENT',
    errno: 2,
  })
})

test('an object may be in the spelling of programs', () => {
  const rules = parseFaults(
    [
      { outgoingNetwork: [{ protocol: 'TCP', destPort: 443, failureRate: 12.5, delayMs: 5 }] },
      { agentsOfChaos: { syscall: [{ syscall: 'openat', retCode: 'EIO', path: '/A/bC' }] } },
    ],
    context,
  )
  assert.deepEqual(
    rules,
    parseFaults(
      [
        { outgoing_network: [{ proto: 'tcp', port: 443, failure_rate: 12.5, delay_ms: 5 }] },
        { agents_of_chaos: { syscall: [{ syscall: 'openat', ret_code: 'EIO', path: '/A/bC' }] } },
      ],
      context,
    ),
  )
})

for (const [fault, code, message] of [
  [
    { outgoingNetwork: [{ port: 1, destPort: 2 }] },
    'MB_CONFIG',
    /^faults\[1\]: port and destPort say the same: write one of them$/,
  ],
  [{ incomingNetwork: [{ destPort: 2 }] }, 'MB_CONFIG', /^faults\[1\]:\d+:\d+: .*dest_port/],
  [{ outgoing_network: [{ proto: 'TCP' }] }, 'MB_CONFIG', /^faults\[1\]:\d+:\d+: .*TCP/],
  ['opnat=ENOENT', 'MB_UNKNOWN_NAME', /^faults\[1\]: --syscall: .*opnat/],
  ['--delay-net 5s', 'MB_UNKNOWN_NAME', /^faults\[1\]: '--delay-net' does not give a fault/],
  ['--drop-net 5', 'MB_FAULT_SYNTAX', /^faults\[1\]: --drop-net: /],
  ['', 'MB_FAULT_SYNTAX', /^faults\[1\]: --syscall: /],
  [{ sycall: [] }, 'MB_CONFIG', /^faults\[1\]:3:\d+: .*sycall/],
  [{ syscall: [{ syscall: 'openat' }] }, 'MB_CONFIG', /^faults\[1\]:\d+:\d+: ret_code is missing/],
  [['openat=ENOENT'], 'MB_CONFIG', /^faults\[1\]: a fault is a text or an object$/],
  [null, 'MB_CONFIG', /^faults\[1\]: a fault is a text or an object$/],
  [7, 'MB_CONFIG', /^faults\[1\]: a fault is a text or an object$/],
] as const)
  test(`${JSON.stringify(fault)} is refused, and the message says which fault it is`, () => {
    assert.throws(() => parseFaults(['read=EIO', fault as string], context), { code, message })
  })

test('an object that refers to itself is refused', () => {
  const round: Record<string, unknown> = {}
  round.syscall = round
  assert.throws(() => parseFaults([round], context), {
    code: 'MB_CONFIG',
    message: /^faults\[0\]: /,
  })
})

test('there are 4,096 faults at most', () => {
  const many = Array.from({ length: 4097 }, () => 'read=EIO')
  assert.equal(parseFaults(many.slice(1), context).length, 4096)
  assert.throws(() => parseFaults(many, context), { code: 'MB_USAGE' })
})

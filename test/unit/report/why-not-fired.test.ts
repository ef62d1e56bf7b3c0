/** The reason why a rule did nothing, and the hint: golden texts, one for each reason. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { hintFor } from '../../../src/report/hints.ts'
import type { RunSoFar } from '../../../src/report/run-so-far.ts'
import { whenText, whyNotFired } from '../../../src/report/why-not-fired.ts'
import { parseNetworkFault, parseSyscallFault } from '../../../src/rules/grammar.ts'
import { noCounts, type Rule, type RuleCounts } from '../../../src/rules/rule.ts'
import { parseStraceInject } from '../../../src/rules/strace.ts'
import type { Target } from '../../../src/rules/target.ts'

import { always } from '../../../src/rules/values.ts'

const x86 = { arch: 'x86_64' } as const
const call = (text: string): Rule => parseSyscallFault(text, x86)
const drop = (text: string): Rule => parseNetworkFault('drop-net', text)
const refuse = (text: string): Rule => parseNetworkFault('refuse-net', text)

type Counts = Partial<Record<keyof RuleCounts, number>>

function countsOf(given: Counts): RuleCounts {
  const big = Object.entries(given).map(([key, value]) => [key, BigInt(value)])
  return { ...noCounts, ...Object.fromEntries(big) }
}

/** Of the last rule. */
function why(done: readonly [Rule, Counts][], more: Partial<RunSoFar> = {}) {
  const run = {
    rules: done.map(([rule]) => rule),
    counts: done.map(([, counts]) => countsOf(counts)),
    ...more,
  }
  const last = run.rules.length - 1
  return { reason: whyNotFired(run, last), hint: hintFor(run, last, 'x86_64') }
}

const reasons: [string, Rule, Counts][] = [
  ['openat was never called', call('openat=ENOENT'), {}],
  ['nothing in %file was called', call('%file=ENOENT'), {}],
  [
    'no packet of the command left through an interface of this network namespace',
    drop('100%'),
    {},
  ],
  ['no packet for the command was seen', drop('100%,dir=in'), {}],
  ['no connect() of the command was seen', refuse('100%'), {}],
  ['1 call, none with path=*.db', call('openat=EIO,path=*.db'), { seen: 1 }],
  ['write was never called with fd=7', call('write=EIO,fd=7'), {}],
  ['41 calls, none with path=*.db,fd=3', call('openat=EIO,path=*.db,fd=3'), { seen: 41 }],
  ['2 calls, none later than after=100ms', call('openat=EIO,after=100ms'), { seen: 2 }],
  ['2 calls, none with fd=1 and later than after=1s', call('read=EIO,after=1s,fd=1'), { seen: 2 }],
  [
    '9 packets, none with proto=udp,port=53,to=10.0.0.0/8,interface=lo',
    drop('100%,proto=udp,port=53,to=10.0.0.0/8,interface=lo'),
    { seen: 9 },
  ],
  ['9 packets, none later than after=1s', drop('100%,after=1s'), { seen: 9 }],
  ['1 call, whose path could not be read', call('openat=EIO,path=x'), { seen: 1, unread: 1 }],
  ['4 calls, whose paths could not be read', call('openat=EIO,path=x'), { seen: 4, unread: 4 }],
  [
    '9 calls, none with path=x; the paths of 4 could not be read',
    call('openat=EIO,path=x'),
    { seen: 9, unread: 4 },
  ],
  ['3 calls matched, and its rate is 0%', call('openat=EIO@0%'), { seen: 3, matched: 3 }],
  ['3 calls matched, too few for when=5', call('openat=EIO,when=5'), { seen: 3, matched: 3 }],
  [
    '9 calls matched, too few in each process for when=5',
    call('openat=EIO,when=5,scope=process'),
    { seen: 9, matched: 9 },
  ],
  [
    '3 calls matched, and chance (0.5%) spared all',
    call('openat=EIO@0.5%'),
    { seen: 3, matched: 3 },
  ],
  ['1 call matched, and chance (50%) spared it', call('openat=EIO@50%'), { seen: 1, matched: 1 }],
  [
    '9 calls matched, and chance (50%) spared the one that when=3 selects',
    call('openat=EIO@50%,when=3'),
    { seen: 9, matched: 9 },
  ],
  [
    '9 calls matched, and chance (50%) spared the 4 that when=2+2 selects',
    call('openat=EIO@50%,when=2+2'),
    { seen: 9, matched: 9 },
  ],
]
for (const [expected, rule, counts] of reasons)
  test(`why a rule never fired: ${expected}`, () => {
    assert.equal(why([[rule, counts]]).reason, expected)
  })

test('calls that an earlier rule took are not said to be missing, and no other call is suggested', () => {
  const eight = { seen: 8, matched: 8, fired: 8 }
  assert.deepEqual(
    why([
      [call('write=EIO'), eight],
      [call('write=ENOSPC'), { taken: 8 }],
    ]),
    {
      reason: 'write=EIO fired first at all 8 calls',
      hint: 'rules are tried in order, and the first that fires wins: put write=ENOSPC first',
    },
  )
  assert.equal(
    why([
      [call('write=EIO'), { ...eight, fired: 1 }],
      [call('write=ENOSPC'), { taken: 1 }],
    ]).reason,
    'write=EIO fired first at its only call',
  )
  assert.equal(
    why([
      [call('write=EIO,fd=1'), eight],
      [call('write=ENOSPC,fd=1'), { seen: 4, taken: 8 }],
    ]).reason,
    '4 calls, none with fd=1; write=EIO,fd=1 fired first at 8 more',
  )
  assert.equal(
    why([
      [call('%file=EIO,name=slow'), eight],
      [call('openat=ENOSPC,path=secret.txt'), { taken: 8 }],
    ]).reason,
    'slow fired first at all 8 calls',
  )
  assert.equal(
    why([
      [call('write=EIO@50%'), eight],
      [call('write=ENOSPC,when=9'), { seen: 3, matched: 3, taken: 8 }],
    ]).reason,
    '3 calls matched, too few for when=9; write=EIO@50% fired first at 8 more',
  )
})

test('packets and connections that an earlier rule took', () => {
  const all = { seen: 5, matched: 5, fired: 5 }
  assert.equal(
    why([
      [drop('100%'), all],
      [drop('100%,port=53'), { taken: 5 }],
    ]).reason,
    'drop-net 100% fired first at all 5 packets',
  )
  assert.equal(
    why([
      [refuse('100%'), all],
      [refuse('100%,port=53'), { taken: 5 }],
    ]).reason,
    'refuse-net 100% fired first at all 5 connections',
  )
})

test('a rule that can never fire is said so, whatever its engine counted', () => {
  const first = (label: string) =>
    `rules are tried in order, and the first that fires wins: put ${label} first`
  assert.deepEqual(
    why([
      [call('write=EIO'), {}],
      [call('write=ENOSPC'), {}],
    ]),
    { reason: 'write=EIO fires first at each of its calls', hint: first('write=ENOSPC') },
  )
  assert.deepEqual(
    why([
      [drop('100%,port=1-99'), { seen: 3, matched: 3, fired: 3 }],
      [drop('5%,port=53'), {}],
    ]),
    {
      reason: 'drop-net 100%,port=1-99 fires first at each of its packets',
      hint: first('drop-net 5%,port=53'),
    },
  )
  assert.equal(
    why([
      [call('write=EIO@50%'), {}],
      [call('write=ENOSPC'), {}],
    ]).reason,
    'write was never called',
  )
})

test('a rule that was in force at another time is not what fired first', () => {
  const ended = { from: 0, to: 2 }
  const lives = (from: number) => ({ lives: [ended, { from, to: Number.POSITIVE_INFINITY }] })
  const never = [
    [call('write=EIO'), { seen: 8, matched: 8, fired: 8 }],
    [call('write=ENOSPC'), {}],
  ] as [Rule, Counts][]
  assert.equal(why(never, lives(2)).reason, 'write was never called')
  assert.equal(why(never, lives(1)).reason, 'write was never called')
  const taken = [never[0]!, [call('write=ENOSPC'), { taken: 3 }]] as [Rule, Counts][]
  assert.equal(why(taken, lives(1)).reason, 'write=EIO fired first at all 3 calls')
  const other = [call('write=EINTR'), { seen: 3, matched: 3, fired: 3 }] as [Rule, Counts]
  assert.equal(
    why([other, ...taken], { lives: [ended, { from: 3, to: 9 }, { from: 3, to: 4 }] }).reason,
    'write=EIO fired first at all 3 calls',
  )
})

test('an earlier rule is named only if it alone can have been it', () => {
  const fired = { seen: 8, matched: 8, fired: 4 }
  const last: [Rule, Counts] = [call('write=ENOSPC'), { taken: 8 }]
  const of = (...before: [Rule, Counts][]) => why([...before, last]).reason
  assert.equal(
    of([call('write=EIO@50%'), fired], [call('write=EINTR@50%'), fired]),
    'earlier rules fired first at all 8 calls',
  )
  assert.equal(
    of(
      [call('read=EIO'), fired], // has none of its calls
      [call('write=EIO,fd=9'), { seen: 8 }], // has not fired
      [drop('100%'), fired],
      [call('write=EINTR'), fired],
    ),
    'write=EINTR fired first at all 8 calls',
  )
  const several = parseStraceInject('write,writev:error=EIO', x86)
  assert.equal(
    why([
      [several[0]!, fired],
      [several[1]!, fired],
      [call('write+writev=ENOSPC'), { taken: 8 }],
    ]).reason,
    '--inject write,writev:error=EIO fired first at all 8 calls',
  )
})

const curl: Target = { kind: 'name', name: 'curl' }
const wget: Target = { kind: 'name', name: 'wget' }
const forCurl = (rule: Rule): Rule => ({ ...rule, targets: [curl] })

test('a rule whose targets may never have run says that, and so does its hint', () => {
  const rule = forCurl(call('openat=EIO'))
  assert.deepEqual(why([[rule, {}]]), {
    reason: 'openat was never called by processes named curl, or none of them ran',
    hint: "if one ran: musl's open() calls open (%open names both)",
  })
  assert.deepEqual(
    why([
      [forCurl(call('write=EIO')), { seen: 1 }],
      [rule, {}],
    ]),
    {
      reason: 'openat was never called by processes named curl',
      hint: "musl's open() calls open (%open names both)",
    },
  )
  const others: Target[] = [curl, wget, { kind: 'uid', uid: 33 }]
  assert.equal(
    why([[{ ...call('openat=EIO'), targets: others }, {}]]).reason,
    'openat was never called by processes named curl or wget, or of the user id 33, or none of them ran',
  )
  assert.equal(
    why([[forCurl(drop('100%')), {}]]).reason,
    'no packet of processes named curl left through an interface of this network namespace, or none of them ran',
  )
})

test('what another rule saw of the same targets shows that they ran', () => {
  const rule = forCurl(call('open=EIO'))
  const other = forCurl(call('openat=EIO'))
  const ran = 'open was never called by processes named curl'
  assert.equal(
    why([
      [other, { seen: 1 }],
      [rule, {}],
    ]).reason,
    ran,
  )
  assert.equal(
    why([
      [other, { taken: 1 }],
      [rule, {}],
    ]).reason,
    ran,
  )
  const unknown = `${ran}, or none of them ran`
  assert.equal(
    why([
      [other, {}],
      [rule, {}],
    ]).reason,
    unknown,
  )
  const ofWget = { ...call('openat=EIO'), targets: [wget] }
  assert.equal(
    why([
      [ofWget, { seen: 1 }],
      [rule, {}],
    ]).reason,
    unknown,
  )
})

const whole = 'path= is compared with the whole path'

test('paths that came near are named, with a glob that matches both', () => {
  const near = (path: string, ...paths: string[]) =>
    why([[call(`openat=EIO,path=${path}`), { seen: 28 }]], { nearPaths: new Map([[0, paths]]) })
  assert.deepEqual(near('/etc/hostname', 'hostname'), {
    reason: '28 calls, none with path=/etc/hostname; the nearest path was: hostname',
    hint: `${whole}: path=*hostname matches both`,
  })
  assert.deepEqual(near('conf/app.conf', './other', '/srv/conf/app.conf'), {
    reason:
      '28 calls, none with path=conf/app.conf; the nearest paths were: ./other, /srv/conf/app.conf',
    hint: `${whole}: path=*conf/app.conf matches both`,
  })
  // A typo: no glob of ours has both.
  assert.equal(near('/etc/hostnam', '/etc/hostname').hint, undefined)
  assert.equal(near('/etc/h[o]st', 'h[o]st').hint, undefined)
})

test('near paths, which a target has chosen, are few, short and on one line', () => {
  const paths = [`${'d/'.repeat(200)}f`, 'a\nb', '\x1b[2J', 'fourth']
  const { reason } = why([[call('openat=EIO,path=/f'), { seen: 1 }]], {
    nearPaths: new Map([[0, paths]]),
  })
  assert.equal(
    reason,
    `1 call, none with path=/f; the nearest paths were: ...${'d/'.repeat(200).slice(-56)}f, a\\x0ab, \\x1b[2J`,
  )
})

test('a path that no call passed: what path= is compared with', () => {
  const hint = (path: string) => why([[call(`openat=EIO,path=${path}`), { seen: 1 }]]).hint
  assert.equal(hint('/etc/hostname'), `${whole}: path=*hostname matches in any folder`)
  assert.equal(hint('hostname'), `${whole}: path=*hostname matches in any folder`)
  assert.equal(hint('/etc/*.conf'), whole)
  assert.equal(hint('*hostname'), undefined)
  assert.equal(hint('!x'), 'path= cannot be negated: a ! is a part of the name')
})

test('paths that could not be read: who may read them', () => {
  const unread = why([[call('openat=EIO,path=/etc/hostname'), { seen: 1, unread: 1 }]])
  assert.match(unread.hint ?? '', /^you may not read the memory of that program .*: root may$/)
})

test('a hint names no call that the rule has already', () => {
  const hint = (text: string) => why([[call(text), {}]]).hint
  const ring = 'system call faults never hit what a program does through io_uring'
  assert.equal(hint('recvfrom+recvmsg=EIO'), `some programs call read; ${ring}`)
  assert.equal(hint('fsync+fdatasync=EIO'), ring)
  assert.equal(hint('fsync=EIO'), `some programs call fdatasync (%sync names both); ${ring}`)
  assert.equal(hint('open+openat=EIO'), undefined)
  assert.equal(hint('%open=EIO'), undefined)
})

for (const [expected, when] of [
  ['1+', always],
  ['5', { first: 5, last: 5, step: 1 }],
  ['2+', { first: 2, last: Number.POSITIVE_INFINITY, step: 1 }],
  ['2+3', { first: 2, last: Number.POSITIVE_INFINITY, step: 3 }],
  ['2..8', { first: 2, last: 8, step: 1 }],
  ['2..8+3', { first: 2, last: 8, step: 3 }],
] as const)
  test(`when= is shown as strace writes it: ${expected}`, () => {
    assert.equal(whenText(when), expected)
  })

test('by hook, a call that failed before its hook was not seen', () => {
  const { reason } = why([[call('read=EIO'), {}]], { engines: ['hook'] })
  assert.equal(reason, 'read was never called, or failed before its hook')
  const other = why([[call('read=EIO'), {}]], { engines: ['override'] })
  assert.equal(other.reason, 'read was never called')
})

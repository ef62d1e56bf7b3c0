import assert from 'node:assert/strict'
import test from 'node:test'
import { explain } from '../../../src/cli/explain.ts'
import { parseNetworkFault, parseSyscallFault } from '../../../src/rules/grammar.ts'
import type { Rule } from '../../../src/rules/rule.ts'
import { shadowedBy } from '../../../src/rules/shadow.ts'
import { parseStraceInject } from '../../../src/rules/strace.ts'

const x86 = { arch: 'x86_64' } as const
const call = (text: string) => parseSyscallFault(text, x86)
const bySeccomp = () => ({ engine: 'seccomp' })
const text = (...rules: Rule[]) => explain(rules, bySeccomp, { seed: 42n })

test('one fault', () => {
  assert.equal(
    text(call('openat=ENOENT@50%,name=flaky')),
    [
      '1. flaky',
      '   openat fails with ENOENT (No such file or directory) with a chance of 50% each time',
      '   does not hit openat through io_uring: its requests are not system calls',
      '   engine: seccomp',
      'chances depend on the seed: 42',
      '',
    ].join('\n'),
  )
})

test('only calls that io_uring has requests for are named, and why not', () => {
  const ring = (rule: Rule, engine: string) =>
    explain([rule], () => ({ engine }), { seed: 0n })
      .split('\n')
      .filter((line) => line.includes('io_uring'))
  for (const engine of ['override', 'seccomp', 'ptrace'])
    assert.deepEqual(ring(call('chmod+write+read=EIO'), engine), [
      '   does not hit read and write through io_uring: its requests are not system calls',
    ])
  assert.deepEqual(ring(call('read=EIO'), 'hook'), [
    '   does not hit read through io_uring: its requests pass the same hooks, but in io_uring_enter or a thread of the kernel',
  ])
  assert.deepEqual(ring(call('chmod=EIO'), 'hook'), [])
  assert.deepEqual(ring(parseNetworkFault('drop-net', '5%'), 'tc'), [])
  assert.doesNotMatch(
    explain([call('read=EIO')], () => ({ refusal: 'x' }), { seed: 0n }),
    /ring/,
  )
})

test('each rule is asked for its engine, and a refusal is told', () => {
  const rules = [call('openat=EIO'), parseNetworkFault('drop-net', '5%')]
  const asked: unknown[] = []
  const output = explain(
    rules,
    (rule, index) => {
      asked.push([rule, index])
      return index === 0 ? { engine: 'override' } : { refusal: 'it needs root' }
    },
    { seed: 0n },
  )
  assert.deepEqual(
    asked,
    [...rules.entries()].map(([index, rule]) => [rule, index]),
  )
  assert.match(output, /^1\. openat=EIO\n(?: {3}.*\n)* {3}engine: override\n2\. drop-net 5%\n/)
  assert.match(output, /\n {3}cannot be done here: it needs root\n/)
  assert.match(output, /the first that fires wins/)
})

test('what a family leaves out, by reason', () => {
  const output = text(call('%clock=EIO'))
  assert.match(output, /left out: .*clock_gettime.* \(the vDSO/)
  assert.doesNotMatch(text(call('openat=EIO')), /left out/)
  assert.match(
    text(call('%net=EIO,port=53')),
    /left out: socket and socketpair \(no socket argument\)\n/,
  )
})

test('a reason for several calls does not speak of one', () => {
  const faults = ['EIO', 'delay-exit:1s', 'short:1', 'EIO,path=*', 'EIO,fd=1', 'EIO,port=53']
  const lines = faults
    .flatMap((fault) => text(call(`*+%file=${fault}`)).split('\n'))
    .filter((line) => /left out: [^(]*(,| and )/.test(line))
  assert.ok(lines.length >= faults.length)
  for (const line of lines) assert.doesNotMatch(line, /\((it|its|this call)\b|\bof it\b/)
})

test('the rules of one --inject are one entry', () => {
  const output = text(...parseStraceInject('/^get.id$:error=EIO:when=2', x86), call('read=EIO'))
  assert.match(
    output,
    /^1\. --inject \/\^get\.id\$:error=EIO:when=2\n {3}getgid, getpid, getsid, gettid and getuid fail/,
  )
  assert.match(output, /\n {3}each of these calls is counted on its own, as strace does\n/)
  assert.match(output, /\n2\. read=EIO\n/)
})

test('a rule that an earlier one leaves nothing to is named', () => {
  const rules = (...texts: string[]) => texts.map(call)
  assert.match(
    text(...rules('open+openat=EIO', 'openat=EPERM')),
    /can never fire: open\+openat=EIO fires first/,
  )
  assert.equal(shadowedBy(rules('open+openat=EIO', 'openat=EPERM'), 1), 0)
  assert.equal(shadowedBy(rules('openat=EIO', 'openat=EPERM'), 0), undefined)
  for (const first of ['read', 'openat'].flatMap((name) => [
    `${name}=EIO@99%`,
    ...['when=1', 'when=2+', 'times=1', 'after=1ms', 'fd=3'].map((key) => `${name}=EIO,${key}`),
  ]))
    assert.equal(shadowedBy(rules(first, 'openat+read=EPERM'), 1), undefined, first)
  assert.equal(shadowedBy(rules('openat=EIO', 'openat+read=EPERM'), 1), undefined)
})

const drop = (text: string) => parseNetworkFault('drop-net', text)
const refuse = (text: string) => parseNetworkFault('refuse-net', text)
const curl = { kind: 'name', name: 'curl' } as const
const wget = { kind: 'name', name: 'wget' } as const
const targeted = (rule: Rule, targets: Rule['targets'], inherit?: boolean): Rule => ({
  ...rule,
  ...(targets && { targets }),
  ...(inherit !== undefined && { inherit }),
})

/** Pairs of which the first leaves nothing to the second, and the second something to the first. */
const shadows: readonly (readonly [Rule, Rule])[] = [
  [call('openat=EIO'), call('openat=EPERM,path=/x')],
  [call('openat=EIO,path=*'), call('openat=EPERM,path=/x')],
  [call('read=EIO'), call('read=EPERM,fd=3')],
  [call('openat=EIO'), call('openat=EPERM@50%,when=2,times=3,scope=process')],
  [call('openat=EIO,after=1s'), call('openat=EPERM,after=2s')],
  [call('%file=EIO'), call('openat+open=EPERM')],
  [call('openat=EIO'), targeted(call('openat=EPERM'), [curl])],
  [targeted(call('openat=EIO'), [curl, wget]), targeted(call('openat=EPERM'), [wget])],
  [targeted(call('openat=EIO'), [curl]), targeted(call('openat=EPERM'), [curl], false)],
  [drop('100%'), drop('5%,proto=tcp')],
  [drop('100%,port=1-99'), drop('100%,port=53')],
  [drop('100%,to=10.0.0.0/8'), drop('100%,to=10.200.0.0/15')],
  [drop('100%,to=10.0.0.0/8'), drop('100%,to=10.0.0.0/16')],
  [drop('100%,interface=lo'), drop('100%,interface=lo,port=53')],
  [drop('100%,to=0.0.0.0/0'), drop('100%,to=127.0.0.1')],
  [refuse('100%'), refuse('100%,to=::1')],
]
for (const [first, second] of shadows)
  test(`${first.label} leaves nothing to ${second.label}, but not the other way round`, () => {
    assert.equal(shadowedBy([first, second], 1), 0)
    assert.equal(shadowedBy([second, first], 1), undefined)
  })

/** Neither leaves the other without anything. */
const apart: readonly (readonly [Rule, Rule])[] = [
  [call('read=EIO,fd=3'), call('read=EIO,fd=4')],
  [call('openat=EIO,path=/x'), call('openat=EIO,path=/y')],
  [targeted(call('openat=EIO'), [curl]), targeted(call('openat=EIO'), [wget])],
  [drop('100%,port=1-99'), drop('100%,port=99-100')],
  [drop('100%,to=10.0.0.0/9'), drop('100%,to=10.128.0.0/9')],
  [drop('100%,to=::/0'), drop('100%,to=10.0.0.0/8')],
  [drop('100%'), drop('100%,dir=in')],
  [drop('100%'), refuse('100%')],
  [drop('100%'), call('openat=EIO')],
  [drop('100%,interface=lo'), drop('100%,interface=eth0')],
  // The run's clock against that of a process.
  [drop('100%,after=1s'), targeted(drop('100%,after=2s'), [curl])],
]
for (const [first, second] of apart)
  test(`${first.label} and ${second.label} leave something to each other`, () => {
    assert.equal(shadowedBy([first, second], 1), undefined)
    assert.equal(shadowedBy([second, first], 1), undefined)
  })

test('two rules with the same keys: the second is said never to fire', () => {
  for (const [pair, noun] of [
    [[call('write=EIO,fd=1'), call('write=ENOSPC,fd=1')], 'calls'],
    [[call('openat=EIO,path=x'), call('openat=EPERM,path=x')], 'calls'],
    [[drop('100%,port=53'), drop('50%,port=53')], 'packets'],
    [[refuse('100%,port=1-9'), refuse('100%,port=3')], 'connections'],
  ] as const) {
    const line = `can never fire: ${pair[0].label} fires first at each of these ${noun}`
    assert.ok(
      text(...pair)
        .split('\n')
        .includes(`   ${line}`),
      text(...pair),
    )
  }
})

test('what surprises people stands beside the rule', () => {
  const udp = 'resolvers connect() UDP sockets: they may find no name, or no route to an address'
  assert.ok(text(refuse('100%,proto=udp')).includes(udp))
  assert.ok(!text(refuse('100%'), drop('100%,proto=udp')).includes('resolvers'))
  const by = (engine: string, fault: string) =>
    explain([call(fault)], () => ({ engine }), { seed: 42n })
  const byOverride = (fault: string) => by('override', fault)
  const asPassed = 'override compares path= with the path as the program passes it'
  assert.ok(byOverride('openat=EIO,path=/etc/hosts').includes(asPassed))
  assert.ok(!byOverride('openat=EIO,path=*hosts').includes(asPassed))
  assert.ok(!text(call('openat=EIO,path=/etc/hosts')).includes(asPassed))
  const early = 'hook does not see a call that fails before its hook'
  assert.ok(by('hook', 'read=EIO').includes(early))
  assert.ok(by('hook', 'openat=EIO,path=/etc/hosts').includes('hook compares path= with the path'))
  assert.ok(!byOverride('read=EIO').includes(early))
  const left = 'counts only the calls at which no earlier rule fired'
  assert.ok(text(call('getppid=EIO,when=1'), call('getppid=EIO,when=3')).includes(left))
  for (const pair of [
    [call('getppid=EIO,when=3')],
    [call('getppid=EIO,when=1'), call('getppid=EIO@50%')],
    [call('getpid=EIO,when=1'), call('getppid=EIO,when=3')],
  ])
    assert.ok(!text(...pair).includes(left))
})

test('--include-setuid is said', () => {
  const rules = [call('setuid=EPERM')]
  const said = /^--include-setuid: programs with a set-user-ID bit .* are faulted, too/m
  assert.match(explain(rules, bySeccomp, { seed: 1n, includeSetuid: true }), said)
  assert.doesNotMatch(text(...rules), said)
})

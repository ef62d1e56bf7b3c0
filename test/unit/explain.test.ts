import assert from 'node:assert/strict'
import test from 'node:test'
import { explain } from '../../src/cli/explain.ts'
import { parseNetworkFault, parseSyscallFault } from '../../src/rules/grammar.ts'
import type { Rule } from '../../src/rules/rule.ts'
import { shadowedBy } from '../../src/rules/shadow.ts'
import { parseStraceInject } from '../../src/rules/strace.ts'

const x86 = { arch: 'x86_64' } as const
const call = (text: string) => parseSyscallFault(text, x86)
const bySeccomp = () => ({ engine: 'seccomp' })
const text = (...rules: Rule[]) => explain(rules, bySeccomp, { seed: 42n })

test('one fault', () => {
  assert.equal(
    text(call('openat=ENOENT@50%,name=flaky')),
    [
      '1. flaky',
      '   openat fails with ENOENT (No such file or directory) each time, with a chance of 50%',
      '   engine: seccomp',
      'chances depend on the seed: 42',
      '',
    ].join('\n'),
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
  assert.match(output, /^1\. openat=EIO\n.*\n {3}engine: override\n2\. drop-net 5%\n/)
  assert.match(output, /\n {3}cannot be done here: it needs root\n/)
  assert.match(output, /the first that fires wins/)
})

test('what a family leaves out, by reason', () => {
  const output = text(call('%clock=EIO'))
  assert.match(output, /left out: .*clock_gettime.* \(the vDSO/)
  assert.doesNotMatch(text(call('openat=EIO')), /left out/)
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
  assert.equal(shadowedBy(rules('openat=EIO,path=/x', 'openat=EPERM'), 1), undefined)
  assert.equal(shadowedBy(rules('openat=EIO', 'openat+read=EPERM'), 1), undefined)
  const [first, second] = rules('openat=EIO', 'openat=EPERM')
  const some = { ...first!, targets: [{ kind: 'uid', uid: 0 }] } as const
  assert.equal(shadowedBy([some, second!], 1), undefined, 'others are not its targets')
})

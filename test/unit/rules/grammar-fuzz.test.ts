/** Any text gives a rule or an error that points into the text; valid faults mean what they say. */
import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { MinderbinderError } from '../../../src/errors.ts'
import type { Architecture } from '../../../src/rules/architecture.ts'
import { describeRule } from '../../../src/rules/describe.ts'
import { encodeRules } from '../../../src/rules/encode.ts'
import { neverReturns, notFaultable } from '../../../src/rules/faultable.ts'
import { parseNetworkFault, parseSyscallFault } from '../../../src/rules/grammar.ts'
import { callShape } from '../../../src/rules/names/shapes.ts'
import { syscallNames } from '../../../src/rules/names/syscalls.ts'
import type { Rule } from '../../../src/rules/rule.ts'
import { parseStraceInject } from '../../../src/rules/strace.ts'
import { quickly } from '../../helpers/quick.ts'

const arches = ['x86_64', 'arm64'] as const
const parsers: ((text: string, arch: Architecture) => Rule[])[] = [
  (text, arch) => [parseSyscallFault(text, { arch })],
  (text) => [parseNetworkFault('drop-net', text)],
  (text) => [parseNetworkFault('refuse-net', text)],
  (text, arch) => parseStraceInject(text, { arch }),
]

/** What a hostile or hurried hand writes: pieces of the grammar, each right by itself. */
const piece = fc.constantFrom(
  ...[
    'openat',
    'open',
    'read',
    'exit',
    'time',
    'opnat',
    '%file',
    '%',
    '%%stat',
    'all',
    'none',
    '?',
  ],
  ...[
    '=',
    '@',
    ',',
    ':',
    '+',
    '-',
    '..',
    '.',
    '/',
    '!',
    '\\',
    '\\,',
    '%',
    '*',
    '(',
    ')',
    '[',
    ']',
    '{2}',
  ],
  ...[
    'ENOENT',
    'enoent',
    '-2',
    '2',
    'ret:',
    'delay:',
    'signal:',
    'SIGKILL',
    '9',
    '0x10',
    '50ms',
    '1.5s',
  ],
  ...[
    '100%',
    '0%',
    '50',
    'when=',
    'times=',
    'after=',
    'scope=',
    'path=',
    'fd=',
    'name=',
    'proto=tcp',
  ],
  ...[
    'port=',
    'to=',
    '10.0.0.0/8',
    '::1',
    'dir=in',
    'interface=lo',
    'error=',
    'retval=',
    'inject=',
  ],
  ...[
    'delay_enter=',
    '__proto__',
    'constructor',
    'toString',
    '\0',
    '\n',
    'ü',
    '\u{1f600}',
    '\ud800',
    '',
  ],
)
const text = fc.oneof(
  { weight: 10, arbitrary: fc.string() },
  { weight: 10, arbitrary: fc.string({ unit: 'binary' }) },
  {
    weight: 20,
    arbitrary: fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
  },
  {
    weight: 10,
    arbitrary: fc
      .tuple(fc.constantFrom('openat=ENOENT,', '5%,', 'getpid:'), fc.array(piece, { maxLength: 6 }))
      .map(([start, pieces]) => start + pieces.join('')),
  },
  // The same thing many times, up to 1 KiB.
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.array(piece, { maxLength: 3 }), fc.array(piece, { minLength: 1, maxLength: 3 }))
      .map(([start, pieces]) => (start.join('') + pieces.join('').repeat(500)).slice(0, 1024)),
  },
)

function parseOrRefuse(source: string, parse: (typeof parsers)[number], arch: Architecture): void {
  let rules: Rule[]
  try {
    rules = parse(source, arch)
  } catch (error) {
    assert.ok(error instanceof MinderbinderError, `${JSON.stringify(source)}: ${error}`)
    assert.notEqual(error.message, '')
    const { excerpt } = error
    assert.ok(excerpt)
    assert.equal(excerpt.text, source)
    assert.ok(excerpt.start >= 0 && excerpt.length >= 0, 'the mark is in the text')
    assert.ok(excerpt.start + excerpt.length <= source.length, 'the mark is in the text')
    return
  }
  // A rule that is accepted goes all the way.
  encodeRules(rules, { arch, interfaceIndex: () => 1 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: there must be none
  for (const rule of rules) assert.doesNotMatch(describeRule(rule) + rule.label, /[\0-\x1f]/)
}

test('any text gives a rule or an error about it, quickly', () => {
  fc.assert(
    fc.property(
      text,
      fc.constantFrom(...parsers),
      fc.constantFrom(...arches),
      (source, parse, arch) => quickly(source, () => parseOrRefuse(source, parse, arch)),
    ),
    { numRuns: 80_000 },
  )
})

test('long text is refused or read in no time', () => {
  const long = [
    '9',
    '+',
    ',',
    '.',
    '=',
    '%',
    'a',
    '\\,',
    '/',
    ':',
    '(',
    '0',
    'openat+',
    'a*',
    '[',
    ' ',
  ]
  const start = process.cpuUsage()
  for (const part of long)
    for (const before of [
      '',
      'openat=',
      'openat=EIO@',
      'openat=delay:',
      'openat=ret:',
      'openat=EIO,when=',
      '5%,to=',
      'openat=EIO,path=',
      '/',
    ])
      for (const parse of parsers) parseOrRefuse(before + part.repeat(20_000), parse, 'x86_64')
  const { user, system } = process.cpuUsage(start)
  // Not a benchmark: what is quadratic in such texts takes minutes.
  assert.ok(user + system < 60e6, `${(user + system) / 1e6} s`)
})

const names = syscallNames('x86_64').filter((name) => notFaultable(name, 'x86_64') === undefined)
const aCall = fc.constantFrom(...names.filter((name) => neverReturns(name) === undefined))
const count = fc.integer({ min: 1, max: 2 ** 32 - 2 })
const outcome = fc.oneof(
  fc
    .integer({ min: 1, max: 4095 })
    .map((errno) => ({ text: `-${errno}`, kind: 'errno', value: BigInt(errno) })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map((value) => ({
    ...{ text: `ret:${value}`, kind: 'return', value: BigInt.asIntN(64, value) },
  })),
  fc
    .bigInt({ min: 1n, max: 86_400_000_000_000n })
    .map((value) => ({ text: `delay:${value}ns`, kind: 'delay', value })),
  fc
    .integer({ min: 1, max: 64 })
    .map((value) => ({ text: `signal:${value}`, kind: 'signal', value: BigInt(value) })),
)
const rate = fc
  .integer({ min: 0, max: 100_000_000 })
  .map((millionths) => ({ text: `${millionths / 1e6}%`, value: millionths / 1e6 }))
  .filter(({ text }) => !text.includes('e'))
const when = fc.tuple(count, fc.option(count), fc.option(count)).map(([first, last, step]) => {
  const [low, high] =
    last === null ? [first, undefined] : [Math.min(first, last), Math.max(first, last)]
  const end = high === undefined ? '' : `..${high}`
  const open = high === undefined && step !== null ? Number.POSITIVE_INFINITY : (high ?? low)
  return {
    text: `${low}${end}${step === null ? '' : `+${step}`}`,
    value: { first: low, last: open, step: step ?? 1 },
  }
})

test('a valid fault on system calls means what it says', () => {
  const keys = fc.record(
    {
      after: fc.bigInt({ min: 0n, max: 10n ** 12n }),
      when,
      times: count,
      scope: fc.constantFrom('tree', 'process'),
    },
    { requiredKeys: [] },
  )
  const calls = fc.uniqueArray(aCall, { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(calls, outcome, fc.option(rate), keys, (set, result, chance, given) => {
      const parts = [
        `${set.join('+')}=${result.text}${chance ? `@${chance.text}` : ''}`,
        ...(given.after === undefined ? [] : [`after=${given.after}ns`]),
        ...(given.when === undefined ? [] : [`when=${given.when.text}`]),
        ...(given.times === undefined ? [] : [`times=${given.times}`]),
        ...(given.scope === undefined ? [] : [`scope=${given.scope}`]),
      ]
      const rule = parseSyscallFault(parts.join(','), { arch: 'x86_64' })
      assert.deepEqual(rule.syscalls, [...set].sort())
      assert.equal(rule.outcome.kind, result.kind)
      const { errno, value, ns, signal } = rule.outcome as unknown as Record<string, bigint>
      assert.equal(BigInt(errno ?? value ?? ns ?? signal ?? -1), result.value)
      assert.equal(rule.rate, chance?.value ?? 100)
      assert.equal(rule.afterNs, given.after ?? 0n)
      assert.deepEqual(
        rule.when,
        given.when?.value ?? { first: 1, last: Number.POSITIVE_INFINITY, step: 1 },
      )
      assert.equal(rule.times, given.times ?? 0)
      assert.equal(rule.scope, given.scope ?? 'tree')
      assert.equal(rule.label, parts.join(','))
    }),
    { numRuns: 1000 },
  )
})

const word = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 50 })
  .filter((candidate) => !/[\0\\]/.test(candidate) && Buffer.byteLength(candidate) <= 255)
const aCallWithPath = aCall.filter((name) => callShape(name).paths.length > 0)
const escaped = (path: string) => path.replaceAll(',', '\\,')
/** What would break a line of the summary: Unicode's controls (Cc) and its line and paragraph separators. */
const breaksLines = /[\p{Cc}\p{Zl}\p{Zp}]/u

test('any path and any printable name are kept as they are', () => {
  const printableName = word.filter((name) => /\S/.test(name) && !breaksLines.test(name))
  fc.assert(
    fc.property(aCallWithPath, word, printableName, (call, path, name) => {
      const source = `${call}=EIO,path=${escaped(path)},name=${escaped(name)}`
      const rule = parseSyscallFault(source, { arch: 'x86_64' })
      assert.deepEqual(rule.paths, [path])
      assert.equal(rule.label, name)
    }),
    { numRuns: 1000 },
  )
})

test('a name that would break a line of the summary is refused', () => {
  const breaker = fc
    .constantFrom('\t', '\n', '\r', '\x1b', '\x7f', '\x85', '\u2028', '\u2029')
    .chain((character) => fc.tuple(word, word).map((around) => around.join(character)))
  fc.assert(
    fc.property(breaker, (name) => {
      const source = `getpid=EIO,name=${escaped(name)}`
      assert.throws(
        () => parseSyscallFault(source, { arch: 'x86_64' }),
        (error) =>
          error instanceof MinderbinderError && /has a control character/.test(error.message),
      )
    }),
  )
})

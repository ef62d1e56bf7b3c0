/** src/rules/glob.ts says the same as bpf/glob.h, which the kernel side and the launcher ask. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { globMatches, startOfMatches } from '../../../src/rules/glob.ts'
import { compileC } from '../../helpers/compile-c.ts'
import { Driver } from '../../helpers/driver.ts'
import { has, requires } from '../../helpers/requires.ts'

let driver: Driver

before(() => {
  if (has('cc'))
    driver = new Driver(compileC('targets/match-name.c', ['-fsanitize=address,undefined']))
})
after(() => driver?.end())

async function inC(pattern: string, text: string): Promise<boolean> {
  const hex = (each: string) => Buffer.from(each, 'latin1').toString('hex')
  return (await driver.ask(`${hex(pattern)}\n${hex(text)}`)) === '1'
}

const table: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['a*', 'a', true],
  ['a*b*c', 'aXbXbXc', true],
  ['a*b*c', 'aXbXbX', false],
  ['?', '', false],
  ['mb-[0-9]', 'mb-7', true],
  ['mb-[0-9]', 'mb-x', false],
  ['[!0-9]', '7', false],
  ['[^0-9]', 'x', true],
  ['[]a]', ']', true],
  ['[!]a]', ']', false],
  ['[a-]', '-', true],
  ['[z-a]', 'm', false],
  ['[!z-a]', 'm', true],
  ['[a', '[a', true],
  ['[', '[', true],
  ['[!', '[!', true],
  ['[]', '[]', true],
  ['x[*', 'x[yz', true],
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['a\\', 'a\\', true],
  ['[\\]]', '\\]', true],
  ['a\nb', 'a\nb', true],
  ['?', '\xff', true],
  ['[\xe0-\xff]', '\xf0', true],
  ['$^(a|b)+.', '$^(a|b)+.', true],
  ['.', 'a', false],
]

test('patterns and texts', async (t) => {
  for (const [pattern, text, matches] of table) {
    const what = JSON.stringify([pattern, text])
    assert.equal(globMatches(pattern, text), matches, what)
    if (has('cc')) assert.equal(await inC(pattern, text), matches, `in C: ${what}`)
  }
  requires(t, 'cc')
})

const some = (characters: string, maxLength: number) =>
  fc.array(fc.constantFrom(...characters), { maxLength }).map((each) => each.join(''))
const one = fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code))

/** A part of a pattern, and a text that mostly matches it. */
const part = fc.oneof(
  fc.tuple(fc.constant('*'), some('ab]', 3)),
  fc.tuple(fc.constant('?'), one),
  fc.constantFrom('a', 'b', '-', ']', '\xff').map((char) => [char, char] as const),
  fc.constantFrom('*', '?', '[', '\\', 'a').map((char) => [`\\${char}`, char] as const),
  fc.tuple(
    fc.constantFrom('[ab]', '[!b]', '[a-b]', '[]a]', '[^]]', '[a-]', '[\\]'),
    some('ab]-\\', 1),
  ),
)
const fitting = fc
  .array(part, { maxLength: 8 })
  .map(
    (parts) =>
      [parts.map(([pattern]) => pattern).join(''), parts.map(([, text]) => text).join('')] as const,
  )

test('any pattern and any text: TypeScript and C agree', async (t) => {
  if (!requires(t, 'cc')) return
  const dense = fc.tuple(some('ab*?[]!^-\\', 12), some('ab[]!^-\\', 12))
  const bytes = fc.tuple(some('\x01\x7f\x80\xff*?[!-]', 12), fc.string({ unit: one, maxLength: 8 }))
  let matched = 0
  const property = fc.asyncProperty(fc.oneof(dense, bytes, fitting), async ([pattern, text]) => {
    const here = globMatches(pattern, text)
    matched += Number(here)
    assert.equal(here, await inC(pattern, text))
  })
  await fc.assert(property, { numRuns: 6_000 })
  assert.ok(matched > 500, `${matched} matched: the property says little`)
})

test('what matches begins as was foretold, and other texts are told by it', () => {
  const begins = (pattern: string, text: string) => {
    const [start, mask] = startOfMatches(pattern.padEnd(256, '\0'))
    const bytes = Buffer.alloc(8)
    bytes.write(text, 'latin1')
    return start.every((byte, at) => (bytes[at]! & mask[at]!) === byte)
  }
  const literal = fc.constantFrom('', 'a', 'ab', 'abababab', 'ababababa')
  const property = fc.property(literal, fitting, ([...prefix], [pattern, text]) => {
    const before = prefix.join('')
    if (globMatches(before + pattern, before + text))
      assert.ok(begins(before + pattern, before + text))
  })
  fc.assert(property, { numRuns: 2_000 })
  for (const [pattern, text] of [
    ['mb-*', 'm'],
    ['mb-*', 'mc-x'],
    ['mb-nobody-*', 'mb-nobxdy-'],
    ['\xff*', '\x7f'],
  ] as const)
    assert.ok(!begins(pattern, text), pattern)
  for (const pattern of ['*b', '?b', '[ab]b', '\\ab']) assert.ok(begins(pattern, 'xyz'), pattern)
})

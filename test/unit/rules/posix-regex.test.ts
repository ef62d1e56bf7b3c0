import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { MinderbinderError } from '../../../src/errors.ts'
import { syscallNames } from '../../../src/rules/names/syscalls.ts'
import { compileRegex, longestText } from '../../../src/rules/posix-regex.ts'
import { Span } from '../../../src/rules/span.ts'

const compile = (text: string) => compileRegex(new Span(text))

test('names of system calls are short enough', () => {
  for (const arch of ['x86_64', 'arm64'] as const)
    for (const name of syscallNames(arch)) assert.ok(name.length <= longestText, name)
})

test('matches what JavaScript matches', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    '[a-c]',
    '[]a]',
    '^',
    '$',
    '\\.',
    '()',
  )
  const { expression } = fc.letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 4 },
      atom,
      fc.tuple(tie('expression'), tie('expression')).map((parts) => parts.join('')),
      fc.tuple(tie('expression'), tie('expression')).map((parts) => `(${parts.join('|')})`),
      fc
        .tuple(tie('expression'), fc.constantFrom('*', '+', '?', '{2}', '{0}'))
        .map(([part, times]) => `(${part})${times}`),
    ),
  }))
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '.', ']'), maxLength: 8 })
  fc.assert(
    fc.property(expression, fc.array(text, { maxLength: 5 }), (source, texts) => {
      const matches = compile(source)
      const oracle = new RegExp(source.replaceAll('[]a]', '[\\]a]'))
      for (const candidate of texts)
        assert.equal(matches(candidate), oracle.test(candidate), `/${source}/ on ${candidate}`)
    }),
    { numRuns: 1500 },
  )
})

test('what cannot be compiled says where', () => {
  const wrong: [string, number, RegExp][] = [
    ['a(b', 3, /\) is missing/],
    ['ab)', 2, /no \(/],
    ['*a', 0, /nothing to repeat/],
    ['(|+)', 2, /nothing to repeat/],
    ['[a', 2, /\] is missing/],
    ['[b-a]', 2, /range is empty/],
    ['a{2', 1, /\{N\}/],
    ['a{256}', 1, /\{N\}/],
    ['\\w', 1, /backslash/],
    ['a\\', 2, /backslash/],
    ['a'.repeat(201), 0, /200 characters/],
  ]
  for (const [text, start, message] of wrong)
    assert.throws(
      () => compile(text),
      (error) =>
        error instanceof MinderbinderError &&
        error.excerpt?.start === start &&
        message.test(error.message),
      text,
    )
})

test('no expression takes long', () => {
  const nested = (times: string) => {
    const depth = Math.floor(198 / (times.length + 2))
    return `${'('.repeat(depth)}a${`)${times}`.repeat(depth)}b`
  }
  const evil = ['(a*)*b', '(a|a)*b', '(.*)*(.*)*x', ...['*', '+', '?', '{9}', '{99}'].map(nested)]
  for (const source of evil) assert.equal(compile(source)('a'.repeat(longestText)), false, source)
})

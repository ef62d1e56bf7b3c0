/** Text for cells: nothing a program calls itself can move the cursor or shift a column. */
import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { cut, fit, safe, short, width } from '../../../src/view/text.ts'

test('what would move the cursor or turn the line round is shown as what it is', () => {
  assert.equal(safe('a\x1b[2J\nb\x9b', 'unicode'), 'a\\x1b[2J\\x0ab\\x9b')
  assert.equal(
    safe('\u202egnp.exe\u2066\ufeff\u200d', 'unicode'),
    '\\u{202e}gnp.exe\\u{2066}\\u{feff}\\u{200d}',
  )
  assert.equal(safe('naïve 漢字 🦀', 'unicode'), 'naïve 漢字 🦀')
  assert.equal(safe('naïve 漢', 'ascii'), 'na\\xefve \\u{6f22}')
})

test('any text comes out without controls, in ASCII where that is asked for', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.doesNotMatch(safe(text, 'unicode'), /[\p{Cc}\p{Cf}\p{Cs}]/u)
      assert.match(safe(text, 'ascii'), /^[ -~]*$/)
    }),
  )
})

test('cut and fit: never wider than asked, whole characters, and what is missing is marked', () => {
  assert.equal(cut('abcdef', 6, 'unicode'), 'abcdef')
  assert.equal(cut('abcdef', 5, 'unicode'), 'abcd…')
  assert.equal(cut('abcdef', 5, 'ascii'), 'abcd~')
  assert.equal(cut('漢字漢字', 4, 'unicode'), '漢…')
  assert.equal(cut('abc', 1, 'ascii'), '~')
  assert.equal(cut('abc', 0, 'ascii'), '')
  assert.equal(fit('漢', 4, 'ascii'), '漢  ')
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, columns) => {
      assert.equal(width(fit(safe(text, 'unicode'), columns, 'unicode')), columns)
    }),
  )
})

test('numbers stay short', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [0.5, '0.5'],
    [9, '9'],
    [9999, '9999'],
    [10_000, '10.0k'],
    [99_949, '99.9k'],
    [99_950, '100k'],
    [999_999, '1.0M'],
    [1_250_000, '1.3M'],
    [7e9, '7.0G'],
    [9.9e17, '990000T'],
  ]
  for (const [value, text] of cases) assert.equal(short(value), text, `${value}`)
})

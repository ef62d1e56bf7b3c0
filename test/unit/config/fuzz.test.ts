/** Any file gives rules or errors that point into it, quickly; and so does any list of arguments. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Command } from 'commander'
import fc from 'fast-check'
import { errorText } from '../../../src/cli/error-text.ts'
import { addExecOptions } from '../../../src/cli/exec/options.ts'
import { HelpRequest, newCommand, parseArguments } from '../../../src/cli/parse.ts'
import { parseConfig } from '../../../src/config/config.ts'
import { MinderbinderError } from '../../../src/errors.ts'
import { describeRule, describeTargets } from '../../../src/rules/describe.ts'
import { encodeRules } from '../../../src/rules/encode.ts'
import type { Rule } from '../../../src/rules/rule.ts'
import { quickly } from '../../helpers/quick.ts'

const header = 'agents_of_chaos:\n'
const bodies = [
  `  syscall:
    - &one
      name: first
      syscall: openat+%read
      ret_code: -2
      failure_rate: 12.5
      delay_ms: 100
      when: 2..9+3
      targets:
        - process_name: curl
        - uid: 33
`,
  "  syscall:\n    - {syscall: [fsync, close], outcome: 'delay:50ms', scope: process, fd: 3}\n",
  '  syscall:\n    - syscall: open\n      outcome: ENOENT\n      path: "*.db"\n      times: 3\n',
  "  outgoing_network:\n    - outcome: refuse\n      port: 8000-8999\n      targets: [process_name: 'w*']\n",
  '  incoming_network:\n    - {proto: udp, interface: lo, to: 10.0.0.0/8, after: 1s}\n',
]
const right = fc
  .array(fc.constantFrom(...bodies), { minLength: 1, maxLength: 2 })
  .map((parts) => header + parts.join(''))

const piece = fc.constantFrom(
  ...[header, ...bodies].join('').split(/(?<=[\n: ])/),
  ...[
    '\n',
    '\r',
    '\t',
    '  ',
    '- ',
    ': ',
    ',',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '|',
    '>',
    '#',
    '&a ',
    '*a',
    '*one',
    '!!str ',
  ],
  ...[
    '<<: ',
    '? ',
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '~',
    'null',
    '.inf',
    '0x10',
    '1e400',
    '-0',
    'yes',
    '2026-01-01',
  ],
  ...[
    '__proto__: ',
    'constructor: ',
    'toString',
    'delay: ',
    'rate: ',
    'ENOENT',
    'ret:0',
    '9'.repeat(40),
  ],
  ...['\0', '\ufeff', '\u2028', '\u{1f600}', '\ud800', 'ü', ''],
)
const limit = 1024
const file = fc.oneof(
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
  {
    weight: 2,
    arbitrary: fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('').slice(0, limit)),
  },
  // A file that is right but for a few places.
  {
    weight: 6,
    arbitrary: fc
      .tuple(right, fc.array(fc.tuple(fc.nat(300), fc.nat(9), piece), { maxLength: 3 }))
      .map(([text, edits]) =>
        edits.reduce(
          (edited, [at, gone, put]) => edited.slice(0, at) + put + edited.slice(at + gone),
          text,
        ),
      ),
  },
  // The same thing many times.
  {
    weight: 1,
    arbitrary: fc
      .tuple(right, fc.nat(300), piece)
      .map(([text, at, part]) => (text.slice(0, at) + part.repeat(limit)).slice(0, limit)),
  },
)

function isAbout(error: MinderbinderError, text: string): void {
  assert.equal(error.code, 'MB_CONFIG')
  const [, line, column] = /^a\.yaml:(\d+):(\d+): ./.exec(error.message) ?? []
  const lines = text.replace(/^\ufeff/, '').split(/\r\n?|\n/)
  assert.ok(Number(line) >= 1 && Number(line) <= lines.length, error.message)
  const there = Array.from(lines[Number(line) - 1] ?? '')
  assert.ok(Number(column) >= 1 && Number(column) <= there.length + 1, error.message)
  const { excerpt } = error
  assert.ok(excerpt, error.message)
  assert.ok(excerpt.start >= 0 && excerpt.length >= 0, 'the mark is in the line')
  assert.ok(excerpt.start + excerpt.length <= excerpt.text.length, 'the mark is in the line')
  for (const other of error.more)
    if (!/^and \d+ more errors?$/.test(other.message)) isAbout(other, text)
}

/** A rule that is accepted goes all the way. */
function goesOn(rules: readonly Rule[]): void {
  encodeRules(rules, { arch: 'x86_64', interfaceIndex: () => 1 })
  for (const rule of rules) {
    const words = describeRule(rule) + describeTargets(rule) + rule.label
    assert.doesNotMatch(words, /\p{Cc}/u)
  }
}

test('any file gives rules, or errors that point into it, quickly', () => {
  let accepted = 0
  const read = (text: string) => {
    try {
      goesOn(parseConfig([{ name: 'a.yaml', text }], { arch: 'x86_64' }))
      accepted++
    } catch (error) {
      assert.ok(error instanceof MinderbinderError, `${JSON.stringify(text)}: ${error}`)
      isAbout(error, text)
      errorText(error, false)
    }
  }
  fc.assert(
    fc.property(file, (text) => quickly(text, () => read(text))),
    { numRuns: 12_000 },
  )
  assert.ok(accepted > 500, 'the files are not all nonsense')
})

const argument = fc.oneof(
  fc.constantFrom(
    ...[
      '--syscall',
      '--drop-net',
      '--refuse-net',
      '--inject',
      '--config',
      '--seed',
      '--engine',
      '-o',
      '-q',
      '-u',
    ],
    ...[
      '--',
      '-',
      '',
      '--help',
      '-h',
      '--require-hit',
      '--graph',
      '--no-such',
      '-x',
      '-qo',
      '--seed=1',
      '--syscall=',
    ],
    ...[
      'openat=ENOENT',
      '5%,port=53',
      'port=53',
      'open:error=EIO',
      '7',
      'auto',
      'true',
      'ls',
      '--syscall=x',
      '--=',
      '-\0',
    ],
  ),
  fc.string({ maxLength: 20 }),
)

test('any arguments of exec are understood, or refused with a reason, quickly', () => {
  let understood = 0
  const parse = (args: readonly string[]) => {
    const command: Command = newCommand('exec').argument('[command...]')
    const read = addExecOptions(command)
    try {
      parseArguments(command, args)
      goesOn(read().faults.rules)
      understood++
    } catch (error) {
      if (error instanceof HelpRequest) return
      assert.ok(error instanceof MinderbinderError, `${JSON.stringify(args)}: ${error}`)
      assert.notEqual(error.message, '')
    }
  }
  fc.assert(
    fc.property(fc.array(argument, { maxLength: 6 }), (args) =>
      quickly(args.join(' '), () => parse(args)),
    ),
    { numRuns: 10_000 },
  )
  assert.ok(understood > 500, 'the arguments are not all nonsense')
})

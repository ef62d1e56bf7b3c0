/** The configuration file: what it means, and that it means the same as the command line. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import fc from 'fast-check'
import { parseConfig } from '../../../src/config/config.ts'
import { jsonSchema } from '../../../src/config/json-schema.ts'
import { MinderbinderError } from '../../../src/errors.ts'
import { parseNetworkFault, parseSyscallFault } from '../../../src/rules/grammar.ts'
import { keyNames } from '../../../src/rules/keys/index.ts'
import type { Rule } from '../../../src/rules/rule.ts'

const x86 = { arch: 'x86_64' } as const
const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const parse = (...texts: readonly string[]) =>
  parseConfig(
    texts.map((text, i) => ({ name: `${i}.yaml`, text })),
    x86,
  )

const prototype = read('docs/prototype.yaml')

const name = (text: string) => ({ kind: 'name', name: text }) as const

/** A rule of the command line, as a file has it. */
function fromLine(rule: Rule, more: Partial<Rule>): unknown {
  return { ...rule, ...more }
}

test('the prototype’s file, byte for byte', () => {
  const digest = createHash('sha256').update(prototype).digest('hex')
  assert.equal(digest, 'eb70a6bd70227705f552ccc2f7ac2e1abc960e2f45c906cb8aae75b296d1f727')
  const after = 'after=100ms'
  const expected = [
    fromLine(parseSyscallFault(`openat=-2,${after},name=break_curl_openat`, x86), {
      source: 'break_curl_openat (0.yaml:3)',
      targets: [name('curl')],
    }),
    fromLine(parseSyscallFault(`open=EPERM,${after},name=break_vim_file_opening`, x86), {
      source: 'break_vim_file_opening (0.yaml:10)',
      targets: [name('vim'), name('cat')],
    }),
    fromLine(parseNetworkFault('drop-net', `100%,${after},name=break_wget_network`), {
      source: 'break_wget_network (0.yaml:19)',
      targets: [name('wget')],
    }),
    fromLine(parseNetworkFault('drop-net', `50%,${after},name=break_ping`), {
      source: 'break_ping (0.yaml:24)',
      targets: [name('ping')],
    }),
  ]
  assert.deepEqual(parse(prototype), expected)
  assert.deepEqual(parse(`\uFEFF${prototype.replaceAll('\n', '\r\n')}`), expected)
})

test('config.yaml needs no root as it is, and its last lines make a rule that does', () => {
  const kinds = (text: string) => parse(text).map(({ kind }) => kind)
  const text = read('config.yaml')
  assert.deepEqual(kinds(text), ['syscall', 'syscall'])
  const at = text.indexOf('  #outgoing_network:')
  const whole = text.slice(0, at) + text.slice(at).replaceAll(/^ {2}#/gm, '  ')
  assert.deepEqual(kinds(whole), ['syscall', 'syscall', 'drop-net'])
})

test('the JSON schema is what the code says (npm run build:schema)', () => {
  assert.deepEqual(JSON.parse(read('docs/minderbinder.schema.json')), jsonSchema())
  const { properties, additionalProperties } = jsonSchema() as {
    properties: Record<string, unknown>
    additionalProperties: boolean
  }
  assert.deepEqual(Object.keys(properties), ['agents_of_chaos'])
  assert.equal(additionalProperties, false)
})

/** A field for each key, and what else stands for it. */
test('every key of the command line has its field', () => {
  const schema = JSON.stringify(jsonSchema())
  for (const key of [...keyNames('syscall'), ...keyNames('drop-net')])
    if (key !== 'dir') assert.match(schema, new RegExp(`"${key}":\\{`), key)
})

function one(fields: string, section = 'syscall'): Rule {
  const [rule] = parse(`agents_of_chaos: {${section}: [{${fields}}]}`)
  return rule!
}

test('ret_code is what the call returns: below zero an error', () => {
  const outcome = (fields: string) => {
    const rule = one(`syscall: openat, ${fields}`)
    return rule.kind === 'syscall' ? rule.outcome : undefined
  }
  const ENOENT = { kind: 'errno', name: 'ENOENT', errno: 2 }
  for (const text of ['-2', '"-2"', 'ENOENT', "'ENOENT'", 'enoent'])
    assert.deepEqual(outcome(`ret_code: ${text}`), ENOENT, text)
  assert.deepEqual(outcome('ret_code: -1'), { kind: 'errno', name: 'EPERM', errno: 1 })
  for (const [text, value] of [
    ['0', 0n],
    ['7', 7n],
    ['0x10', 16n],
    ['9223372036854775807', 2n ** 63n - 1n],
  ] as const)
    assert.deepEqual(outcome(`ret_code: ${text}`), { kind: 'return', value }, text)
  assert.deepEqual(outcome('outcome: "ret:-2"'), { kind: 'return', value: -2n })
  assert.deepEqual(outcome('outcome: delay:50ms'), { kind: 'delay', ns: 50_000_000n })
  const eio = { kind: 'errno', name: 'EIO', errno: 5 }
  const either = { ...eio, others: [{ name: 'EINTR', errno: 4 }] }
  assert.deepEqual(outcome('outcome: EIO|EINTR'), either)
  assert.deepEqual(outcome('ret_code: EIO|-4'), either)
  const pause = { kind: 'delay', ns: 10_000_000n, toNs: 50_000_000n }
  const late = { kind: 'combined', parts: [pause, eio] }
  assert.deepEqual(outcome('outcome: delay:10ms..50ms+EIO'), late)
})

test('a rate is in percent, with its sign or without', () => {
  const rate = (text: string) => one(`syscall: read, ret_code: EIO, failure_rate: ${text}`).rate
  assert.deepEqual(
    ['0', '0.5', '.5', '50', '"50%"', '50%', '100', '100.0'].map(rate),
    [0, 0.5, 0.5, 50, 50, 50, 100, 100],
  )
  assert.equal(one('syscall: read, ret_code: EIO').rate, 100)
  assert.equal(one('name: x', 'outgoing_network').rate, 100)
})

test('times', () => {
  const after = (text: string) => one(`syscall: read, ret_code: EIO, ${text}`).afterNs
  assert.equal(after('delay_ms: 0'), 0n)
  assert.equal(after('delay_ms: 1.5'), 1_500_000n)
  assert.equal(after('after: 2m'), 120_000_000_000n)
})

test('targets', () => {
  const targets = (text: string) => one(`syscall: read, ret_code: EIO, targets: ${text}`)
  assert.deepEqual(
    targets('[process_name: "c*", pid: 77, uid: 0, {cgroup: /a//b/}, {process_name: 7}]').targets,
    [
      name('c*'),
      { kind: 'pid', pid: 77 },
      { kind: 'uid', uid: 0 },
      { kind: 'cgroup', path: '/a/b' },
      name('7'),
    ],
  )
  assert.equal(targets('[pid: 77]').inherit, undefined)
  const short = one('syscall: read, ret_code: EIO, process: c*, inherit: false')
  assert.deepEqual([short.targets, short.inherit], [[name('c*')], false])
  assert.equal(targets('[pid: 77], inherit: false').inherit, false)
  assert.equal(targets('[pid: 77], inherit: true').inherit, true)
})

test('the network', () => {
  const rule = one(
    'outcome: refuse, proto: tcp, port: 80-89, to: "::1", failure_rate: 5, targets: [uid: 3]',
    'outgoing_network',
  )
  const line = parseNetworkFault('refuse-net', '5%,proto=tcp,port=80-89,to=::1')
  assert.deepEqual(rule, { ...line, source: rule.source, targets: [{ kind: 'uid', uid: 3 }] })
  const incoming = one('port: 443, interface: lo', 'incoming_network')
  const same = parseNetworkFault('drop-net', '100%,dir=in,port=443,interface=lo')
  assert.deepEqual(incoming, { ...same, label: incoming.label, source: incoming.source })
})

test('files add up in their order, sections in theirs', () => {
  const labels = parse(
    'agents_of_chaos: {outgoing_network: [name: a], syscall: [{name: b, syscall: read, ret_code: 0}]}',
    'agents_of_chaos: {syscall: [{name: c, syscall: read, ret_code: 0}], incoming_network: []}',
    'agents_of_chaos: {syscall: }',
  ).map(({ label }) => label)
  assert.deepEqual(labels, ['a', 'b', 'c'])
})

test('anchors and aliases are what they stand for, as many as one likes', () => {
  const many = `
agents_of_chaos:
  syscall:
    - &first {syscall: &calls [read, '%sync'], ret_code: &code EIO, targets: &who [process_name: x]}
${'    - {syscall: *calls, ret_code: *code, targets: *who}\n    - *first\n'.repeat(300)}`
  const rules = parse(many)
  assert.equal(rules.length, 601)
  for (const rule of rules) assert.deepEqual({ ...rule, source: '' }, { ...rules[0], source: '' })
})

test('values stand as they are: commas, escapes, folded lines', () => {
  const path = (text: string) => {
    const rule = one(`syscall: openat, ret_code: EIO, path: ${text}`)
    return rule.kind === 'syscall' ? rule.paths?.join('|') : undefined
  }
  assert.equal(path('"/a,b\\u002f\\\\,*"'), '/a,b/\\,*')
  assert.equal(path("'/it''s'"), "/it's")
  assert.equal(path('"/a\n b"'), '/a b')
  assert.equal(path('[/a, "*.db", 7]'), '/a|*.db|7')
})

test('a file with and without quotes, in flow and block style, is the same', () => {
  assert.deepEqual(parse(JSON.stringify(toPlain())).length, 4)
  function toPlain() {
    const syscall = [
      { name: 'a', syscall: 'openat', ret_code: -2, targets: [{ process_name: 'curl' }] },
      { name: 'b', syscall: ['open'], ret_code: 'EPERM', failure_rate: 100 },
    ]
    return { agents_of_chaos: { syscall, outgoing_network: [{ name: 'c' }, { name: 'd' }] } }
  }
})

const word = fc.constantFrom('curl', 'a b', 'x:y', '# no', '- no', "it's", '"', '*', '7', 'ü', '👍')
const common = {
  after: fc.option(fc.constantFrom('1s', '2.5ms', '90m')),
  when: fc.option(fc.constantFrom('3', '2+', '1..9', '1..9+2', '5+5')),
  times: fc.option(fc.integer({ min: 1, max: 2 ** 40 })),
  name: fc.option(word),
}
const rate = fc.constantFrom(undefined, 0, 12.5, 100, 0.000001)

test('a rule in a file is the same as on the command line', () => {
  const fields = fc.record({
    set: fc.constantFrom('openat', 'open+openat', '%file', 'openat+%open'),
    outcome: fc.constantFrom(
      'ENOENT',
      '-2',
      'ret:0',
      'ret:-1',
      'delay:5ms',
      'EIO|-4',
      'delay:1ms..9ms+EIO',
      'ret:0+signal:USR1+delay-exit:1ms',
      'delay-exit:1ms..2ms',
      'signal:SIGTERM',
    ),
    rate,
    path: fc.option(fc.constantFrom('/etc/*', '*.yaml', '/a b', '?')),
    scope: fc.option(fc.constantFrom('tree', 'process')),
    ...common,
  })
  fc.assert(
    fc.property(fields, ({ set, outcome, rate: percent, ...keys }) => {
      const present = Object.entries(keys).filter(([, value]) => value !== null)
      const chance = percent === undefined ? '' : `@${percent.toFixed(6)}%`
      const line = [
        `${set}=${outcome}${chance}`,
        ...present.map(([key, value]) => `${key}=${value}`),
      ]
      const rule = {
        ...Object.fromEntries(present),
        ...{ syscall: set, outcome },
        ...(percent !== undefined && { failure_rate: percent.toFixed(6) }),
      }
      const [got] = parse(JSON.stringify({ agents_of_chaos: { syscall: [rule] } }))
      const want = parseSyscallFault(line.join(','), x86)
      assert.deepEqual({ ...got, source: '', label: '' }, { ...want, source: '', label: '' })
      if (keys.name !== null) assert.equal(got!.label, want.label)
    }),
  )
})

test('any text gives rules or an error of ours that points into it', () => {
  const piece = fc.constantFrom(
    ...['agents_of_chaos', 'syscall', 'outgoing_network', 'targets', 'process_name', 'ret_code'],
    ...['name', 'failure_rate', ': ', ':', '\n', '\n  ', '\n    ', '\n    - ', '- ', ' ', '[', ']'],
    ...[
      '{',
      '}',
      ', ',
      '"',
      "'",
      '&a ',
      '*a',
      '<<',
      '!!str ',
      '!x ',
      '|\n',
      '>\n',
      '---\n',
      '...\n',
    ],
    ...['%YAML 1.1\n', '# c', 'openat', '-2', 'ENOENT', '50', '50%', 'true', 'null', '~', '.inf'],
    ...['\t', '\r', '\0', '\uFEFF', '\ud800', 'ü', '👍', '0x10', '__proto__', 'constructor', '? '],
  )
  const pieces = fc.array(piece, { maxLength: 40 }).map((list) => list.join(''))
  const broken = fc
    .tuple(fc.nat(prototype.length), fc.nat(8), pieces)
    .map(([at, cut, put]) => prototype.slice(0, at) + put + prototype.slice(at + cut))
  fc.assert(
    fc.property(fc.oneof(pieces, broken, fc.string({ unit: 'binary' })), (text) => {
      try {
        parse(text)
      } catch (error) {
        assert.ok(error instanceof MinderbinderError, String(error))
        for (const each of [error, ...error.more]) {
          assert.equal(each.code, 'MB_CONFIG')
          assert.match(each.message, /^(0\.yaml:\d+:\d+: .|and \d+ more)/s)
          const { excerpt } = each
          if (!excerpt) continue
          assert.ok(excerpt.start >= 0 && excerpt.length >= 0)
          assert.ok(excerpt.start + excerpt.length <= excerpt.text.length, JSON.stringify(each))
        }
      }
    }),
    { numRuns: 2000 },
  )
})

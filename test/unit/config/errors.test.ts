/** What a user reads of a wrong file: each error with its line, a caret under what is wrong, and what to do. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { errorText } from '../../../src/cli/error-text.ts'
import { parseConfig } from '../../../src/config/config.ts'
import { MinderbinderError } from '../../../src/errors.ts'

function complaint(...texts: readonly string[]): string {
  const sources = texts.map((text, i) => ({ name: `${'abc'[i]}.yaml`, text }))
  try {
    parseConfig(sources, { arch: 'x86_64' })
  } catch (error) {
    assert.ok(error instanceof MinderbinderError && error.code === 'MB_CONFIG', String(error))
    const text = errorText(error, false)
    assert.equal(text.split(' [MB_CONFIG]\n').length - 1, 1 + error.more.length, text)
    return text.replaceAll('minderbinder: ', '').replaceAll(' [MB_CONFIG]\n', '\n')
  }
  return 'accepted'
}

const rules = (text: string, section = 'syscall') =>
  `agents_of_chaos:\n  ${section}:\n    - name: x\n      ${text.replaceAll('\n', '\n      ')}\n`

/** What is wrong, the file, the message. */
const table: readonly (readonly [what: string, text: string, said: string])[] = [
  [
    'an unknown key, and one that is missing',
    rules('syscal: openat\nfailure_rat: 3'),
    `
a.yaml:3:7: syscall is missing here
      - name: x
        ^^^^
a.yaml:4:7: unknown key 'syscal'
        syscal: openat
        ^^^^^^
hint: did you mean syscall?
a.yaml:5:7: unknown key 'failure_rat'
        failure_rat: 3
        ^^^^^^^^^^^
hint: did you mean failure_rate?`,
  ],
  [
    'an unknown section',
    'agents_of_chaos:\n  syscalls: []\n',
    `
a.yaml:2:3: unknown key 'syscalls'
    syscalls: []
    ^^^^^^^^
hint: did you mean syscall?`,
  ],
  [
    'another file',
    'version: 3\nservices: {}\n',
    `
a.yaml:1:1: agents_of_chaos is missing here
  version: 3
  ^^^^^^^
a.yaml:1:1: unknown key 'version'
  version: 3
  ^^^^^^^
hint: keys here: agents_of_chaos
a.yaml:2:1: unknown key 'services'
  services: {}
  ^^^^^^^^
hint: keys here: agents_of_chaos`,
  ],
  [
    'a key that others call so',
    rules('syscall: read\nret_code: EIO\nprobability: 3'),
    `
a.yaml:6:7: unknown key 'probability'
        probability: 3
        ^^^^^^^^^^^
hint: did you mean failure_rate?`,
  ],
  [
    'wrong types',
    rules(
      'syscall: {}\nret_code: [1]\nfailure_rate: yes\ntimes: "2"\ninherit: no\ntargets: curl\nfd:',
    ),
    `
a.yaml:4:16: syscall must be the name of a system call, or a list of them, but is a map
        syscall: {}
                 ^^
a.yaml:5:17: ret_code must be an error, such as ENOENT or -2, or a value to return, but is a list
        ret_code: [1]
                  ^^^
a.yaml:7:14: times must be a whole number, but is the text '2'
        times: "2"
               ^^^
a.yaml:8:16: inherit must be true or false, but is the text 'no'
        inherit: no
                 ^^
a.yaml:9:16: targets must be a list, with a - before each item, but is the text 'curl'
        targets: curl
                 ^^^^
a.yaml:10:10: fd must be a descriptor, such as 3 or stdout, or several: 1+2, but is empty
        fd:
           ^`,
  ],
  [
    'a rule that is none',
    'agents_of_chaos:\n  syscall:\n    - openat\n    -\n',
    `
a.yaml:3:7: an item of syscall must be a rule, but is the text 'openat'
      - openat
        ^^^^^^
a.yaml:4:6: an item of syscall must be a rule, but is empty
      -
       ^`,
  ],
  [
    'an unknown system call, error, family',
    `${rules('syscall: [openat, opnat]\nret_code: EIO')}    - {syscall: read, ret_code: ENOENTT}\n    - {syscall: "%fiel", ret_code: EIO}\n`,
    `
a.yaml:4:25: unknown system call 'opnat'
        syscall: [openat, opnat]
                          ^^^^^
hint: did you mean openat?
a.yaml:6:33: unknown error 'ENOENTT'
      - {syscall: read, ret_code: ENOENTT}
                                  ^^^^^^^
hint: did you mean ENOENT?
a.yaml:7:18: unknown family '%fiel'
      - {syscall: "%fiel", ret_code: EIO}
                   ^^^^^
hint: did you mean %file?`,
  ],
  [
    'one name of several',
    rules('syscall: openat+opnat\nret_code: EIO'),
    `
a.yaml:4:23: unknown system call 'opnat'
        syscall: openat+opnat
                        ^^^^^
hint: did you mean openat?`,
  ],
  [
    'a value that does not stand in the file as it is',
    rules('syscall: read\nret_code: "ENO\\x45NTT"'),
    `
a.yaml:5:17: unknown error 'ENOENTT'
        ret_code: "ENO\\x45NTT"
                  ^^^^^^^^^^^^
hint: did you mean ENOENT?`,
  ],
  [
    'values out of range',
    rules('syscall: read\nret_code: -4096\nfailure_rate: 100.1\ntimes: 0'),
    `
a.yaml:5:17: the error '-4096' is not within -1 to -4095
        ret_code: -4096
                  ^^^^^
hint: to return a value, write ret:-4096`,
  ],
  [
    'a rate above 100',
    rules('syscall: read\nret_code: EIO\nfailure_rate: 100.1'),
    `
a.yaml:6:21: the rate '100.1' is not within 0% to 100%
        failure_rate: 100.1
                      ^^^^^`,
  ],
  [
    'a unit where there is none',
    rules('syscall: read\nret_code: EIO\ndelay_ms: 1s'),
    `
a.yaml:6:17: delay_ms must be a number, in milliseconds, but is the text '1s'
        delay_ms: 1s
                  ^^
hint: write after: 1s`,
  ],
  [
    'no unit where there has to be one',
    rules('syscall: read\nret_code: EIO\nafter: 100'),
    `
a.yaml:6:14: the duration '100' has no unit
        after: 100
               ^^^
hint: did you mean '100ms'? Units are ns, us, ms, s and m`,
  ],
  [
    'an outcome that could be two things',
    rules('syscall: read\noutcome: 2'),
    `
a.yaml:5:16: the outcome '2' could be an error or a return value
        outcome: 2
                 ^
hint: write -2 for the error of that number, or ret:2 to return it`,
  ],
  [
    'an outcome as ret_code',
    rules('syscall: read\nret_code: delay:1s'),
    `
a.yaml:5:17: ret_code: 'delay:1s' is neither an error nor a number
        ret_code: delay:1s
                  ^^^^^^^^
hint: write outcome: delay:1s`,
  ],
  [
    'two outcomes',
    rules('syscall: read\nret_code: EIO\noutcome: EIO'),
    `
a.yaml:6:7: ret_code and outcome say the same: write one of them
        outcome: EIO
        ^^^^^^^`,
  ],
  [
    'no outcome',
    rules('syscall: read'),
    `
a.yaml:3:7: ret_code is missing here
      - name: x
        ^^^^
hint: write an error, such as ret_code: ENOENT, or outcome: delay:50ms`,
  ],
  [
    'two delays',
    rules('syscall: read\nret_code: EIO\ndelay_ms: 1\nafter: 1s'),
    `
a.yaml:7:7: delay_ms and after say the same: write one of them
        after: 1s
        ^^^^^`,
  ],
  [
    'two ways to name processes',
    rules('syscall: read\nret_code: EIO\ntargets: [pid: 77]\nprocess: cat'),
    `
a.yaml:7:7: process and targets say the same: write one of them
        process: cat
        ^^^^^^^`,
  ],
  [
    'a key that the call cannot have',
    rules('syscall: recvfrom\nret_code: EIO\npath: /x'),
    `
a.yaml:6:13: recvfrom cannot have this key: no argument names a file
        path: /x
              ^^
hint: a socket has its other side (port=N, to=ADDRESS), or a descriptor: fd=N`,
  ],
  [
    'a delay beside the outcome',
    rules('syscall: read\nret_code: EIO\ndelay: 50ms'),
    `
a.yaml:6:7: unknown key 'delay'
        delay: 50ms
        ^^^^^
hint: a delay is an outcome: outcome: delay:50ms`,
  ],
  [
    'latency of packets, which delay_ms is not',
    'agents_of_chaos:\n  outgoing_network:\n    - delay: 100ms\n',
    `
a.yaml:3:7: unknown key 'delay'
      - delay: 100ms
        ^^^^^
hint: latency is not offered yet: packets are lost (outcome: drop), or connections refused (outcome: refuse)`,
  ],
  [
    'a target of two kinds, one of none, one that is a path',
    `${rules('syscall: read\nret_code: EIO\ntargets: [{process_name: a, uid: 3}]')}    - {syscall: read, ret_code: EIO, targets: [{}]}\n    - {syscall: read, ret_code: EIO, targets: [process_name: /bin/a]}\n`,
    `
a.yaml:6:35: a target is process_name or uid, not both
        targets: [{process_name: a, uid: 3}]
                                    ^^^
hint: put a - before each to apply the rule to both
a.yaml:7:48: a target is missing here
      - {syscall: read, ret_code: EIO, targets: [{}]}
                                                 ^^
hint: write one of process_name, pid, uid, cgroup
a.yaml:8:62: process_name: '/bin/a' has a / in it
  ...   - {syscall: read, ret_code: EIO, targets: [process_name: /bin/a]}
                                                                 ^^^^^^
hint: only the last part of a path is compared: write that`,
  ],
  [
    'targets of nobody, and inherit without targets',
    `${rules('syscall: read\nret_code: EIO\ntargets: []')}    - {syscall: read, ret_code: EIO, inherit: false}\n    - {syscall: read, ret_code: EIO, targets: [pid: 1, uid: -1]}\n`,
    `
a.yaml:6:7: targets is an empty list
        targets: []
        ^^^^^^^
hint: leave it out to apply the rule to all processes
a.yaml:7:38: inherit is about targets, and this rule has none
      - {syscall: read, ret_code: EIO, inherit: false}
                                       ^^^^^^^
a.yaml:8:53: pid: '1' is not within 2 to 4194304
      - {syscall: read, ret_code: EIO, targets: [pid: 1, uid: -1]}
                                                      ^`,
  ],
  [
    'a cgroup that is no path of one',
    rules('syscall: read\nret_code: EIO\ntargets: [cgroup: /a/../b]'),
    `
a.yaml:6:25: cgroup: '/a/../b' is not the path of a cgroup
        targets: [cgroup: /a/../b]
                          ^^^^^^^
hint: write it as /proc/PID/cgroup shows it after 0::`,
  ],
  [
    'refusing what comes in',
    rules('outcome: refuse', 'incoming_network'),
    `
a.yaml:4:16: only outgoing connections can be refused
        outcome: refuse
                 ^^^^^^
hint: put the rule under outgoing_network`,
  ],
  [
    'an unknown outcome of packets',
    rules('outcome: dorp', 'outgoing_network'),
    `
a.yaml:4:16: outcome: 'dorp' is not one of drop, refuse
        outcome: dorp
                 ^^^^
hint: did you mean drop?`,
  ],
  [
    'ports of icmp',
    rules('proto: icmp\nport: 1', 'outgoing_network'),
    `
a.yaml:5:13: icmp has no ports
        port: 1
              ^
hint: leave out port= or proto=icmp`,
  ],
  [
    'an empty file',
    '# nothing\n',
    `
a.yaml:1:1: the file is empty
  # nothing
  ^
hint: it begins with agents_of_chaos:`,
  ],
  [
    'a list',
    '- a\n',
    `
a.yaml:1:1: the file must be a map with the key agents_of_chaos, but is a list
  - a
  ^^^`,
  ],
  [
    'a key that appears twice',
    rules('syscall: read\nret_code: EIO\nret_code: -2'),
    `
a.yaml:6:7: the key 'ret_code' appears twice
        ret_code: -2
        ^^^^^^^^`,
  ],
  [
    'two documents',
    'agents_of_chaos: {}\n---\nagents_of_chaos: {}\n',
    `
a.yaml:2:1: a second document starts here
  ---
  ^^^
hint: a file holds one document`,
  ],
  [
    'tabs',
    'agents_of_chaos:\n\tsyscall: []\n',
    `
a.yaml:2:1: tabs are not allowed as indentation
  \\x09syscall: []
  ^^^^
hint: indent with spaces`,
  ],
  [
    'a family without quotes',
    rules('syscall: %file\nret_code: EIO'),
    `
a.yaml:4:16: plain value cannot start with directive indicator character %
        syscall: %file
                 ^
hint: put the value between quotes`,
  ],
  [
    'a glob without quotes',
    rules('syscall: openat\nret_code: EIO\npath: *.conf'),
    `
a.yaml:6:13: no &.conf comes before this
        path: *.conf
              ^^^^^^
hint: text that starts with * needs quotes`,
  ],
  [
    'an alias within what it stands for',
    'agents_of_chaos: &a\n  syscall: *a\n',
    `
a.yaml:2:12: &a is within itself
    syscall: *a
             ^^`,
  ],
  [
    'merge keys',
    rules('<<: {syscall: read}'),
    `
a.yaml:3:7: syscall is missing here
      - name: x
        ^^^^
a.yaml:4:7: unknown key '<<'
        <<: {syscall: read}
        ^^
hint: YAML 1.2 has no merge keys: write the keys out`,
  ],
  [
    'tags',
    rules('syscall: !call read\nret_code: EIO'),
    `
a.yaml:4:16: unresolved tag: !call
        syscall: !call read
                 ^^^^^`,
  ],
  [
    'a key that is no word',
    'agents_of_chaos: {}\n? [a]\n: b\n',
    `
a.yaml:2:3: a key must be a word
  ? [a]
    ^^^`,
  ],
  [
    'keys of objects in JavaScript',
    'agents_of_chaos: {}\n__proto__: {}\nconstructor: {}\n',
    `
a.yaml:2:1: unknown key '__proto__'
  __proto__: {}
  ^^^^^^^^^
hint: keys here: agents_of_chaos
a.yaml:3:1: unknown key 'constructor'
  constructor: {}
  ^^^^^^^^^^^
hint: keys here: agents_of_chaos`,
  ],
]

for (const [what, text, said] of table)
  test(what, () => assert.equal(complaint(text), said.replace(/^\n/, '').concat('\n')))

test('the same name twice, in one file and in two', () => {
  const twice = `${rules('syscall: read\nret_code: EIO')}    - {name: x, syscall: read, ret_code: EIO}\n`
  assert.match(complaint(twice), /^a\.yaml:6:8: 'x' is the name of the rule at a\.yaml:3, too\n/)
  const once = rules('syscall: read\nret_code: EIO')
  assert.match(
    complaint(once, once),
    /^b\.yaml:3:7: 'x' is the name of the rule at a\.yaml:3, too\n/,
  )
})

test('the errors of all files are told, ten of them', () => {
  const bad = rules('syscall: read\nret_code: X')
  const said = complaint(bad, bad, '')
  assert.deepEqual(said.match(/^\w\.yaml:\d+/gm), ['a.yaml:5', 'b.yaml:5', 'c.yaml:1'])
  const many = `agents_of_chaos:\n  syscall:\n${'    - {syscall: read, ret_code: X}\n'.repeat(30)}`
  assert.equal(complaint(many).match(/^a\.yaml/gm)?.length, 10)
  assert.match(complaint(many), /\nand 20 more errors\n$/)
})

test('of a long line what is around the error is shown', () => {
  const long = `{agents_of_chaos: {syscall: [${'{syscall: read, ret_code: EIO}, '.repeat(500)}{syscal: 1}]}}`
  const [first = '', excerpt = '', caret = ''] = complaint(long).split('\n').slice(3)
  assert.match(first, /unknown key 'syscal'/)
  assert.ok(excerpt.length < 200)
  assert.equal(excerpt.slice(caret.indexOf('^'), caret.lastIndexOf('^') + 1), 'syscal')
})

test('wide characters count as one column', () => {
  assert.match(complaint('{"👍👍": 1, b: 2}'), /^a\.yaml:1:11: unknown key 'b'$/m)
})

/** In flow style, which nests in one line. */
function nested(depth: number): string {
  return `agents_of_chaos: {syscall: ${'['.repeat(depth)}${']'.repeat(depth)}}`
}

test('deep nesting, bombs, and more rules and targets than there can be', () => {
  assert.match(complaint(nested(120)), /nested too deeply/)
  assert.match(complaint(nested(100_000)), /nested too deeply/)
  assert.match(complaint('- '.repeat(100_000)), /nested too deeply/)
  const level = (i: number) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]\n`
  const bomb = `a0: &a0 [x]\n${Array.from({ length: 60 }, (_, i) => level(i)).join('')}`
  assert.match(complaint(bomb), /with its aliases written out the file has over 1000000 values/)
  const rule = (more: string) => `    - {syscall: read, ret_code: EIO${more}}\n`
  const all = (list: string) => `agents_of_chaos:\n  syscall:\n${list}`
  assert.equal(complaint(all(rule('').repeat(4096))), 'accepted')
  assert.match(
    complaint(all(rule('').repeat(4097))),
    /^a\.yaml:4099:8: too many rules: 4097 \(the limit is 4096\)/,
  )
  const targets = (count: number) => rule(`, targets: [${'{uid: 1},'.repeat(count)}]`)
  assert.equal(complaint(all(targets(16384))), 'accepted')
  assert.match(
    complaint(all(targets(16384) + targets(1))),
    /^a\.yaml:4:38: there are more than 16384 t/,
  )
})

/** What costs the square of its length takes minutes here. */
test('hostile text takes time by its length', () => {
  const fill = (text: string) => text.repeat((1 << 18) / text.length)
  const hostile = [
    ...['- \n', '[', '{a: ', '? ', '# x\n', '---\n', '%X\n', '"\n', '- !x 1\n', '\n', '&a ', '*a,'],
    'a: b: c\n',
  ].map(fill)
  const keys = Array.from({ length: 20_000 }, (_, i) => `key${i}: ${i}\n`).join('')
  const names = `agents_of_chaos:\n  syscall:\n${'    - {nam: x}\n'.repeat(130_000)}`
  const aliases = `- &a 1\n- [${'*a,'.repeat(60_000)}]`
  for (const text of [...hostile, keys, names, aliases]) {
    // Of this process alone: a busy machine takes longer, and no more of it.
    const start = process.cpuUsage()
    assert.notEqual(complaint(text), 'accepted')
    const { user, system } = process.cpuUsage(start)
    const seconds = (user + system) / 1e6
    assert.ok(seconds < 30, `${seconds} s for ${JSON.stringify(text.slice(0, 20))}`)
  }
})

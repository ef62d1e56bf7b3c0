import assert from 'node:assert/strict'
import test from 'node:test'
import { errnoNames } from '../../../../src/rules/names/errnos.ts'
import { families } from '../../../../src/rules/names/families.ts'
import {
  callsInstead,
  callsOfFunction,
  genericCallFor,
} from '../../../../src/rules/names/library-calls.ts'
import {
  editDistance,
  libraryHint,
  nearest,
  neverSeenHint,
} from '../../../../src/rules/names/suggest.ts'
import { syscallNames, syscallNumber } from '../../../../src/rules/names/syscalls.ts'

test('a typo leads to the call that was meant', () => {
  const typos = {
    opnat: 'openat',
    opne: 'open',
    wirte: 'write',
    accpet: 'accept',
    conect: 'connect',
    OPENAT: 'openat',
    getdent: 'getdents',
    exec: 'execve',
    newfstat: 'newfstatat',
    SYS_openat: 'openat',
    __x64_sys_openat: 'openat',
    __NR_read: 'read',
  }
  for (const [typo, meant] of Object.entries(typos))
    assert.equal(nearest(typo, syscallNames('x86_64')), meant, typo)
  assert.equal(nearest('ENOET', errnoNames()), 'ENOENT')
  assert.equal(nearest('enomen', errnoNames()), 'ENOMEM')
  assert.equal(nearest('fils', families('x86_64').keys()), 'file')
})

test('what resembles nothing gets no suggestion', () => {
  for (const text of ['', 'a', 'xyzzy', 'frobnicate', '%%%', '\u{1f4a3}', 'x'.repeat(5000)])
    assert.equal(nearest(text, syscallNames('x86_64')), undefined, text.slice(0, 20))
  assert.equal(nearest('openat', []), undefined)
})

test('the distance counts insertions, deletions, replacements and swaps of neighbours', () => {
  const cases: [string, string, number][] = [
    ['', '', 0],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['abc', 'abc', 0],
    ['abc', 'acb', 1],
    ['abc', 'ab', 1],
    ['abc', 'abxc', 1],
    ['abc', 'axc', 1],
    ['ca', 'abc', 3], // 2 without the restriction that no swapped letter is edited again
    ['kitten', 'sitting', 3],
  ]
  for (const [a, b, distance] of cases) {
    assert.equal(editDistance(a, b), distance, `${a} ${b}`)
    assert.equal(editDistance(b, a), distance, `${b} ${a}`)
  }
})

test('functions of the C library lead to the calls they make', () => {
  assert.equal(libraryHint('fopen', 'x86_64'), 'fopen() calls openat')
  assert.equal(libraryHint('malloc', 'x86_64'), 'malloc() calls brk or mmap')
  assert.equal(libraryHint('waitpid', 'x86_64'), 'waitpid() calls wait4')
  assert.equal(
    libraryHint('getaddrinfo', 'x86_64'),
    'getaddrinfo() calls socket, connect, sendto or sendmmsg, recvfrom and poll',
  )
  assert.equal(libraryHint('frobnicate', 'x86_64'), undefined)
  assert.equal(libraryHint('constructor', 'x86_64'), undefined)
})

test('on arm64 the functions whose own call is missing there lead to what is made instead', () => {
  assert.equal(libraryHint('open', 'arm64'), 'open() calls openat')
  assert.equal(libraryHint('fork', 'arm64'), 'fork() calls clone')
  assert.equal(libraryHint('remove', 'arm64'), 'remove() calls unlinkat')
  assert.equal(libraryHint('open', 'x86_64'), undefined, 'a system call here')
})

test('a call that was never made has a hint at what was', () => {
  assert.equal(neverSeenHint('open', 'x86_64'), "glibc's open() calls openat (%open names both)")
  assert.equal(
    neverSeenHint('stat', 'x86_64'),
    "glibc's stat() calls newfstatat or statx (%%stat names them all)",
  )
  assert.equal(neverSeenHint('fork', 'x86_64'), "glibc's fork() calls clone (%fork names both)")
  assert.equal(neverSeenHint('flock', 'arm64'), 'many programs call fcntl to lock files')
  assert.match(neverSeenHint('getrandom', 'x86_64')!, /vDSO/)
  assert.equal(neverSeenHint('openat', 'arm64'), undefined, 'arm64 has no open')
  assert.equal(neverSeenHint('getpid', 'x86_64'), undefined)
  assert.equal(neverSeenHint('toString', 'x86_64'), undefined)
})

test('hints name calls that exist, and functions are none', () => {
  const named = [
    ...[...callsOfFunction.values(), ...genericCallFor.values()].flat(),
    ...[...callsInstead.values()].map(([, calls]) => calls),
  ].flatMap((calls) => calls.split(/[ |]/))
  for (const call of [...named, ...callsInstead.keys(), ...genericCallFor.keys()])
    assert.notEqual(syscallNumber(call, 'x86_64'), undefined, call)
  for (const name of callsOfFunction.keys())
    assert.equal(syscallNumber(name, 'x86_64'), undefined, name)
})

test('every call that arm64 lacks has a stand-in there, or no program makes it', () => {
  const rest = syscallNames('x86_64').filter(
    (name) => syscallNumber(name, 'arm64') === undefined && !genericCallFor.has(name),
  )
  assert.deepEqual(rest, [
    'uselib',
    'sysfs',
    'modify_ldt',
    '_sysctl',
    'arch_prctl',
    'iopl',
    'ioperm',
    'time',
    'uretprobe',
    'uprobe',
  ])
  for (const call of [...genericCallFor.values()].flat())
    assert.notEqual(syscallNumber(call, 'arm64'), undefined, call)
})

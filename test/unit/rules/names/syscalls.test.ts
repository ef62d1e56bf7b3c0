import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import test from 'node:test'
import type { Architecture } from '../../../../src/rules/architecture.ts'
import {
  onlyOnOther,
  syscallName,
  syscallNames,
  syscallNumber,
} from '../../../../src/rules/names/syscalls.ts'
import { requires } from '../../../helpers/requires.ts'

const newest = 469

/** In the headers for ever, and in no 64-bit kernel: scripts/generate-syscalls.js leaves them out. */
const neverImplemented =
  'afs_syscall create_module epoll_ctl_old epoll_wait_old get_kernel_syms get_thread_area getpmsg ' +
  'nfsservctl putpmsg query_module security set_thread_area tuxcall vserver'

/** Which installed header speaks for which architecture: x86_64 machines have the generic table too. */
const headers: readonly [Architecture, string][] = [
  ...(process.arch === 'x64' ? [['x86_64', 'asm/unistd_64.h'] as [Architecture, string]] : []),
  ['arm64', 'asm-generic/unistd.h'],
]

for (const [arch, header] of headers) {
  test(`${arch}: names and numbers are those of <${header}>`, (t) => {
    if (!requires(t, 'cc')) return
    const defined = numbersIn(header)
    assert.ok(defined.size > 300, `${defined.size} numbers found in ${header}`)
    const expected = [...defined].filter(
      ([name, number]) => number <= newest && !neverImplemented.split(' ').includes(name),
    )
    for (const [name, number] of expected) assert.equal(syscallNumber(name, arch), number, name)
    // And the other way: up to where this header ends, we have nothing that it has not.
    const last = Math.max(...defined.values())
    const ours = syscallNames(arch).filter((name) => syscallNumber(name, arch)! <= last)
    const strays = ours.filter((name) => !defined.has(name) && !/^u(ret)?probe$/.test(name))
    assert.deepEqual(strays, [])
  })
}

function numbersIn(header: string): Map<string, number> {
  const source = [
    // What arm64 defines before it includes the generic table, arch/arm64/include/uapi/asm/unistd.h.
    ...['RENAMEAT', 'NEW_STAT', 'SET_GET_RLIMIT', 'SYS_CLONE3', 'MEMFD_SECRET'].map(
      (option) => `#define __ARCH_WANT_${option}`,
    ),
    `#include <${header}>`,
    '',
  ]
  const macros = execFileSync('cc', ['-E', '-dM', '-'], { input: source.join('\n') }).toString()
  const values = new Map(
    Array.from(macros.matchAll(/^#define __NR(?:_(\w+)|(3264_\w+)) (\w+)$/gm), (match) => [
      match[1] ?? match[2]!,
      match[3]!,
    ]),
  )
  return new Map(
    [...values]
      .filter(([name]) => !/^(3264_|syscalls$|arch_specific_syscall$)/.test(name))
      .map(([name, value]) => [name, Number(values.get(value.replace('__NR', '')) ?? value)]),
  )
}

for (const arch of ['x86_64', 'arm64'] as const) {
  test(`${arch}: name and number lead to each other, sorted, no number twice`, () => {
    const numbers = syscallNames(arch).map((name) => syscallNumber(name, arch)!)
    assert.deepEqual(
      numbers.map((number) => syscallName(number, arch)),
      syscallNames(arch),
    )
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
    )
    // SYSCALLS_MAX of bpf/rule.h
    assert.ok(numbers.every((number) => Number.isInteger(number) && number < 512))
    assert.equal(numbers.at(-1), newest)
  })
}

test('what the other architecture alone has is told apart from what none has', () => {
  assert.equal(onlyOnOther('open', 'arm64'), 'x86_64')
  assert.equal(onlyOnOther('open', 'x86_64'), undefined)
  assert.equal(onlyOnOther('openat', 'arm64'), undefined)
  assert.equal(onlyOnOther('opnat', 'arm64'), undefined)
})

test('a name that is no call has no number, whatever JavaScript objects are made of', () => {
  for (const name of ['', 'toString', 'constructor', '__proto__', 'Openat', 'read ', '0'])
    assert.equal(syscallNumber(name, 'x86_64'), undefined, name)
  for (const number of [-1, 337, 470, 512, 1.5])
    assert.equal(syscallName(number, 'x86_64'), undefined, `${number}`)
})

/** strace is the oracle: its classes and our families of the same name have the same members. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Architecture } from '../../src/rules/architecture.ts'
import { families } from '../../src/rules/names/families.ts'
import { classes } from '../../src/rules/names/family-table.ts'
import { syscallNames, syscallNumber } from '../../src/rules/names/syscalls.ts'
import { requires } from '../helpers/requires.ts'

const arch: Architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64'
const fixture = fileURLToPath(new URL('../fixtures/every-syscall.c', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'minderbinder-families-'))
after(() => rmSync(folder, { recursive: true }))

/** Those that any strace of ours (6.1 and later) knows, and of newer ones those that this strace knows. */
const known = () =>
  syscallNames(arch).filter((name) => {
    if (name === 'uretprobe' || name === 'uprobe') return false
    return (
      syscallNumber(name, arch)! <= 450 ||
      spawnSync('strace', ['-e', `trace=${name}`, '-V']).status === 0
    )
  })

/** Makes every known call under strace, all of them failing, those of the class with another error. */
function membersByStrace(name: string, program: string): string[] {
  const output = join(folder, 'strace.txt')
  // when=1: the first call of each number fails, the fixture's exit at its end does not. A later inject=
  // takes the place of an earlier one. Only what is traced is injected into: nothing may be filtered out.
  const inject = ['all:error=ENOSYS:when=1', `%${name}:error=EXDEV:when=1`]
  const options = inject.flatMap((expression) => ['-e', `inject=${expression}`])
  execFileSync('strace', ['-qq', '-o', output, '-e', 'trace=all', ...options, program])
  const lines = readFileSync(output, 'utf8').split('\n')
  assert.ok(lines.filter((line) => line.includes('INJECTED')).length > 200, 'calls were injected')
  return lines.flatMap((line) => /^(\w+)\(.* = -1 EXDEV .*INJECTED/.exec(line)?.[1] ?? [])
}

test('families have the members of strace’s classes', (t) => {
  if (!requires(t, 'strace', 'cc')) return
  const program = join(folder, 'every-syscall')
  const calls = known()
  const numbers = calls.map((name) => syscallNumber(name, arch)).join()
  const flags = ['-O1', '-static', '-nostdlib', '-fno-stack-protector', `-DNUMBERS=${numbers}`]
  execFileSync('cc', ['-Wall', '-Wextra', '-Werror', ...flags, '-o', program, fixture])
  for (const { name } of classes) {
    const { members, leftOut } = families(arch).get(name)!
    const ours = [...members, ...leftOut].filter((call) => calls.includes(call))
    assert.deepEqual(ours.sort(), membersByStrace(name, program).sort(), `%${name}`)
  }
})

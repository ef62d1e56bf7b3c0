import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

const repository = join(import.meta.dirname, '../..')

/** Builds a C program of this folder against bpf/rule.h; it is removed when the test file is done. */
export function compileC(source: string, options: readonly string[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), 'minderbinder-test-'))
  after(() => rmSync(folder, { recursive: true }))
  const program = join(folder, 'program')
  const warnings = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-g', '-O1']
  const include = ['-I', join(repository, 'src/launcher'), '-I', join(repository, 'bpf')]
  execFileSync(
    'cc',
    [...warnings, ...options, ...include, '-o', program, join(import.meta.dirname, source)],
    { stdio: 'pipe' },
  )
  return program
}

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

const repository = join(import.meta.dirname, '../..')

const folders: string[] = []
// Here, and not where they are made: an `after` inside of a `before` ends with that, not with the file (Node 20).
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

/**
 * Builds a C program (its path in test/unit) against bpf/rule.h; it is removed when the test file is done. With
 * MINDERBINDER_TEST_MACHINE=aarch64 it is one of that machine, which qemu runs (test/package/arm64.test.ts).
 */
export function compileC(source: string, options: readonly string[] = []): string {
  const folder = mkdtempSync(join(tmpdir(), 'mb-test-'))
  folders.push(folder)
  const program = join(folder, 'program')
  const warnings = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-g', '-O1']
  const include = ['-I', join(repository, 'src/launcher/shared'), '-I', join(repository, 'bpf')]
  const rest = [...include, '-o', program, join(repository, 'test/unit', source)]
  const emulated = process.env.MINDERBINDER_TEST_MACHINE
  if (emulated === undefined) {
    execFileSync('cc', [...warnings, ...options, ...rest], { stdio: 'pipe' })
    return program
  }
  // qemu runs no sanitizer's shadow memory.
  const able = options.filter((option) => !option.startsWith('-fsanitize'))
  const compiler = `${emulated}-linux-gnu-gcc`
  execFileSync(compiler, ['-static', ...warnings, ...able, ...rest], { stdio: 'pipe' })
  const starts = join(folder, 'emulated')
  writeFileSync(starts, `#!/bin/sh\nexec qemu-${emulated}-static ${program} "$@"\n`, {
    mode: 0o755,
  })
  return starts
}

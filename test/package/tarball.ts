/** The npm package of this checkout as it stands, and installations of it. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../helpers/run.ts'

export const repository = join(import.meta.dirname, '../..')
export const machines = ['x86_64', 'aarch64'] as const

export const launcherOf = (machine: (typeof machines)[number]) =>
  join(repository, 'build', `launcher-${machine}`)

/** What launchers and the library for tests are made of. */
const sources = ['src/launcher', 'src/own-filter', 'bpf', 'scripts'].map((folder) =>
  join(repository, folder),
)

/** Cross-compiles the launchers where that has not been done since their sources changed. */
export function buildLaunchers(): void {
  const newest = Math.max(
    ...sources.flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.([ch]|map)$|build-(launcher|own-filter)/.test(name))
        .map((name) => statSync(join(folder, name)).mtimeMs),
    ),
  )
  const files = machines.flatMap((machine) => [
    launcherOf(machine),
    join(repository, 'build', `own-filter-${machine}.so`),
  ])
  const built = files.map((file) => statSync(file, { throwIfNoEntry: false }))
  if (built.every((file) => file !== undefined && file.mtimeMs > newest)) return
  execFileSync('sh', [join(repository, 'scripts/build-launchers.sh'), '--all'])
}

let packed: string | undefined

/** Packs what is built, once for each test file. tarball.test.ts has the builds that npm starts, too. */
export function tarball(): string {
  if (packed !== undefined) return packed
  buildLaunchers()
  const folder = join(repository, 'build/package')
  mkdirSync(folder, { recursive: true })
  const options = ['--silent', '--ignore-scripts', '--pack-destination', folder]
  const name = execFileSync('npm', ['pack', ...options], { cwd: repository, encoding: 'utf8' })
  packed = join(folder, name.trim())
  return packed
}

/** `npm install --global` with another prefix: the path of the command. No install script runs. */
export async function install(prefix: string, file = tarball()): Promise<string> {
  const options = [
    '--ignore-scripts',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--prefix',
    prefix,
  ]
  const done = await run(['npm', 'install', '--global', ...options, file], { timeout: 120_000 })
  if (done.status !== 0) throw new Error(`npm install failed:\n${done.stderr}`)
  return join(prefix, 'bin/minderbinder')
}

/** Where npm puts the package itself. */
export const packageFolder = (prefix: string) => join(prefix, 'lib/node_modules/minderbinder')

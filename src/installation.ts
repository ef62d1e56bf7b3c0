/** Where this minderbinder is installed. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MinderbinderError } from './errors.ts'
import { architecture } from './kernel/architecture.ts'

/** A file of the package: its root is beside `src` in the repository, and beside `dist` where it is bundled. */
export function packageFile(path: string): string {
  const here = typeof __dirname === 'string' ? __dirname : dirname(fileURLToPath(import.meta.url))
  return join(here, '..', path)
}

/**
 * The launcher. The package has one for each architecture.
 *
 * @throws {MinderbinderError} MB_LAUNCHER
 */
export function launcherPath(): string {
  const names = ['launcher', architecture === 'arm64' ? 'launcher-aarch64' : 'launcher-x86_64']
  const paths = names.map((name) => packageFile(`build/${name}`))
  const path = paths.find(existsSync)
  if (path !== undefined) return path
  throw new MinderbinderError('MB_LAUNCHER', `there is no ${paths.join(' or ')}`, {
    hint: 'the installation is incomplete: install it again',
  })
}

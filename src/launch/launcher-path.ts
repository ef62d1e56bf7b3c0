/** Where the launcher is. */
import { existsSync } from 'node:fs'
import { MinderbinderError } from '../errors.ts'
import { packageFile } from '../installation.ts'
import { architecture } from '../kernel/architecture.ts'

/**
 * The package has one for each architecture.
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

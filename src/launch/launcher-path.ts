/** Where what is made of C is. */
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
  return builtPath('launcher', '')
}

/** The shared library of src/own-filter. @throws {MinderbinderError} MB_LAUNCHER */
export function ownFilterPath(): string {
  return builtPath('own-filter', '.so')
}

function builtPath(name: string, ending: string): string {
  const names = [name, `${name}-${architecture === 'arm64' ? 'aarch64' : 'x86_64'}`]
  const paths = names.map((each) => packageFile(`build/${each}${ending}`))
  const path = paths.find(existsSync)
  if (path !== undefined) return path
  throw new MinderbinderError('MB_LAUNCHER', `there is no ${paths.join(' or ')}`, {
    hint: 'the installation is incomplete: install it again',
  })
}

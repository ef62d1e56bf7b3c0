/** Who runs minderbinder: where the tests run as root, everything that needs no root is tried without it too. */
import { has } from './requires.ts'
import type { RunOptions } from './run.ts'

export interface Identity {
  readonly title: string
  readonly options: Pick<RunOptions, 'user'>
}

export const unprivileged: Identity = has('root')
  ? { title: 'as nobody', options: { user: 'nobody' } }
  : { title: 'without root', options: {} }

export const identities: readonly Identity[] = has('root')
  ? [{ title: 'as root', options: {} }, unprivileged]
  : [unprivileged]

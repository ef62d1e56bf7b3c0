/** The ways in which faults get into this process. The first that there is, is taken. */
import { ownFilterRefusal, startOwnFilter } from './own-filter.ts'

/**
 * `'control'`: the socket of `minderbinder exec --control`, which runs the tests. `'own-filter'`: this process installs a
 * filter on itself when the first fault comes, for system calls only.
 */
export type Way = 'control' | 'own-filter'

export interface Availability {
  /** The one that is taken; undefined: there is none. */
  readonly way: Way | undefined
  /** Why the others are not. */
  readonly others: readonly { readonly way: Way; readonly why: string }[]
}

const variable = 'MINDERBINDER_CONTROL'

/** Which way faults get into this process, and why not the others. Installs nothing. */
export function available(): Availability {
  const path = process.env[variable]
  if (path) {
    const why = 'the control socket comes first: it can inject network faults, too'
    return { way: 'control', others: [{ way: 'own-filter', why }] }
  }
  const whyNot = `${variable} is not set: minderbinder does not run this`
  const others: Availability['others'] = [{ way: 'control', why: whyNot }]
  const refusal = ownFilterRefusal()
  if (!refusal) return { way: 'own-filter', others }
  return { way: undefined, others: [...others, { way: 'own-filter', why: refusal.message }] }
}

/** Why faults cannot be injected from here; undefined: they can be. */
export function unavailable(): string | undefined {
  const { way, others } = available()
  return way ? undefined : others.map(({ why }) => why).join('; ')
}

export interface WayIn {
  /** Of the control socket. */
  readonly path: string
  /** What has happened if it is there no more. */
  readonly whyLost: string
}

/** @throws {MinderbinderError} there is none */
export async function wayIn(reach: string | undefined): Promise<WayIn> {
  const given = process.env[variable]
  if (given)
    return {
      path: given,
      whyLost: 'minderbinder exec --control has ended, with the command that it ran, or was killed',
    }
  return {
    path: await startOwnFilter(reach ?? ''),
    whyLost:
      'the supervisor of this process was killed: its calls go on without faults, and there can be no other',
  }
}

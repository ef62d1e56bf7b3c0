/** The ways in which faults get into this process. The first that there is, is taken. */
import { ownFilterRefusal } from './own-filter.ts'
import { serveRefusal } from './own-serve.ts'

/**
 * `'control'`: the socket of `minderbinder exec --control`, which runs the tests, or of `minderbinder serve`. `'serve'`: as root,
 * a `minderbinder serve --stdio` that this process starts when the first fault comes. `'own-filter'`: this process installs a
 * filter on itself then, for system calls only; as root, for those that serve cannot fault.
 */
export type Way = 'control' | 'serve' | 'own-filter'

export interface Availability {
  /** The one that is taken first; undefined: there is none. */
  readonly way: Way | undefined
  /** Why the others are not. */
  readonly others: readonly { readonly way: Way; readonly why: string }[]
}

const variable = 'MINDERBINDER_CONTROL'

/** Path of the socket that the tests were given. */
export function givenSocket(): string | undefined {
  return process.env[variable] || undefined
}

/** Which way faults get into this process, and why not the others. Installs and starts nothing. */
export function available(): Availability {
  if (givenSocket() !== undefined) {
    const why =
      'the control socket comes first: whatever runs the tests has the faults of all of them'
    return {
      way: 'control',
      others: [
        { way: 'serve', why },
        { way: 'own-filter', why },
      ],
    }
  }
  const whyNot = `${variable} is not set: minderbinder does not run this`
  const serve = serveRefusal()
  const filter = ownFilterRefusal()
  if (!serve) {
    const why =
      filter?.message ?? 'minderbinder serve comes first, and leaves to it what it cannot fault'
    return {
      way: 'serve',
      others: [
        { way: 'control', why: whyNot },
        { way: 'own-filter', why },
      ],
    }
  }
  const others: Availability['others'] = [
    { way: 'control', why: whyNot },
    { way: 'serve', why: serve.message },
  ]
  if (!filter) return { way: 'own-filter', others }
  return { way: undefined, others: [...others, { way: 'own-filter', why: filter.message }] }
}

/** Why faults cannot be injected from here; undefined: they can be. */
export function unavailable(): string | undefined {
  const { way, others } = available()
  return way ? undefined : others.map(({ why }) => why).join('; ')
}

/** Waiting for a condition instead of for a time. */
import { setTimeout as pause } from 'node:timers/promises'
import { patience } from './patience.ts'

export interface Patience {
  /** What is waited for, for the message. */
  readonly what: string
  /** Milliseconds after which it is a failure. Generous: it is only spent where something is broken. */
  readonly bound?: number
}

type Falsy = false | 0 | '' | null | undefined

/**
 * Asks `condition` until it gives something truthy, which is returned.
 *
 * @throws {Error} where it did not within the bound, with the last thing it gave or threw
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { what, bound = 15_000 }: Patience,
): Promise<Exclude<T, Falsy>> {
  const end = Date.now() + bound * patience
  let wait = 2
  let last: unknown
  for (;;) {
    try {
      const result = await condition()
      if (result) return result as Exclude<T, Falsy>
      last = result
    } catch (error) {
      last = error
    }
    if (Date.now() > end)
      throw new Error(`not within ${bound * patience} ms: ${what} (last: ${String(last)})`)
    await pause(wait)
    wait = Math.min(wait * 2, 50)
  }
}

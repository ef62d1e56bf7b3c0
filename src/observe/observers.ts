/** Several observers as one. */
import type { Observer } from '../session/plan.ts'

export function together(observers: readonly Observer[]): Observer {
  return {
    wantsInjections: observers.some(({ wantsInjections }) => wantsInjections),
    async start(sample) {
      const ends: (() => Promise<void>)[] = []
      const end = async () => {
        for (const each of ends.splice(0)) await each()
      }
      try {
        // The last one first: what takes the terminal shall not do so for the sake of an error.
        for (const observer of [...observers].reverse()) ends.push(await observer.start(sample))
      } catch (error) {
        await end()
        throw error
      }
      return end
    },
  }
}

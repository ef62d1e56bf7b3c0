/** What looks on while a session goes on: a view, lines of text, a server. */
import type { Activity } from '../report/activity.ts'

/** What a session has to keep ready for those that look on. */
export interface Wanted {
  /** The last injections. */
  readonly wantsInjections: boolean
  /** What targets call: this costs each system call of the machine some time. */
  readonly wantsCalls: boolean
}

export interface Observer extends Wanted {
  /**
   * What it throws keeps the command from running. `sample` gives what is going on at that moment, until the returned
   * function has ended: it is called once, when the session is about to end.
   */
  start(sample: () => Promise<Activity>): Promise<() => Promise<void>>
}

/** Several observers as one. */
export function together(observers: readonly Observer[]): Observer {
  return {
    wantsInjections: observers.some(({ wantsInjections }) => wantsInjections),
    wantsCalls: observers.some(({ wantsCalls }) => wantsCalls),
    async start(sample) {
      const ends: (() => Promise<void>)[] = []
      const end = async () => {
        for (const each of ends.splice(0)) await each()
      }
      try {
        // The view comes first in the list and starts last: another observer's error then leaves the screen alone.
        for (const observer of [...observers].reverse()) ends.push(await observer.start(sample))
      } catch (error) {
        await end()
        throw error
      }
      return end
    },
  }
}

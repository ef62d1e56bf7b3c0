/** The supervisor's events: fixed-size records on a pipe, until it closes its end. */
import { EVENT_SIZE } from '../report/event.ts'
import { readDescriptor } from './descriptor.ts'
import { launcherFds } from './launcher.ts'

/** Hands each event to `onEvent`; resolves when the last one has been read. */
export function readEvents(onEvent: ((event: Buffer) => void) | undefined): Promise<void> {
  if (!onEvent) return Promise.resolve()
  let rest = Buffer.alloc(0)
  return new Promise((resolve) => {
    readDescriptor(
      launcherFds.events,
      (bytes) => {
        const all = Buffer.concat([rest, bytes])
        const whole = all.length - (all.length % EVENT_SIZE)
        for (let at = 0; at < whole; at += EVENT_SIZE) onEvent(all.subarray(at, at + EVENT_SIZE))
        rest = all.subarray(whole)
      },
      resolve,
    )
  })
}

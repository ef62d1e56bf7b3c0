/** The supervisor's events: fixed-size records on a pipe, until it closes its end. */
import { Socket } from 'node:net'
import { EVENT_SIZE } from '../report/event.ts'
import { launcherFds } from './launcher.ts'

/** Hands each event to `onEvent`; resolves when the last one has been read. */
export function readEvents(onEvent: ((event: Buffer) => void) | undefined): Promise<void> {
  if (!onEvent) return Promise.resolve()
  return new Promise((resolve) => {
    const pipe = new Socket({ fd: launcherFds.events, readable: true, writable: false })
    let rest: Buffer<ArrayBufferLike> = Buffer.alloc(0)
    pipe.on('data', (bytes) => {
      const all = rest.length ? Buffer.concat([rest, bytes]) : bytes
      let at = 0
      for (; at + EVENT_SIZE <= all.length; at += EVENT_SIZE)
        onEvent(all.subarray(at, at + EVENT_SIZE))
      rest = all.subarray(at)
    })
    pipe.on('close', () => resolve())
    pipe.on('error', () => {}) // 'close' follows
  })
}

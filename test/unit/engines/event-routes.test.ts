/** Events of several sets of rules from one buffer. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { EventRoutes } from '../../../src/engines/event-routes.ts'
import { EVENT_SIZE, eventOffsets } from '../../../src/report/event.ts'

function eventOf(slot: number): Buffer {
  const bytes = Buffer.alloc(EVENT_SIZE)
  bytes.writeUInt32LE(slot, eventOffsets.rule)
  return bytes
}

test('each set hears its own events, by their rules’ places in it, until it has ended', () => {
  const routes = new EventRoutes()
  const heard: [string, number][] = []
  const hear = (name: string) => (event: Buffer) =>
    heard.push([name, event.readUInt32LE(eventOffsets.rule)])
  const end = routes.add(0, 3, hear('first'))
  routes.add(3, 2, hear('second'))
  for (const slot of [0, 2, 3, 4, 5]) routes.dispatch(eventOf(slot))
  end()
  for (const slot of [1, 4]) routes.dispatch(eventOf(slot))
  assert.deepEqual(heard, [
    ['first', 0],
    ['first', 2],
    ['second', 0],
    ['second', 1],
    ['second', 1],
  ])
})

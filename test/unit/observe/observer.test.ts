/** Several observers as one: what they want together, in which order they start, and that each that started ends. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type Observer, together } from '../../../src/observe/observer.ts'

/** What was started and ended, in order. */
type Journal = string[]

function observer(
  name: string,
  journal: Journal,
  { wants = {}, broken = false }: { wants?: Partial<Observer>; broken?: boolean } = {},
): Observer {
  return {
    wantsInjections: false,
    wantsCalls: false,
    ...wants,
    async start() {
      if (broken) throw new Error(`${name} is broken`)
      journal.push(name)
      return async () => {
        journal.push(`${name} ended`)
      }
    },
  }
}

const sample = () => Promise.reject(new Error('not asked'))

test('together they want what any of them wants, and nothing that none wants', () => {
  const calls = observer('lines', [], { wants: { wantsCalls: true } })
  const { wantsCalls, wantsInjections } = together([observer('metrics', []), calls])
  assert.deepEqual([wantsCalls, wantsInjections], [true, false])
  assert.equal(together([]).wantsCalls, false)
})

test('the first, which may take the screen, starts last; all of them end, once', async () => {
  const journal: Journal = []
  const end = await together([observer('view', journal), observer('metrics', journal)]).start(
    sample,
  )
  await end()
  await end()
  assert.deepEqual(journal, ['metrics', 'view', 'metrics ended', 'view ended'])
})

test('if one cannot start, those that did end, and the view never took the screen', async () => {
  const journal: Journal = []
  const all = [
    observer('view', journal),
    observer('server', journal, { broken: true }),
    observer('metrics', journal),
  ]
  await assert.rejects(together(all).start(sample), /server is broken/)
  assert.deepEqual(journal, ['metrics', 'metrics ended'])
})

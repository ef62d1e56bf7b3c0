/** What is written to the terminal when rows change. */
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type tty from 'node:tty'
import { AlternateScreen } from '../../../src/view/alternate-screen.ts'

function openScreen(t: TestContext): { screen: AlternateScreen; written: () => string } {
  let text = ''
  const output = { on() {}, write: (more: string) => (text += more) }
  const screen = new AlternateScreen(output as unknown as tty.WriteStream, undefined)
  t.after(() => screen.close())
  screen.take()
  return {
    screen,
    written() {
      const all = text
      text = ''
      return all
    },
  }
}

test('only rows that have changed are written, and all of them after forget()', (t) => {
  const { screen, written } = openScreen(t)
  written()
  screen.draw(['one', 'two', 'three'])
  assert.match(written(), /one.*two.*three/)
  screen.draw(['one', 'TWO', 'three'])
  const second = written()
  assert.match(second, /TWO/)
  assert.doesNotMatch(second, /one|three/)
  screen.draw(['one', 'TWO', 'three'])
  assert.equal(written(), '')
  screen.forget()
  screen.draw(['one', 'TWO', 'three'])
  assert.match(written(), /one.*TWO.*three/)
})

test('taken anew, the screen is empty, and every row is written', (t) => {
  const { screen, written } = openScreen(t)
  screen.draw(['one', 'two'])
  screen.leave()
  screen.draw(['one', 'three'])
  assert.doesNotMatch(written(), /three/)
  screen.take()
  screen.draw(['one', 'two'])
  assert.match(written(), /one.*two/)
})

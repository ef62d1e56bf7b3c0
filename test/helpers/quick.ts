/** That a text is read quickly, whatever is in it. */
import assert from 'node:assert/strict'

/**
 * Of the CPU, for a text of at most 1 KiB, which takes some milliseconds. A busy machine makes that ten times as much;
 * what is exponential in such texts takes for ever.
 */
const limitUs = 1_000_000

/**
 * Does it, and again if it was slow: the least of three tries counts, since garbage is collected and code is
 * compiled at a test's expense.
 */
export function quickly(text: string, act: () => void): void {
  let least = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < 3 && least > limitUs; tries++) {
    const start = process.cpuUsage()
    act()
    const { user, system } = process.cpuUsage(start)
    least = Math.min(least, user + system)
  }
  assert.ok(least <= limitUs, `${least / 1000} ms: ${JSON.stringify(text)}`)
}

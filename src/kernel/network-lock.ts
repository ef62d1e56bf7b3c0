/** One minderbinder at a time changes the qdiscs of a network namespace. */
import { closeSync, openSync } from 'node:fs'
import { MinderbinderError } from '../errors.ts'
import { loadLibc } from './libc.ts'
import { sleep } from './sleep.ts'

const LOCK_EX = 2
const LOCK_NB = 4
const PATIENCE_MS = 10_000
const RETRY_MS = 5

let last: Promise<unknown> = Promise.resolve()

/**
 * Runs `body` under flock(2) on the namespace itself: no file is left, and the lock goes with its owner.
 *
 * @throws {MinderbinderError} MB_ATTACH where another process (stopped, perhaps) does not let go
 */
export function withNetworkLock<Result>(body: () => Promise<Result>): Promise<Result> {
  // Within this process: a queue, which needs no retrying.
  const result = last.then(() => locked(body))
  last = result.catch(() => {})
  return result
}

async function locked<Result>(body: () => Promise<Result>): Promise<Result> {
  const { flock } = await loadLibc()
  const fd = openSync('/proc/self/ns/net', 'r')
  try {
    const deadline = Date.now() + PATIENCE_MS
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
      if (Date.now() > deadline)
        throw new MinderbinderError(
          'MB_ATTACH',
          `another minderbinder has been changing tc filters for ${PATIENCE_MS / 1000} s`,
          { hint: 'a stopped one holds the lock: continue or end it' },
        )
      await sleep(RETRY_MS)
    }
    return await body()
  } finally {
    closeSync(fd)
  }
}

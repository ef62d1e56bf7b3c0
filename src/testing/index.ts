/** `minderbinder/testing`: faults in the code under test, for the length of one block. docs/testing.md shows it. */
// biome-ignore-all lint/performance/noBarrelFile: a package's entry, with what it exports
import type { Fault } from '../library/faults.ts'
import { counted } from '../rules/words/numbers.ts'
import { type FailureOptions, type FailureReport, Failures } from './failures.ts'

export { type ErrorCode, MinderbinderError } from '../errors.ts'
export type { Fault } from '../library/faults.ts'
export type { FailureCounts, FailureOptions, FailureReport } from './failures.ts'
export { type Availability, available, unavailable, type Way } from './ways.ts'
export type { Failures }

/** What became of a block. */
export interface BlockResult<Value> extends FailureReport {
  /** What the block has returned. */
  readonly value: Value
}

/**
 * Runs `block` with these faults in force, in this process and all that descend from it, and lifts them at its end, however
 * that comes about. Needs no `minderbinder exec --control` in front of the tests, if it is about system calls: available() has
 * the details.
 *
 * @param faults one or several, each as `minderbinder exec --syscall` takes it (`'openat=ENOSPC,path=*.db'`), or an object
 *   as in a configuration file
 * @throws what `block` throws; then the seed and what the faults did go to standard error
 * @throws {MinderbinderError} MB_NEVER_FIRED: a fault never fired; others: it cannot be injected, and `block` did not run
 */
export async function withFailures<Value>(
  faults: Fault | readonly Fault[],
  block: (failures: Failures) => Value | PromiseLike<Value>,
  options: FailureOptions = {},
): Promise<BlockResult<Value>> {
  const inForce = await Failures.inject(faults, options)
  let value: Value
  try {
    value = await block(inForce)
  } catch (error) {
    await inForce.lift().then(tell, () => {}) // what the block has thrown is what the test must hear of
    throw error
  }
  return { value, ...(await inForce.end()) }
}

/**
 * The same for a block that the caller ends: `await using faults = await failures('openat=EMFILE')`, or `end()`, or `lift()`.
 *
 * @throws {MinderbinderError}
 */
export function failures(
  faults: Fault | readonly Fault[],
  options: FailureOptions = {},
): Promise<Failures> {
  return Failures.inject(faults, options)
}

function tell({ seed, faults }: FailureReport): void {
  const each = faults.map(({ label, fired }) => `${label} fired ${counted(fired, 'time')}`)
  process.stderr.write(`minderbinder: the block failed under: ${each.join(', ')}; seed ${seed}\n`)
}

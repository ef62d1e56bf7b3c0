/** What came of each case, for people and for scripts/CI: MINDERBINDER_TEST_RESULTS names the file. */
import { writeFileSync } from 'node:fs'
import { release } from 'node:os'

export interface Result {
  /** The subject: an engine, and what it was run without. */
  readonly engine: string
  /** As uname -r says. */
  readonly kernel: string
  readonly case: string
  readonly result: 'ran' | 'failed' | 'skipped'
  /** Why it failed or was skipped. */
  readonly why?: string
}

const results: Result[] = []

export function record(result: Omit<Result, 'kernel'>): void {
  results.push({ kernel: release(), ...result })
}

export function writeResults(): void {
  const file = process.env.MINDERBINDER_TEST_RESULTS
  if (file) writeFileSync(file, `${JSON.stringify(results, undefined, 1)}\n`)
}

export function recorded(): readonly Result[] {
  return results
}

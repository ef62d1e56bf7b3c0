/**
 * Prints the matrix engine x kernel out of the files that conformance runs wrote:
 *
 *     node --import tsx test/conformance/print-matrix.ts [--every-engine] RESULTS.json...
 *
 * Exit status 1: something failed; or, with --every-engine (CI), an engine ran on no kernel at all.
 */
import { readFileSync } from 'node:fs'
import { engineless, matrix } from './matrix.ts'
import type { Result } from './results.ts'

function main(args: readonly string[]): number {
  const files = args.filter((arg) => !arg.startsWith('-'))
  const results = files.flatMap((file) => JSON.parse(readFileSync(file, 'utf8')) as Result[])
  process.stdout.write(matrix(results))
  const missing = args.includes('--every-engine') ? engineless(results) : []
  for (const name of missing) process.stdout.write(`FAILED ${name} ran on no kernel\n`)
  return missing.length > 0 || results.some(({ result }) => result === 'failed') ? 1 : 0
}

process.exitCode = main(process.argv.slice(2))

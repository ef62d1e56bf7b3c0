// Runs test tiers: node test/run.js unit cli system. Node 20's --test knows no globs, hence this file.
// Ends with `N passed, N failed, N skipped` over all of them, and non-zero where anything failed.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { runReachably } from './reachable.js'

const tiers = process.argv.slice(2)
const here = new URL('.', import.meta.url).pathname
// system tests watch the whole machine's state before and after: one file at a time there.
const concurrency = { unit: 2, cli: 2, system: 1, conformance: 1, package: 1, kernel: 1 }
const totals = { passed: 0, failed: 0, skipped: 0 }
const skips = []
const failures = []

if (tiers.some((tier) => !(tier in concurrency))) {
  process.stderr.write('usage: node test/run.js unit|cli|system|conformance|package|kernel ...\n')
  process.exit(2)
}
const elsewhere = runReachably(join(here, '..'), [
  process.execPath,
  ...['--import', 'tsx', 'test/run.js'],
  ...tiers,
])
if (elsewhere !== undefined) process.exit(elsewhere)
for (const tier of tiers) {
  const folder = join(here, tier)
  const files = existsSync(folder)
    ? readdirSync(folder, { recursive: true })
        .filter((file) => file.endsWith('.test.ts'))
        .map((file) => join(folder, file))
        .sort()
    : []
  if (files.length === 0) continue
  process.stdout.write(`\n== ${tier}: ${files.length} files\n`)
  await runTier(tier, files)
}
for (const skip of skips) process.stdout.write(`SKIPPED ${skip}\n`)
for (const failure of failures) process.stdout.write(`FAILED ${failure}\n`)
process.stdout.write(
  `\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`,
)
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0

/** In one line: of a run that is over, only its last lines may be left to read. */
function reasonOf(test) {
  const error = test.details?.error
  return String(error?.cause?.message ?? error?.cause ?? error?.message ?? '')
    .replace(/\s+/g, ' ')
    .slice(0, 1000)
}

function runTier(tier, files) {
  return new Promise((resolve, reject) => {
    const stream = run({
      files,
      concurrency: concurrency[tier],
      // Virtual machines have limits of their own (test/kernel).
      timeout: tier === 'kernel' ? 7_200_000 : 600_000,
    })
    const count = (kind) => (test) => {
      if (test.details?.type === 'suite') return
      // With files run apart, node reports each file as a test of its own: count what is inside.
      if (test.nesting === 0 && files.includes(test.name) && kind === 'passed') return
      if (test.skip !== undefined) {
        totals.skipped++
        skips.push(`${test.name}: ${test.skip}`)
      } else {
        totals[kind]++
        if (kind === 'failed') failures.push(`${test.file ?? ''} ${test.name}: ${reasonOf(test)}`)
      }
    }
    stream.on('test:pass', count('passed'))
    stream.on('test:fail', count('failed'))
    const report = stream.compose(spec)
    report.pipe(process.stdout, { end: false })
    report.on('end', resolve)
    report.on('error', reject)
  })
}

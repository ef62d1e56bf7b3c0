// Runs test files inside a virtual machine, one at a time, and prints each result as a line of JSON for
// test/helpers/guest-tests.ts. Arguments: the files.
import { basename } from 'node:path'
import { run } from 'node:test'

const files = process.argv.slice(2)
const stream = run({ files, concurrency: 1, timeout: 3_600_000 })
const report = (outcome) => (event) => {
  const { name, nesting, file, skip, details } = event
  // Each file is a test of its own, which counts only where it fails as a whole: tests in it report themselves.
  if (nesting === 0 && files.includes(name) && outcome === 'passed') return
  if (details?.type === 'suite') return
  const cause = details?.error?.cause ?? details?.error
  const why = outcome === 'failed' ? String(cause?.stack ?? cause?.message ?? cause) : skip
  process.stdout.write(
    `${JSON.stringify({
      file: basename(files.includes(name) ? name : (file ?? ''), '.js'),
      name: files.includes(name) ? 'the file as a whole' : name,
      outcome: skip === undefined ? outcome : 'skipped',
      why: why === true ? 'no reason given' : why,
      ms: Math.round(details?.duration_ms ?? 0),
    })}\n`,
  )
}
stream.on('test:pass', report('passed'))
stream.on('test:fail', report('failed'))
stream.on('test:stderr', ({ message }) => process.stderr.write(message))

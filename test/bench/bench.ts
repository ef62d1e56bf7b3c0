/**
 * npm run bench [-- [--json] [NAME...]]: measures what issues promise, each side by side with what it is compared
 * with, and prints one table. No test: times depend on the machine, ratios less so, and the exit status is 0.
 */
import { availableParallelism, loadavg } from 'node:os'
import { descriptorCalls, namedCalls, unnamedCalls } from './calls.ts'
import { inKernelCalls } from './in-kernel.ts'
import { inKernelScale } from './in-kernel-scale.ts'
import { libraryRuns } from './library.ts'
import { machine } from './machine.ts'
import { manyRuns } from './many-runs.ts'
import type { Measure } from './measure.ts'
import { memory } from './memory.ts'
import { network } from './network.ts'
import { programStarts } from './program-starts.ts'
import { reload } from './reload.ts'
import { startUp } from './start-up.ts'
import { table } from './table.ts'

const benchmarks: Readonly<Record<string, () => Promise<Measure[]>>> = {
  calls: () => namedCalls(1),
  threads: () => namedCalls(4),
  unnamed: unnamedCalls,
  descriptors: descriptorCalls,
  'in-kernel': inKernelCalls,
  'in-kernel-scale': inKernelScale,
  'start-up': startUp,
  'many-runs': manyRuns,
  library: libraryRuns,
  network,
  memory,
  run: machine,
  reload,
  'program-starts': programStarts,
}

const args = process.argv.slice(2)
const wanted = args.filter((arg) => arg !== '--json')
const unknown = wanted.find((name) => !Object.hasOwn(benchmarks, name))
if (unknown !== undefined) {
  process.stderr.write(`bench: no ${unknown}; there are ${Object.keys(benchmarks).join(', ')}\n`)
  process.exit(2)
}
const measures: Measure[] = []
warnOfLoad()
for (const [name, benchmark] of Object.entries(benchmarks)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  process.stderr.write(`${name} …\n`)
  measures.push(...(await benchmark().catch((error) => failed(name, error))))
}
process.stdout.write(
  args.includes('--json') ? `${JSON.stringify(measures, null, 2)}\n` : table(measures),
)

/** Medians of interleaved runs bear some other work, but not more of it than there are processors. */
function warnOfLoad(): void {
  const load = loadavg()[0]!
  if (load > availableParallelism() / 2)
    process.stderr.write(`bench: load average ${load}: others are busy here, mistrust the ratios\n`)
}

/** The others are measured all the same. */
function failed(name: string, error: unknown): Measure[] {
  const skipped = error instanceof Error ? error.message.split('\n')[0]! : String(error)
  return [{ name, ours: '', comparedWith: '', skipped }]
}

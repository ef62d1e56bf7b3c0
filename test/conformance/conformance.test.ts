/**
 * The table, for every engine that works here: test/conformance/table.ts. For all engines alike, equal faults and
 * equal calls give equal hits. Environment:
 *   MINDERBINDER_TEST_ENGINES=seccomp,tc   only these, and they must work
 *   MINDERBINDER_TEST_QUICK=1              the few cases that say most, for slow machines
 *   MINDERBINDER_TEST_RESULTS=FILE         gets what came of each case, for matrix.ts
 */
import { spawnSync } from 'node:child_process'
import test, { after } from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { has, requires } from '../helpers/requires.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import type { Case } from './case.ts'
import { matrix } from './matrix.ts'
import { record, recorded, writeResults } from './results.ts'
import { runCase, runRefused } from './run-case.ts'
import { lacking, type Subject, subjects } from './subjects.ts'
import { table } from './table.ts'

const wanted = process.env.MINDERBINDER_TEST_ENGINES?.split(',')
const quick = Boolean(process.env.MINDERBINDER_TEST_QUICK)
/** Of the kernels where everything is slow (6.1, 6.12, 7.2), which is this? */
const oldest = !has('linux:6.6')
const newest = has('linux:7.0')
const before = systemState()

/** What decide() and the table of targets decide, the same code whichever way the calls come in. */
const decided = new Set(['when', 'times', 'several rules', 'scope', 'targets', 'inheritance'])

/** What an engine does in the same way however it was chosen or started. */
const compared = new Set(['rates', 'path', 'fd', 'after'])

/** Where rules are shared out between engines, and where an engine says that it cannot have them. */
const chosen = new Set(['outcomes', 'families'])

/** Engines that no kernel of everyday has, or that are part of another: these alone may be missing here. */
const mayLack = new Set(['override', 'hook', 'auto'])

const chosenSubjects = subjects.filter(({ engine }) => wanted?.includes(engine) ?? true)
/** All are tried before the first test begins: a trial attaches to a call that tests count on having to themselves. */
const lacks = new Map<Subject, string | undefined>()
for (const subject of chosenSubjects)
  if (leftToOthers(subject) === undefined) lacks.set(subject, await lacking(subject))

for (const subject of chosenSubjects) {
  const left = leftToOthers(subject)
  const why = lacks.get(subject)
  if (left !== undefined)
    record({ engine: subject.name, case: 'works here', result: 'skipped', why: left })
  else if (why === undefined) holdToTable(subject)
  else missing(subject, why)
}

after(() => {
  writeResults()
  process.stdout.write(`\n${matrix(recorded())}`)
})

function missing(subject: Subject, why: string): void {
  const must = wanted && !subject.without
  test(`${subject.name} works here`, (t) => {
    const result = must ? 'failed' : 'skipped'
    record({ engine: subject.name, case: 'works here', result, why })
    if (must) throw new Error(`${subject.name} was asked for and does not work here: ${why}`)
    if (!mayLack.has(subject.engine) && process.env.MINDERBINDER_TEST_REQUIRE === 'all')
      throw new Error(`${why} (MINDERBINDER_TEST_REQUIRE=all allows no skip)`)
    process.stderr.write(`SKIPPED: ${subject.name}: ${why}\n`)
    t.skip(why)
  })
}

function holdToTable(subject: Subject): void {
  for (const each of table) {
    const row = subject.as?.(each) ?? each
    if (!isDue(subject, row)) continue
    const refusal = subject.refuses(each)
    const name = `${row.group}: ${row.title}`
    // Not claimed: no test, but a line in the results.
    if (refusal && !refusal.says) {
      record({ engine: subject.name, case: name, result: 'skipped', why: refusal.why })
      continue
    }
    test(`${subject.name}${refusal ? ' refuses' : ''}: ${name}`, async (t) => {
      if (!requires(t, 'cc', ...(row.needs ?? []))) {
        const why = `needs ${row.needs?.join(', ')}`
        record({ engine: subject.name, case: name, result: 'skipped', why })
        return
      }
      const foreign = row.kind === 'syscall' ? row.foreign : undefined
      if (foreign && !isRun(fixture(foreign.fixture, foreign))) {
        const why = 'this kernel runs no 32-bit programs'
        record({ engine: subject.name, case: name, result: 'skipped', why })
        process.stderr.write(`SKIPPED: ${subject.name}: ${name}: ${why}\n`)
        // Allowed even where no skip is: what is skipped cannot go wrong on such a kernel.
        t.skip(why)
        return
      }
      const body = () => (refusal ? runRefused : runCase)(t, subject, row)
      await recording(subject, row, body, refusal?.why)
    })
  }
  test(`${subject.name}: the machine is as it was before`, () => nothingLeft(before))
}

/** Where everything is slow, what newer kernels do as older ones is tried on the older ones, or on the host. */
function leftToOthers({ engine, user, without }: Subject): string | undefined {
  if (!quick) return undefined
  if (user !== undefined) return 'tried on the host'
  if (without === 'tcx' || without === 'cgroup.kill')
    return 'tried on the host; before Linux 6.6 tc itself does without tcx'
  // SYNC_WAKE_UP, the last that a listener was given, came with 6.6.
  if (engine === 'seccomp' && !oldest) return 'tried before Linux 6.6, and on the host'
  if (engine === 'ptrace' && !oldest) return 'tried on the oldest kernel, and on the host'
  // The oldest has all ways on x86_64, as the second has, and more to do; the newest has no kprobes to be without.
  if (engine === 'auto' && oldest) return 'tried on newer kernels'
  if ((without === 'fmod_ret' || without === 'kprobe') && (oldest || newest))
    return 'tried on Linux 6.12'
  return undefined
}

/** Another way to an engine is held to less than the engine itself, and all to less where everything is slow. */
function isDue(subject: Subject, row: Case): boolean {
  if (!row.quick) return !quick && !subject.without
  if (!quick) return true
  const { engine, without } = subject
  // The plan of both, and override by fewer ways: what they share out, and what they refuse.
  if (engine === 'auto' || without === 'kprobe') return chosen.has(row.group)
  // The supervisor is a program like any other: it decides there as on the host.
  if (engine === 'seccomp' || engine === 'ptrace')
    return !decided.has(row.group) && !compared.has(row.group)
  // As override's decisions, of which that is the other way in.
  if (engine === 'hook') return !decided.has(row.group)
  // decide() in BPF is the same program everywhere: tried where the verifier and the JIT are the newest.
  const elsewhere = engine === 'override' && !newest && process.arch === 'x64'
  if (without === 'fmod_ret' || elsewhere) return !decided.has(row.group)
  return true
}

/** The C library gives what the kernel does not run to sh, which fails. */
function isRun(program: string): boolean {
  return spawnSync(program).status === 0
}

async function recording(
  subject: Subject,
  row: Case,
  body: () => Promise<void>,
  skipped: string | undefined,
): Promise<void> {
  const about = { engine: subject.name, case: `${row.group}: ${row.title}` }
  try {
    await body()
    record(skipped ? { ...about, result: 'skipped', why: skipped } : { ...about, result: 'ran' })
  } catch (error) {
    const why = (error as Error).message.replaceAll(/\s+/g, ' ').slice(0, 500)
    record({ ...about, result: 'failed', why })
    throw error
  }
}

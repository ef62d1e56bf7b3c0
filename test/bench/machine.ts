/** What `run` costs while it watches the machine: starts of programs, packets and calls, of targets and of others. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fixture } from '../helpers/fixture.ts'
import { has } from '../helpers/requires.ts'
import { minderbinder, start } from '../helpers/run.ts'
import { until } from '../helpers/until.ts'
import { atMost, interleave, type Measure, spread } from './measure.ts'
import { numberFrom } from './program.ts'

const REPETITIONS = 11
/** Each sample is of so many runs one after the other: the lower quartile, which other work on the machine spares. */
const PARTS = 10
/** Of all parts together. */
const STARTS = 1000
const SENDS = 500_000
const CALLS = 50_000
const CROWD = 1000
const PATIENCE_MS = 300_000

/** Names of targets, one a rule. */
type Names = readonly string[]

const strangers = (count: number, more = ''): Names =>
  Array.from({ length: count }, (_, i) => `mb-nobody-${i}${more}`)

/** A rule for each name that never fires: for packets to a port that gets none. */
function network(names: Names): string {
  const rules = names.map(
    (name, i) =>
      `    - {name: r${i}, port: ${i + 1}, targets: [{process_name: '${name}'}, {process_name: mb-crowd}]}\n`,
  )
  return `  outgoing_network:\n${rules.join('')}`
}

/** The same for a system call. */
function calls(names: Names): string {
  const rules = names.map(
    (name, i) =>
      `    - {name: c${i}, syscall: openat, ret_code: EIO, failure_rate: 0, targets: [{process_name: '${name}'}, {process_name: mb-crowd}]}\n`,
  )
  return `  syscall:\n${rules.join('')}`
}

interface Around {
  /** Sections of the file. */
  readonly rules: string
  /** Targets that are there, beside what is measured. */
  readonly crowd?: number
}

class Machine {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mb-bench-'))

  /** The path of a program under that name. */
  called(name: string, program: string): string {
    const path = join(this.#folder, name)
    copyFileSync(program, path)
    return path
  }

  /** What the command prints while run watches. */
  async watched(command: readonly string[], { rules, crowd = 0 }: Around): Promise<number> {
    const file = join(this.#folder, 'config.yaml')
    writeFileSync(file, `agents_of_chaos:\n${rules}`)
    const others = crowd > 0 ? start([join(this.#folder, 'mb-crowd'), `${crowd}`]) : undefined
    if (others) await saying(others.stdout, 'ready')
    const run = start([minderbinder, 'run', '--no-graph', file], { timeout: PATIENCE_MS })
    try {
      // Its first look at the targets is over.
      await saying(run.stdout, crowd > 0 ? 'targets:' : 'start:')
      return steady(command)
    } finally {
      run.child.kill('SIGINT')
      await run.result
      others?.child.stdin?.end()
      await others?.result
    }
  }

  close(): void {
    rmSync(this.#folder, { recursive: true })
  }
}

function steady(command: readonly string[]): number {
  return spread(Array.from({ length: PARTS }), () => numberFrom(command)).lowerQuartile
}

function saying(stdout: () => string, word: string): Promise<unknown> {
  return until(() => stdout().includes(word), { what: word, bound: PATIENCE_MS })
}

export async function machine(): Promise<Measure[]> {
  const name = 'run watches'
  if (!has('root')) return [{ name, ours: '', comparedWith: '', skipped: 'not root' }]
  const machine = new Machine()
  try {
    machine.called('mb-crowd', fixture('crowd'))
    return [
      ...(await starts(machine)),
      ...(await sends(machine)),
      ...(has('linux:override') ? await openings(machine) : []),
    ]
  } finally {
    machine.close()
  }
}

/** Programs that no rule names. */
async function starts(machine: Machine): Promise<Measure[]> {
  const loop = [fixture('time-exec'), `${STARTS / PARTS}`, '/bin/true']
  const override = has('linux:override')
  const samples = await interleave(REPETITIONS, {
    bare: () => steady(loop),
    one: () => machine.watched(loop, { rules: network(strangers(1)) }),
    many: () => machine.watched(loop, { rules: network(strangers(64)) }),
    globs: () => machine.watched(loop, { rules: network(strangers(64, '*')) }),
    both: () =>
      override
        ? machine.watched(loop, { rules: calls(strangers(1)) + network(strangers(1)) })
        : Number.NaN,
  })
  const row = compare(samples, 'µs')
  const what = `start of /bin/true, ${STARTS} times`
  return [
    row(`run watches: ${what}`, 'one', 'bare', 'bare', 1.05),
    row(`${what}, 64 rules by other names`, 'many', 'one', '1 rule', 1.05),
    row(`${what}, 64 rules by globs`, 'globs', 'one', '1 rule', 1.05),
    ...(override
      ? [row(`${what}, a rule for calls and one for packets`, 'both', 'bare', 'bare', 1.05)]
      : []),
  ]
}

/** A target is under all rules, and so is each of the crowd. */
async function sends(machine: Machine): Promise<Measure[]> {
  return among('datagram', {
    machine,
    loop: (program) => [machine.called(program, fixture('time-sends')), `${SENDS / PARTS}`],
    rules: network,
  })
}

async function openings(machine: Machine): Promise<Measure[]> {
  return among('openat + close', {
    machine,
    loop: (program) => [
      machine.called(program, fixture('time-calls')),
      'open',
      `${CALLS / PARTS}`,
      '1',
    ],
    rules: calls,
  })
}

interface Case {
  readonly machine: Machine
  readonly loop: (program: string) => string[]
  readonly rules: (names: Names) => string
}

async function among(what: string, { machine, loop, rules }: Case): Promise<Measure[]> {
  const [target, stranger] = [loop('mb-target'), loop('mb-stranger')]
  const few = { rules: rules(['mb-target']) }
  const crowded = { ...few, crowd: CROWD }
  const many = { rules: rules(Array(16).fill('mb-target')), crowd: CROWD }
  const samples = await interleave(REPETITIONS, {
    bare: () => steady(stranger),
    strangerOfFew: () => machine.watched(stranger, few),
    strangerOfMany: () => machine.watched(stranger, many),
    targetOfFew: () => machine.watched(target, few),
    targetOfCrowd: () => machine.watched(target, crowded),
    targetOfMany: () => machine.watched(target, many),
  })
  const row = compare(samples, 'ns')
  const others = `${CROWD} targets × 16 rules`
  return [
    row(`run watches: ${what} of no target`, 'strangerOfFew', 'bare', 'bare'),
    row(`the same, ${others}`, 'strangerOfMany', 'strangerOfFew', '1 × 1', 1.05),
    row(`run watches: ${what} of a target`, 'targetOfFew', 'bare', 'bare'),
    row(`the same, ${CROWD} targets × 1 rule`, 'targetOfCrowd', 'targetOfFew', '1 × 1', 1.05),
    row(`the same, ${others}`, 'targetOfMany', 'targetOfFew', '1 × 1'),
  ]
}

function compare<Name extends string>(
  samples: readonly Readonly<Record<Name, number>>[],
  unit: string,
) {
  const median = (name: Name) =>
    `${spread(samples, (each) => each[name]).median.toFixed(0)} ${unit}`
  return (name: string, ours: Name, base: Name, against: string, limit?: number): Measure => {
    const ratio = spread(samples, (each) => each[ours] / each[base])
    return {
      ...{ name, ours: median(ours), comparedWith: `${against}: ${median(base)}`, ratio },
      ...(limit !== undefined && { target: atMost(limit, ratio) }),
    }
  }
}

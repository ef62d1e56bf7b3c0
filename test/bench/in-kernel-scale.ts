/** Whether what a named call costs under override and hook depends on how many targets and rules there are. */
import { fixture } from '../helpers/fixture.ts'
import { lacking } from './in-kernel.ts'
import { atMost, interleave, type Measure, spread } from './measure.ts'
import { exec, numberFrom } from './program.ts'

const REPETITIONS = 3
/** No rule of 64 may cost a named call more than this share of it, and no crowd of targets. */
const LIMIT = 1.05

const rule = (call: string) => ['--syscall', `${call}=ENOENT@0%`]
const times = (count: number, call: string) => Array(count).fill(rule(call)).flat()

interface Manner {
  readonly engine: 'override' | 'hook'
  readonly call: string
  /** For test/fixtures/time-calls.c: the call, and how often. */
  readonly loop: readonly [string, number]
  /** Rules beside the one for the call: 63, for the 15 other calls that programs can watch. */
  readonly others: readonly string[]
}

const manners: readonly Manner[] = [
  {
    engine: 'override',
    // It takes no memory: 6.1 may have the allocator SLOB, which looks through all that it has given to so many
    // processes.
    call: 'getppid',
    loop: ['getppid', 200_000],
    others: beside([
      ...['fsync', 'fdatasync', 'fchdir', 'ftruncate', 'dup', 'fstatfs', 'listen', 'shutdown'],
      ...['getsockname', 'getpeername', 'lseek', 'getdents64', 'fchmod', 'fchown', 'bind'],
    ]),
  },
  {
    engine: 'hook',
    call: 'openat',
    loop: ['open', 20_000],
    others: beside([
      ...['mkdir', 'rename', 'chmod', 'ftruncate', 'fchdir', 'fstatfs', 'listen', 'shutdown'],
      ...['getsockname', 'getpeername', 'getdents64', 'fchmod', 'fchown', 'bind', 'flock'],
    ]),
  },
]

function beside(calls: readonly string[]): readonly string[] {
  return calls.flatMap((call, at) => times(at < 3 ? 5 : 4, call))
}

/** By each engine that fails calls in the kernel, where it works. */
export async function inKernelScale(): Promise<Measure[]> {
  const measures: Measure[] = []
  for (const manner of manners) measures.push(...(await measure(manner)))
  return measures
}

async function measure(manner: Manner): Promise<Measure[]> {
  const { engine, call, others } = manner
  const why = await lacking(manner)
  if (why !== undefined) return [{ name: engine, ours: '', comparedWith: '', skipped: why }]
  const one = rule(call)
  const many = [...one, ...others]
  const under = (faults: readonly string[], targets: number) => () => {
    const ns = numberFrom(exec(['--engine', engine, ...faults], among(targets, manner)))
    process.stderr.write(`  ${targets} × ${faults.length / 2}: ${ns} ns\n`)
    return ns
  }
  const samples = await interleave(REPETITIONS, {
    base: under(one, 1),
    hundred: under(one, 100),
    thousand: under(one, 1000),
    rules: under(many, 1),
    both: under(many, 1000),
    naming: under(times(64, call), 1),
  })
  type Case = keyof (typeof samples)[number]
  const median = (name: Case) => `${spread(samples, (each) => each[name]).median.toFixed(0)} ns`
  const row = (name: string, ours: Case, isLimited = true): Measure => {
    const ratio = spread(samples, (each) => each[ours] / each.base)
    return {
      name: `${engine}: ${call} named, ${name}`,
      ours: median(ours),
      comparedWith: `1 target, 1 rule: ${median('base')}`,
      ratio,
      ...(isLimited && { target: atMost(LIMIT, ratio) }),
    }
  }
  return [
    row('100 targets', 'hundred'),
    row('1000 targets', 'thousand'),
    row('64 rules, one of which names it', 'rules'),
    row('1000 targets, 64 rules, one of which names it', 'both'),
    // Each of them counts the call.
    row('64 rules that all name it', 'naming', false),
  ]
}

/**
 * The loop, with so many programs around it, less one, that wait: it begins when each has said that it runs, or their
 * starts would be measured.
 */
function among(targets: number, { loop }: Manner): string[] {
  const [call, count] = loop
  const script = `
    set -e
    folder=$(mktemp -d)
    mkfifo "$folder/ready" "$folder/never"
    exec 3<>"$folder/ready" 4<>"$folder/never"
    rm -r "$folder"
    pids=
    i=1
    while [ $i -lt ${targets} ]; do
      sh -c 'echo >&3; read _ <&4' &
      pids="$pids $!"
      i=$((i + 1))
    done
    i=1
    while [ $i -lt ${targets} ]; do read _ <&3; i=$((i + 1)); done
    "$@"
    [ -z "$pids" ] || kill $pids`
  return ['sh', '-c', script, 'sh', fixture('time-calls'), call, `${count}`, '1']
}

/** What a system call costs under override and hook: named and not fired, not named, by processes outside. */
import { fixture } from '../helpers/fixture.ts'
import { run, start } from '../helpers/run.ts'
import { until } from '../helpers/until.ts'
import { atMost, interleave, type Measure, spread } from './measure.ts'
import { exec, numberFrom } from './program.ts'

const REPETITIONS = 9
/** Calls in a run. In a virtual machine, where this is at home, a call takes ten times as long. */
const count = { open: 20_000, getppid: 200_000 }
const PATIENCE_MS = 300_000

type Call = keyof typeof count
const loop = (call: Call) => [fixture('time-calls'), call, `${count[call]}`, '1']

const rule = (call: string) => ['--syscall', `${call}=ENOENT@0%`]
const openat = rule('openat')
const four = (call: string) => [rule(call), rule(call), rule(call), rule(call)].flat()

interface Manner {
  readonly engine: 'override' | 'hook'
  /** Rules for 16 system calls, as many as programs can watch. Under hook, one of them for openat. */
  readonly many: readonly string[]
  /** What is called under them. */
  readonly under: Call
}

const manners: readonly Manner[] = [
  {
    engine: 'override',
    many: [
      ...['fsync', 'fdatasync', 'fchdir', 'ftruncate', 'dup', 'fstatfs', 'listen', 'shutdown'],
      ...['getsockname', 'getpeername', 'lseek', 'getdents64', 'fchmod', 'fchown', 'readahead'],
      'bind',
    ].flatMap(four),
    under: 'getppid',
  },
  {
    engine: 'hook',
    many: [
      ...openat,
      ...[
        ...['mkdir', 'rename', 'chmod', 'ftruncate', 'fchdir', 'fstatfs', 'listen', 'shutdown'],
        ...['getsockname', 'getpeername', 'getdents64', 'fchmod', 'fchown', 'bind', 'flock'],
      ].flatMap(four),
    ],
    under: 'open',
  },
]

const under = ({ engine }: Manner, faults: readonly string[], command: readonly string[]) =>
  numberFrom(exec(['--engine', engine, ...faults], command))

/** By each engine that fails calls in the kernel, where it works. */
export async function inKernelCalls(): Promise<Measure[]> {
  const measures: Measure[] = []
  for (const manner of manners) measures.push(...(await measure(manner)))
  return measures
}

async function measure(manner: Manner): Promise<Measure[]> {
  const { engine, many } = manner
  const why = await lacking(manner)
  if (why !== undefined) return [{ name: engine, ours: '', comparedWith: '', skipped: why }]
  return [
    await compare(manner, 'openat + close, openat named', 1.15, 'bare', {
      base: () => numberFrom(loop('open')),
      ours: () => under(manner, openat, loop('open')),
    }),
    // Under hook it passes the hook that chmod is named at.
    await compare(manner, 'openat + close, chmod named', 1.05, 'bare', {
      base: () => numberFrom(loop('open')),
      ours: () => under(manner, rule('chmod'), loop('open')),
    }),
    await compare(manner, 'getppid, openat named', 1.05, 'bare', {
      base: () => numberFrom(loop('getppid')),
      ours: () => under(manner, openat, loop('getppid')),
    }),
    await compare(
      manner,
      `${manner.under}, ${many.length / 2} rules, at most one of which names it`,
      1.05,
      '1 rule',
      {
        base: () => under(manner, openat, loop(manner.under)),
        ours: () => under(manner, many, loop(manner.under)),
      },
    ),
    await beside(manner),
  ]
}

/** A process outside calls what is named inside. */
async function beside(manner: Manner): Promise<Measure> {
  const inside = exec(['--engine', manner.engine, ...openat], ['sh', '-c', 'echo on; read _'])
  return compare(manner, 'openat + close outside the tree, openat named inside', 1.05, 'bare', {
    base: () => numberFrom(loop('open')),
    async ours() {
      const session = start(inside, { timeout: PATIENCE_MS })
      await until(() => session.stdout() !== '', { what: 'the session', bound: PATIENCE_MS })
      const ns = numberFrom(loop('open'))
      session.child.stdin?.end('\n')
      await session.result
      return ns
    },
  })
}

async function compare(
  { engine }: Manner,
  name: string,
  limit: number,
  comparedWith: string,
  cases: { base: () => number; ours: () => number | Promise<number> },
): Promise<Measure> {
  process.stderr.write(`  ${name}\n`)
  const samples = await interleave(REPETITIONS, cases)
  const ratio = spread(samples, ({ base, ours }) => ours / base)
  const [base, ours] = [
    spread(samples, (each) => each.base).median,
    spread(samples, (each) => each.ours).median,
  ]
  return {
    name: `${engine}: ${name}`,
    ours: `${ours.toFixed(0)} ns`,
    comparedWith: `${comparedWith}: ${base.toFixed(0)} ns`,
    ratio,
    target: atMost(limit, ratio),
  }
}

/** Why it does not work here. */
export async function lacking({ engine }: Pick<Manner, 'engine'>): Promise<string | undefined> {
  const command = exec(['--engine', engine, ...openat], ['true'])
  const { status, stderr } = await run(command, { timeout: PATIENCE_MS })
  return status === 0 ? undefined : stderr.split('\n', 1)[0]
}

/** What a system call costs under override: named and not fired, not named, by processes outside, among many. */
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

const getppid = ['--syscall', 'getppid=ENOENT@0%']
const openat = ['--syscall', 'openat=ENOENT@0%']
/** 64 rules for 16 system calls: as many as fmod_ret programs can watch. */
const many = [
  ...['fsync', 'fdatasync', 'fchdir', 'ftruncate', 'dup', 'fstatfs', 'listen', 'shutdown'],
  ...['getsockname', 'getpeername', 'lseek', 'getdents64', 'fchmod', 'fchown', 'readahead', 'bind'],
].flatMap(
  (name) =>
    Array(4)
      .fill(['--syscall', `${name}=ENOENT@0%`])
      .flat() as string[],
)

const under = (faults: readonly string[], command: readonly string[]) =>
  numberFrom(exec(['--engine', 'override', ...faults], command))

export async function overrideCalls(): Promise<Measure[]> {
  const why = await lacking()
  const name = 'override'
  if (why !== undefined) return [{ name, ours: '', comparedWith: '', skipped: why }]
  const measures = [
    await compare('openat + close, openat named', 1.15, 'bare', {
      base: () => numberFrom(loop('open')),
      ours: () => under(openat, loop('open')),
    }),
    await compare('getppid, openat named', 1.05, 'bare', {
      base: () => numberFrom(loop('getppid')),
      ours: () => under(openat, loop('getppid')),
    }),
    await compare('getppid, 64 rules that do not name it', 1.05, '1 rule', {
      base: () => under(openat, loop('getppid')),
      ours: () => under(many, loop('getppid')),
    }),
    await beside(),
  ]
  for (const targets of [100, 1000])
    measures.push(
      await compare(`getppid named, ${targets} targets`, 1.05, '2 targets', {
        base: () => under(getppid, among(2)),
        ours: () => under(getppid, among(targets)),
      }),
    )
  return measures
}

/**
 * The loop, with so many programs around it, less one, that wait: it begins when each has said that it runs, or their
 * starts would be measured. A call that takes no memory: 6.1 may have the allocator SLOB, which looks through all that
 * it has given to so many processes.
 */
function among(targets: number): string[] {
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
    kill $pids`
  return ['sh', '-c', script, 'sh', ...loop('getppid')]
}

/** A process outside calls what is named inside. */
async function beside(): Promise<Measure> {
  const inside = exec(['--engine', 'override', ...openat], ['sh', '-c', 'echo on; read _'])
  return compare('openat + close outside the tree, openat named inside', 1.05, 'bare', {
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
    name: `override: ${name}`,
    ours: `${ours.toFixed(0)} ns`,
    comparedWith: `${comparedWith}: ${base.toFixed(0)} ns`,
    ratio,
    target: atMost(limit, ratio),
  }
}

async function lacking(): Promise<string | undefined> {
  const command = exec(['--engine', 'override', '--syscall', 'fsync=ENOENT@0%'], ['true'])
  const { status, stderr } = await run(command, { timeout: PATIENCE_MS })
  return status === 0 ? undefined : stderr.split('\n', 1)[0]
}

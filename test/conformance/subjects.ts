/** Who is held to the table: the engines, with and without root, with and without what they can do without. */
import type { Feature } from '../../src/kernel/no-feature.ts'
import { has } from '../helpers/requires.ts'
import { run, runMinderbinder } from '../helpers/run.ts'
import { directCalls, secondProgram } from '../helpers/tracing.ts'
import type { Case } from './case.ts'
import type { Fault } from './fault.ts'
import { beyondHook, throughHooks } from './hook-claims.ts'
import { beyondOverride, sharing, type Ways } from './override-claims.ts'
import { beyondStrace } from './strace.ts'

export interface Subject {
  readonly name: string
  /** What MINDERBINDER_TEST_ENGINES calls it. */
  readonly engine: 'seccomp' | 'ptrace' | 'override' | 'hook' | 'auto' | 'tc' | 'cgroup' | 'strace'
  /** Before the faults. */
  readonly options: readonly string[]
  /** A fault that nothing comes of, for trying whether it works here at all. */
  readonly harmless: readonly string[]
  readonly user?: 'nobody'
  /** Mechanisms to do without. */
  readonly without?: Feature
  /** Undefined where it claims the case. */
  refuses(row: Case): Refusal | undefined
  /** The case as it can have it. */
  as?<Row extends Case>(row: Row): Row
  /** Which engine the summary must name. */
  engineOf(fault: Fault, row: Case): string
}

export interface Refusal {
  readonly why: string
  /** It must say so itself: exec ends in 125, and the command does not run. */
  readonly says?: true
}

const harmless = ['--syscall', 'fsync=ENOENT@0%']
const notNetwork: Refusal = { why: 'an engine for system calls' }

const seccomp: Subject = {
  ...{ name: 'seccomp', engine: 'seccomp', options: ['--engine', 'seccomp'], harmless },
  refuses(row) {
    if (row.kind !== 'syscall') return notNetwork
    if (isShort(row)) return { why: 'it lets calls run whole', says: true }
    return isSeenToReturn(row) ? { why: 'it sees no call return', says: true } : undefined
  },
  engineOf: () => 'seccomp',
}

function isSeenToReturn({ faults }: Case): boolean {
  return faults.some(
    ({ outcome }) =>
      outcome.text.includes('delay-exit') &&
      !(outcome.kind === 'several' && outcome.value !== undefined),
  )
}

function isShort({ faults }: Case): boolean {
  return faults.some(({ outcome }) => outcome.kind === 'short')
}

/** Without root these refuse connections, too. */
const asNobody = (subject: Subject): Subject => ({
  ...{ ...subject, name: `${subject.name} as nobody`, user: 'nobody' },
  refuses: (row) => (row.kind === 'refuse-net' ? undefined : subject.refuses(row)),
})

const ptrace: Subject = {
  ...{ name: 'ptrace', engine: 'ptrace', options: ['--engine', 'ptrace'], harmless },
  refuses: (row) => (row.kind === 'syscall' ? undefined : notNetwork),
  engineOf: () => 'ptrace',
}

function overrideBy(name: string, ways: Ways, without?: Feature): Subject {
  return {
    ...{ name, engine: 'override', options: ['--engine', 'override'], harmless },
    ...(without && { without }),
    refuses(row) {
      if (row.kind !== 'syscall') return notNetwork
      const why = beyondOverride(row.faults, ways)
      return why === undefined ? undefined : { why, says: true }
    },
    engineOf: () => 'override',
  }
}

/** Kprobes crash the same kernels. */
const ways: Ways = { modify: directCalls, kprobe: secondProgram, second: secondProgram }

const override = overrideBy('override', ways)

const hook: Subject = {
  ...{ name: 'hook', engine: 'hook', options: ['--engine', 'hook'] },
  harmless: ['--syscall', 'mkdirat=ENOENT@0%'],
  refuses: (row) => (row.kind === 'syscall' ? beyondHook(row) : notNetwork),
  as: throughHooks,
  engineOf: () => 'hook',
}

/** A plan of both: each rule by the cheapest engine that can do it and those that share calls with it. */
const auto: Subject = {
  ...{ name: 'auto', engine: 'auto', options: [], harmless },
  refuses: ptrace.refuses,
  engineOf(fault, { faults }) {
    const why = beyondOverride(sharing(fault, faults), ways)
    return why === undefined ? 'override' : 'ptrace'
  },
}

function network(engine: 'tc' | 'cgroup', claims: (row: Case) => boolean): Subject {
  return {
    ...{ name: engine, engine, options: [], harmless: ['--drop-net', '0%'] },
    refuses: (row) => (claims(row) ? undefined : { why: 'another engine’s' }),
    engineOf: () => engine,
  }
}

const outgoing = (row: Case) => row.kind === 'drop-net' && !row.keys.includes('dir=in')
const tc = network('tc', outgoing)
const cgroup = network('cgroup', (row) => row.kind !== 'syscall' && !outgoing(row))

/** The oracle: where it says something else than the model, the table is wrong. */
const strace: Subject = {
  ...{ name: 'strace', engine: 'strace', options: [], harmless: [] },
  refuses(row) {
    const why = beyondStrace(row)
    return why === undefined ? undefined : { why }
  },
  engineOf: () => 'strace',
}

const without = (subject: Subject, feature: Feature): Subject => ({
  ...subject,
  name: `${subject.name} without ${feature}`,
  without: feature,
})

/** Every way that the table is run, the oracle first. */
export const subjects: readonly Subject[] = [
  strace,
  seccomp,
  asNobody(seccomp),
  ptrace,
  asNobody(ptrace),
  override,
  overrideBy('override without fmod_ret', { ...ways, modify: false, kprobe: true }, 'fmod_ret'),
  overrideBy('override without kprobe', { ...ways, kprobe: false }, 'kprobe'),
  hook,
  auto,
  tc,
  without(tc, 'tcx'),
  cgroup,
  without(cgroup, 'cgroup.kill'),
]

/** Why it does not work here, found by trying; undefined if it does. */
export async function lacking(subject: Subject): Promise<string | undefined> {
  if (subject.user && !has('root')) return 'needs root to become another user'
  if (subject.without === 'kprobe' && !ways.kprobe)
    return 'the same as override here, which uses no kprobes on this kernel'
  if (subject.without === 'fmod_ret' && !ways.modify)
    return 'the same as override here, which has no fmod_ret programs on this kernel'
  if (subject === auto) {
    const why = await lacking(override)
    if (why !== undefined) return `the same as ptrace here, for want of override: ${why}`
  }
  const command =
    subject.engine === 'strace'
      ? run(['strace', '-f', '-o', '/dev/null', 'true'])
      : runMinderbinder(
          ['exec', '-q', ...subject.options, ...subject.harmless, '--', 'true'],
          runOptions(subject),
        )
  const { status, stderr } = await command.catch((error: Error) => ({
    ...{ status: 1, stderr: error.message },
  }))
  return status === 0 ? undefined : stderr.trim().replaceAll(/\s*\n\s*/g, ' ')
}

export function runOptions(subject: Subject) {
  return {
    ...(subject.user && { user: subject.user }),
    ...(subject.without && { env: { MINDERBINDER_NO_FEATURE: subject.without } }),
  }
}

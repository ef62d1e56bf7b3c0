/** A rule in plain words: `openat fails with ENOENT (No such file or directory) each time`. */
import { errnoByName, errnoName } from './errnos.ts'
import { formatCidr } from './network-values.ts'
import type { NetworkRule, Outcome, Rule, SyscallRule, Target } from './rule.ts'
import { printable } from './span.ts'

/** Names of system calls beyond these are counted instead of listed. */
const mostNames = 8

/** One sentence without its full stop and without line breaks. */
export function describeRule(rule: Rule): string {
  const what = rule.kind === 'syscall' ? describeCall(rule) : describePackets(rule)
  // Of a packet it is known whose it is where the rule has targets.
  const ofProcess = rule.kind === 'syscall' || rule.targets !== undefined
  const after =
    rule.afterNs === 0n
      ? ''
      : `, but not in the first ${formatDuration(rule.afterNs)} of ${ofProcess ? 'a process' : 'the run'}`
  return printable(`${what} ${frequency(rule)}${after}`)
}

/** `only in processes named curl or wget, and in what they start`; undefined where a rule is for all. */
export function describeTargets({ targets, inherit }: Rule): string | undefined {
  if (!targets) return undefined
  const kinds = ['name', 'pid', 'uid', 'cgroup'] as const
  const parts = kinds.flatMap((kind) => {
    const values = targets.flatMap((target) => (target.kind === kind ? [textOf(target)] : []))
    return values.length === 0 ? [] : [`${words[kind]} ${listNames(values, 'or')}`]
  })
  const started = inherit === false ? ', and not in what they start' : ', and in what they start'
  return printable(`only in processes ${parts.join(', or ')}${started}`)
}

const words: { readonly [kind in Target['kind']]: string } = {
  name: 'named',
  pid: 'with the pid',
  uid: 'of the user id',
  cgroup: 'in the cgroup',
}

function textOf(target: Target): string {
  switch (target.kind) {
    case 'name':
      return target.name
    case 'pid':
      return `${target.pid}`
    case 'uid':
      return `${target.uid}`
    case 'cgroup':
      return target.path
  }
}

function describeCall(rule: SyscallRule): string {
  const many = rule.syscalls.length > 1
  const calls = listNames(rule.syscalls)
  const conditions = [
    ...(rule.path === undefined ? [] : [`a path that matches ${rule.path}`]),
    ...(rule.fd === undefined ? [] : [`descriptor ${rule.fd}`]),
  ]
  const subject = conditions.length > 0 ? `${calls} with ${conditions.join(' and ')}` : calls
  return `${subject} ${describeOutcome(rule.outcome, many)}`
}

function describeOutcome(outcome: Outcome, many: boolean): string {
  switch (outcome.kind) {
    case 'errno':
      return `${many ? 'fail' : 'fails'} with ${explainErrno(outcome.name)}`
    case 'return': {
      const value = `${many ? 'return' : 'returns'} ${outcome.value} without being run`
      const isError = outcome.value < 0n && outcome.value >= -4095n
      return isError ? `${value} (to the C library an error: ${errnoOf(outcome.value)})` : value
    }
    case 'delay':
      return `${many ? 'run' : 'runs'} after a pause of ${formatDuration(outcome.ns)}`
    case 'signal':
      return `${many ? 'send' : 'sends'} the calling thread ${outcome.name}`
  }
}

/** `ENOENT (No such file or directory)` */
function explainErrno(name: string): string {
  const errno = errnoByName(name)
  return errno ? `${name} (${errno.description})` : `error ${name}`
}

function errnoOf(value: bigint): string {
  return errnoName(Number(-value))
}

/** `open`, `open and openat`, `access, chdir, … and 40 more`. */
export function listNames(names: readonly string[], conjunction: 'and' | 'or' = 'and'): string {
  const shown = names.length > mostNames ? names.slice(0, mostNames - 1) : names
  const rest = names.length - shown.length
  const all = rest > 0 ? [...shown, `${rest} more`] : shown
  return all.length === 1
    ? (all[0] ?? '')
    : `${all.slice(0, -1).join(', ')} ${conjunction} ${all.at(-1)}`
}

function describePackets(rule: NetworkRule): string {
  const port =
    rule.port &&
    (rule.port.low === rule.port.high
      ? `port ${rule.port.low}`
      : `ports ${rule.port.low} to ${rule.port.high}`)
  const address = rule.to && formatCidr(rule.to)
  const peer = [port, address].filter((part) => part !== undefined).join(' of ')
  const by = rule.interface === undefined ? '' : ` by interface ${rule.interface}`
  const protocol = rule.protocol === undefined ? '' : `${rule.protocol.toUpperCase()} `
  if (rule.kind === 'refuse-net') {
    const over = rule.protocol === undefined ? '' : ` over ${protocol.trim()}`
    return `connect()${over}${peer && ` to ${peer}`}${by} fails with ${explainErrno('ECONNREFUSED')}`
  }
  const incoming = rule.direction === 'in'
  const way = incoming ? 'incoming' : 'outgoing'
  return `${way} ${protocol}packets${peer && ` ${incoming ? 'from' : 'to'} ${peer}`}${by} are lost silently`
}

/** How often: rate, occurrences, limit, and over what they are counted. */
function frequency(rule: Rule): string {
  if (rule.rate === 0) return 'never (its rate is 0%)'
  const { first, last, step } = rule.when
  const isAlways = first === 1 && last === Number.POSITIVE_INFINITY && step === 1
  const limit = rule.times === 1 ? 'at most once' : `at most ${rule.times} times`
  const parts = [
    ...(isAlways ? (rule.times > 0 ? [] : ['each time']) : [describeWhen(first, last, step)]),
    ...(rule.rate === 100 ? [] : [`with a chance of ${rule.rate}%`]),
    ...(rule.times > 0 ? [limit] : []),
  ]
  const counted = rule.kind === 'syscall' && (!isAlways || rule.times > 0)
  const scope = counted
    ? `, counted ${rule.scope === 'process' ? 'in each process on its own' : 'over all processes together'}`
    : ''
  return `${parts.join(', ')}${scope}`
}

function describeWhen(first: number, last: number, step: number): string {
  if (first === last) return `only the ${ordinal(first)} time`
  const every = step === 1 ? '' : `every ${ordinal(step)} time `
  return last === Number.POSITIVE_INFINITY
    ? `${every}from the ${ordinal(first)}${step === 1 ? ' time' : ''} on`
    : `${every}from the ${ordinal(first)} to the ${ordinal(last)}${step === 1 ? ' time' : ''}`
}

function ordinal(number: number): string {
  const suffix = /1[123]$/.test(`${number}`)
    ? 'th'
    : (['th', 'st', 'nd', 'rd'][number % 10] ?? 'th')
  return `${number}${suffix}`
}

const units = [
  ['s', 1_000_000_000n],
  ['ms', 1_000_000n],
  ['us', 1_000n],
  ['ns', 1n],
] as const

/** In the largest unit that is not larger than it, exact: `1.5 s`, `50 ms`. */
function formatDuration(ns: bigint): string {
  const [unit, size] = units.find((candidate) => ns >= candidate[1]) ?? ['ns', 1n]
  const decimals =
    size === 1n ? '' : `${ns % size}`.padStart(`${size}`.length - 1, '0').replace(/0+$/, '')
  return `${ns / size}${decimals && `.${decimals}`} ${unit}`
}

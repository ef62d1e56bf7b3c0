/** A rule in plain words: `openat fails with ENOENT (No such file or directory) each time`. */
import { keysOf } from './keys/index.ts'
import { formatCidr } from './network-values.ts'
import { explainErrno } from './outcomes/errno.ts'
import { describeOutcome } from './outcomes/index.ts'
import type { NetworkRule, Rule, SyscallRule } from './rule.ts'
import { printable } from './span.ts'
import type { Target } from './target.ts'
import { durationWords } from './words/durations.ts'
import { listNames } from './words/lists.ts'
import { ordinal } from './words/numbers.ts'

/** Names of system calls beyond these are counted instead of listed. */
export const mostNames = 8

/** Of what a rule looks at. */
export const nouns = { syscall: 'call', 'drop-net': 'packet', 'refuse-net': 'connection' } as const

/** One sentence without its full stop and without line breaks. */
export function describeRule(rule: Rule): string {
  const what = rule.kind === 'syscall' ? describeCall(rule) : describePackets(rule)
  // A packet is known to be of a process only if the rule has targets.
  const ofProcess = rule.kind === 'syscall' || rule.targets !== undefined
  return printable(`${what} ${frequency(rule)}${time(rule, ofProcess ? 'a process' : 'the run')}`)
}

/** From when on, and until when. */
function time({ afterNs, forNs }: Rule, of: string): string {
  const after = durationWords(afterNs)
  if (forNs === undefined) return afterNs === 0n ? '' : `, but not in the first ${after} of ${of}`
  if (afterNs === 0n) return `, but only in the first ${durationWords(forNs)} of ${of}`
  return `, but only from ${after} to ${durationWords(afterNs + forNs)} after the start of ${of}`
}

/** `only in processes named curl or wget, and in what they start`; undefined if a rule is for all. */
export function describeTargets({ targets, inherit }: Rule): string | undefined {
  if (!targets) return undefined
  const started = inherit === false ? ', and not in what they start' : ', and in what they start'
  return `only in processes ${whichProcesses(targets)}${started}`
}

/** `named curl or wget, or of the user id 33`: follows `process` or `processes`. */
export function whichProcesses(targets: readonly Target[]): string {
  const kinds = ['name', 'pid', 'uid', 'cgroup'] as const
  const parts = kinds.flatMap((kind) => {
    const values = targets.flatMap((target) => (target.kind === kind ? [textOf(target)] : []))
    return values.length === 0 ? [] : [`${words[kind]} ${listNames(values, 'or', mostNames)}`]
  })
  return printable(parts.join(', or '))
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
  const calls = listNames(rule.syscalls, 'and', mostNames)
  const over = rule.protocol === undefined ? '' : ` over ${rule.protocol.toUpperCase()}`
  const peer = describePeer(rule)
  const conditions = describeKeys(rule, peer && `${peer} on the other side`)
  return `${calls}${over}${conditions} ${describeOutcome(rule.outcome, many)}`
}

/** ` with descriptor 3`: what narrows the rule, but for what has a place of its own in the sentence. */
function describeKeys(rule: Rule, peer = ''): string {
  const described = keysOf(rule.kind).map((key) => key.describe?.(rule))
  const conditions = [peer, ...described].filter((each) => each !== undefined && each !== '')
  return conditions.length > 0 ? ` with ${conditions.join(' and ')}` : ''
}

/** `port 443 of 10.0.0.0/8`; empty if the rule is for all. */
function describePeer({ ports: ranges, to }: Rule): string {
  const many = ranges && (ranges.length > 1 || ranges[0]!.low !== ranges[0]!.high)
  const texts = ranges?.map(({ low, high }) => (low === high ? `${low}` : `${low} to ${high}`))
  const ports = texts && `${many ? 'ports' : 'port'} ${listNames(texts, 'or')}`
  const address = to && listNames(to.map(formatCidr), 'or')
  return [ports, address].filter((part) => part !== undefined).join(' of ')
}

function describePackets(rule: NetworkRule): string {
  const peer = describePeer(rule)
  const by = rule.interface === undefined ? '' : ` by interface ${rule.interface}`
  const protocol = rule.protocol === undefined ? '' : `${rule.protocol.toUpperCase()} `
  if (rule.kind === 'refuse-net') {
    const over = rule.protocol === undefined ? '' : ` over ${protocol.trim()}`
    return `connect()${over}${peer && ` to ${peer}`}${by}${describeKeys(rule)} fails with ${explainErrno('ECONNREFUSED')}`
  }
  const incoming = rule.direction === 'in'
  const way = incoming ? 'incoming' : 'outgoing'
  return `${way} ${protocol}packets${peer && ` ${incoming ? 'from' : 'to'} ${peer}`}${by}${describeKeys(rule)} are lost silently`
}

/** How often: rate, occurrences, limit, and over what they are counted. */
function frequency(rule: Rule): string {
  if (rule.rate === 0) return 'never (its rate is 0%)'
  const { first, last, step } = rule.when
  const isAlways = first === 1 && last === Number.POSITIVE_INFINITY && step === 1
  const limit = rule.times === 1 ? 'at most once' : `at most ${rule.times} times`
  const chance = rule.rate === 100 ? [] : [`with a chance of ${rule.rate}%`]
  const parts =
    isAlways && rule.times === 0
      ? [[...chance, 'each time'].join(' ')]
      : [
          ...(isAlways ? [] : [describeWhen(first, last, step)]),
          ...chance,
          ...(rule.times > 0 ? [limit] : []),
        ]
  const counted = rule.kind === 'syscall' && (!isAlways || rule.times > 0)
  const scope = counted
    ? `, counted ${rule.scope === 'tree' ? 'over all processes together' : `in each ${rule.scope} on its own`}`
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

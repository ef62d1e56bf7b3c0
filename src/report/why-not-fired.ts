/** The nearest reason why a rule did nothing, from its counts and its keys: what is not certain is not said. */
import { nouns, whichProcesses } from '../rules/describe.ts'
import { keysOf } from '../rules/keys/index.ts'
import { onlySome } from '../rules/outcomes/index.ts'
import type { Rule, RuleCounts } from '../rules/rule.ts'
import { overlap } from '../rules/shadow.ts'
import type { When } from '../rules/values.ts'
import { durationText } from '../rules/words/durations.ts'
import { counted } from '../rules/words/numbers.ts'
import { oneLine } from './printable.ts'
import { metInForce, type RunSoFar, shadowOf, targetsRan } from './run-so-far.ts'

/** Near paths that are named, and how much of each. */
const nearMost = 3
const nearLength = 60

/** Completes `RULE never fired: …`. */
export function whyNotFired(run: RunSoFar, index: number): string {
  const rule = run.rules[index]!
  const { seen, matched, taken } = run.counts[index]!
  const noun = nouns[rule.kind]
  if (seen === 0n && taken === 0n) return unseen(run, index)
  const by = taken === 0n ? '' : whoTook(run, [index])
  if (seen === 0n)
    return `${by} fired first at ${taken === 1n ? `its only ${noun}` : `all ${counted(taken, noun)}`}`
  const rest = taken === 0n ? '' : `; ${by} fired first at ${taken} more`
  if (matched === 0n) return unmatched(run, index) + rest
  return `${counted(matched, noun)} matched, ${unselected(rule, matched)}${rest}`
}

/**
 * The same of an expression whose rules, at `indices`, all did nothing. They have no keys but when=, and are counted
 * each by itself.
 */
export function whyNoneFired(run: RunSoFar, indices: readonly number[]): string {
  const [first] = indices
  if (indices.length === 1 && first !== undefined) return whyNotFired(run, first)
  const rule = run.rules[first!]!
  const sum = (key: keyof RuleCounts) =>
    indices.reduce((total, index) => total + run.counts[index]![key], 0n)
  const [seen, taken] = [sum('seen'), sum('taken')]
  const set = rule.kind === 'syscall' ? (rule.expression?.set ?? rule.set) : ''
  const shadow = shadowOf(run, first!)
  if (seen === 0n && taken === 0n)
    return shadow && indices.every((index) => shadowOf(run, index))
      ? `${nameOf(shadow)} fires first at each of its calls`
      : `nothing in ${set} was called`
  const by = taken === 0n ? '' : whoTook(run, indices)
  if (seen === 0n) return `${by} fired first at all ${counted(taken, 'call')}`
  const rest = taken === 0n ? '' : `; ${by} fired first at ${taken} more`
  return `${counted(seen, 'call')}, too few of any one in any thread for when=${whenText(rule.when)}${rest}`
}

function unseen(run: RunSoFar, index: number): string {
  const rule = run.rules[index]!
  const shadow = shadowOf(run, index)
  if (shadow) return `${nameOf(shadow)} fires first at each of its ${nouns[rule.kind]}s`
  // A call that fails before the hook it passes is not seen there.
  const early = run.engines?.[index] === 'hook' ? ', or failed before its hook' : ''
  if (!rule.targets) return `${unseenBy(rule, '')}${early}`
  const which = whichProcesses(rule.targets)
  const unknown = targetsRan(run, index) ? '' : ', or none of them ran'
  return `${unseenBy(rule, `processes ${which}`)}${early}${unknown}`
}

/** What `who`, or any process if that is empty, did not do, as far as it could be seen. */
function unseenBy(rule: Rule, who: string): string {
  if (rule.kind === 'syscall') {
    // Of calls with other descriptors seccomp and ptrace count none.
    const by = `${rule.fds === undefined ? '' : ` with fd=${rule.fds.join('+')}`}${who && ` by ${who}`}`
    return rule.syscalls.length === 1
      ? `${rule.syscalls[0]} was never called${by}`
      : `nothing in ${rule.set} was called${by}`
  }
  const whose = who || 'the command'
  if (rule.kind === 'refuse-net') return `no connect() of ${whose} was seen`
  if (rule.direction === 'in') return `no packet for ${whose} was seen`
  return `no packet of ${whose} left through an interface of this network namespace`
}

/** Seen, and one of its keys did not agree. */
function unmatched(run: RunSoFar, index: number): string {
  const rule = run.rules[index]!
  const { seen, unread } = run.counts[index]!
  const calls = counted(seen, nouns[rule.kind])
  const what = rule.kind === 'syscall' && rule.paths !== undefined ? 'path' : 'socket'
  if (unread >= seen) return `${calls}, whose ${what}${seen === 1n ? '' : 's'} could not be read`
  const near = run.nearPaths?.get(index) ?? []
  return [
    `${calls}, none ${keysText(rule)}`,
    ...(unread === 0n
      ? []
      : [`the ${what}${unread === 1n ? '' : 's'} of ${unread} could not be read`]),
    ...(near.length === 0
      ? []
      : [`the nearest path${near.length === 1 ? ' was' : 's were'}: ${nearText(near)}`]),
  ].join('; ')
}

/** A target has chosen them: bounded, and on one line. */
function nearText(paths: readonly string[]): string {
  const shown = paths.slice(0, nearMost).map((path) => {
    const characters = Array.from(oneLine(path))
    return characters.length <= nearLength
      ? characters.join('')
      : `...${characters.slice(3 - nearLength).join('')}`
  })
  return shown.join(', ')
}

/** Matched, and rate, when= and times= selected none. Completes `3 calls matched, …`. */
function unselected(rule: Rule, matched: bigint): string {
  if (rule.rate === 0) return 'and its rate is 0%'
  const when = `when=${whenText(rule.when)}`
  const inEach = rule.kind === 'syscall' && rule.scope !== 'tree' && rule.scope
  const eligible = inEach ? undefined : selectedAmong(rule.when, matched)
  if (matched < BigInt(rule.when.first) || eligible === 0n) return `too few for ${when}`
  if (rule.rate === 100) return inEach ? `too few in each ${inEach} for ${when}` : 'and none fired'
  if (eligible === undefined || eligible === matched)
    return `and chance (${rule.rate}%) spared ${matched === 1n ? 'it' : 'all'}`
  return `and chance (${rule.rate}%) spared the ${eligible === 1n ? 'one' : eligible} that ${when} selects`
}

/** How many of the first `n` occurrences when= selects. */
function selectedAmong({ first, last, step }: When, n: bigint): bigint {
  const end = last === Number.POSITIVE_INFINITY || BigInt(last) > n ? n : BigInt(last)
  return end < BigInt(first) ? 0n : (end - BigInt(first)) / BigInt(step) + 1n
}

/** The earlier rule that fired at calls of these, by name if only one can have been it. */
function whoTook(run: RunSoFar, indices: readonly number[]): string {
  const first = Math.min(...indices)
  const suspects = run.rules.slice(0, first).filter((earlier, at) => {
    const fired = (run.counts[at]?.fired ?? 0n) > 0n
    const meets = (index: number) =>
      metInForce(run, at, index) && overlap(earlier, run.rules[index]!)
    return fired && indices.some(meets)
  })
  const [only, ...others] = suspects
  if (only === undefined) return 'an earlier rule'
  if (others.some((other) => expressionOf(other) !== expressionOf(only))) return 'earlier rules'
  return nameOf(only)
}

/** What the user wrote as one. */
function expressionOf(rule: Rule): unknown {
  return (rule.kind === 'syscall' && rule.expression) || rule
}

function nameOf(rule: Rule): string {
  return rule.kind === 'syscall' && rule.expression
    ? `--inject ${rule.expression.text}`
    : rule.label
}

/** The keys that decide between seen and matched, as they are written: packets of another direction are not seen. */
function keysText(rule: Rule): string {
  const keys = keysOf(rule.kind).flatMap((key) => {
    const value = key.written?.(rule)
    return value === undefined ? [] : [`${key.name}=${value}`]
  })
  const some = rule.kind === 'syscall' ? onlySome(rule.outcome) : undefined
  const conditions = [
    ...(keys.length === 0 ? [] : [`with ${keys.join(',')}`]),
    ...(some === undefined ? [] : [some]),
    ...inTimeText(rule),
  ]
  return conditions.length === 0 ? 'matched' : conditions.join(' and ')
}

function inTimeText({ afterNs, forNs }: Rule): string[] {
  const after = `after=${durationText(afterNs)}`
  if (forNs === undefined) return afterNs === 0n ? [] : [`later than ${after}`]
  return [`within ${afterNs === 0n ? '' : `${after},`}for=${durationText(forNs)}`]
}

/** strace's syntax, in its shortest form. */
export function whenText({ first, last, step }: When): string {
  if (first === last) return `${first}`
  const by = step === 1 ? '' : `${step}`
  if (last === Number.POSITIVE_INFINITY) return `${first}+${by}`
  return `${first}..${last}${by === '' ? '' : `+${by}`}`
}

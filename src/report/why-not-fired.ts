/** The nearest reason why a rule did nothing, from its counts and its keys. */
import type { Rule, RuleCounts, When } from '../rules/rule.ts'
import { formatAddress } from './address.ts'
import { durationText } from './outcome.ts'

/** Completes `RULE never fired: …`. */
export function whyNotFired(rule: Rule, { seen, matched }: RuleCounts): string {
  if (seen === 0n) return `${unseen(rule)}${rule.targets ? ' in a process of its targets' : ''}`
  if (matched === 0n) return `${counted(seen, rule)}, none ${keysText(rule)}`
  const matches = `${counted(matched, rule)} matched`
  if (rule.rate === 0) return `${matches}, and its rate is 0%`
  if (matched < BigInt(rule.when.first))
    return `${matches}, too few for when=${whenText(rule.when)}`
  return `${matches}, and chance (${rule.rate}%) spared ${matched === 1n ? 'it' : 'all'}`
}

function unseen(rule: Rule): string {
  if (rule.kind === 'syscall')
    return rule.syscalls.length === 1
      ? `${rule.syscalls[0]} was never called`
      : `nothing in ${rule.set} was called`
  if (rule.kind === 'refuse-net') return 'no connection was tried'
  return `no packet ${rule.direction === 'in' ? 'came in' : 'went out'}`
}

/** `1 call`, `2 packets`. */
function counted(n: bigint, rule: Rule): string {
  const noun = { syscall: 'call', 'drop-net': 'packet', 'refuse-net': 'connection' }[rule.kind]
  return `${n} ${noun}${n === 1n ? '' : 's'}`
}

/** The keys that decide between seen and matched, as they are written. */
function keysText(rule: Rule): string {
  const where: [string, unknown][] =
    rule.kind === 'syscall'
      ? [
          ['path', rule.path],
          ['fd', rule.fd],
        ]
      : [
          ['proto', rule.protocol],
          ['port', rule.port && rangeText(rule.port)],
          ['to', rule.to && `${formatAddress(Uint8Array.from(rule.to.address))}/${rule.to.prefix}`],
          ['dir', rule.direction],
          ['interface', rule.interface],
        ]
  const keys = where.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]))
  const late = rule.afterNs === 0n ? [] : [`later than after=${durationText(rule.afterNs)}`]
  return [...(keys.length === 0 ? [] : [`with ${keys.join(',')}`]), ...late].join(' and ')
}

function rangeText({ low, high }: { low: number; high: number }): string {
  return low === high ? `${low}` : `${low}-${high}`
}

/** strace's syntax, in its shortest form. */
export function whenText({ first, last, step }: When): string {
  if (first === last) return `${first}`
  const by = step === 1 ? '' : `${step}`
  if (last === Number.POSITIVE_INFINITY) return `${first}+${by}`
  return `${first}..${last}${by === '' ? '' : `+${by}`}`
}

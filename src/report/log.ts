/** One injection as one line of JSON: `--log FILE`. docs/log.md is the contract. */
import type { Rule } from '../rules/rule.ts'
import type { InjectionEvent, Traffic } from './event.ts'
import { outcomeText } from './outcome.ts'
import { visibleJson } from './printable.ts'

/** What a line says beyond its event, given from outside: this folder is pure. */
export interface LogContext {
  readonly seed: bigint
  /** Names for numbers; undefined: no name is known. */
  syscall(number: number): string | undefined
  interface(index: number): string | undefined
}

/** The documented shape; absent keys do not apply to the injection. */
export interface LogLine {
  /** UTC, ISO 8601, microseconds. */
  readonly time: string
  /** The rule's label. */
  readonly rule: string
  /** The rule's place on the command line and in the file, from 0. */
  readonly index: number
  readonly n: number
  /** Decimal: 64 bits are more than a JSON number holds. */
  readonly seed: string
  readonly pid?: number
  readonly tid?: number
  readonly comm?: string
  readonly syscall?: string
  readonly outcome: string
  /** The six argument registers, hexadecimal. */
  readonly args?: readonly string[]
  readonly path?: string
  readonly address?: string
  readonly truncated?: true
  readonly protocol?: string
  readonly direction?: 'out' | 'in'
  readonly interface?: string
}

/** IPPROTO_* that have a name in the grammar, and those that go by one elsewhere. */
const protocols: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  58: 'icmpv6',
}

/** The line without its newline. */
export function logLine(event: InjectionEvent, rules: readonly Rule[], names: LogContext): string {
  return visibleJson(JSON.stringify(logObject(event, rules, names)))
}

/** The last line of a log that became as large as it may: how many injections are not in it. */
export function droppedLine(timeNs: bigint, dropped: number, limit: number): string {
  return JSON.stringify({ time: isoMicroseconds(timeNs), dropped, limit })
}

export function logObject(
  event: InjectionEvent,
  rules: readonly Rule[],
  names: LogContext,
): LogLine {
  const rule = rules[event.rule]
  if (rule === undefined) throw new RangeError(`event of rule ${event.rule} of ${rules.length}`)
  return {
    time: isoMicroseconds(event.timeNs),
    rule: rule.label,
    index: event.rule,
    n: Number(event.n),
    seed: `${names.seed}`,
    ...(event.pid === 0 ? {} : { pid: event.pid, tid: event.tid, comm: event.comm }),
    ...(rule.kind === 'refuse-net' ? { syscall: 'connect' } : {}),
    ...(event.traffic === undefined && rule.kind === 'syscall'
      ? { syscall: names.syscall(event.syscall) ?? `${event.syscall}` }
      : {}),
    outcome: outcomeText(rule, names.seed, event),
    ...(event.traffic === undefined ? callFields(event) : trafficFields(event.traffic, names)),
  }
}

function callFields(event: InjectionEvent): Partial<LogLine> {
  return {
    args: event.args.map((argument) => `0x${argument.toString(16)}`),
    ...(event.path === undefined ? {} : { path: event.path }),
    ...(event.address === undefined ? {} : { address: event.address }),
    ...(event.truncated ? { truncated: true } : {}),
  }
}

function trafficFields(traffic: Traffic, names: LogContext): Partial<LogLine> {
  return {
    address: traffic.remote,
    ...(traffic.protocol === 0
      ? {}
      : { protocol: protocols[traffic.protocol] ?? `${traffic.protocol}` }),
    direction: traffic.direction,
    ...(traffic.ifindex === 0
      ? {}
      : { interface: names.interface(traffic.ifindex) ?? `${traffic.ifindex}` }),
  }
}

/** `2026-11-23T15:03:27.123456Z`: Date stops at milliseconds. */
function isoMicroseconds(ns: bigint): string {
  const milliseconds = new Date(Number(ns / 1_000_000n)).toISOString().slice(0, -1)
  const rest = (ns / 1000n) % 1000n
  return `${milliseconds}${rest.toString().padStart(3, '0')}Z`
}

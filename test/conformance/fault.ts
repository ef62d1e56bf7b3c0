/** A rule as a case states it: enough to write it for minderbinder and for strace, and to know what it must do. */
import type { Call } from './steps.ts'

export type Outcome =
  /** `text` as on the command line; what the call returns, raw. */
  | { readonly kind: 'errno' | 'return'; readonly text: string; readonly value: bigint }
  | { readonly kind: 'delay'; readonly text: string }
  /** `deadly`: the number of a signal that ends the process. */
  | { readonly kind: 'signal'; readonly text: string; readonly deadly?: number }

export interface Fault {
  /** The set as on the command line. */
  readonly set: string
  /** Which of the case's calls it names, where the set is not a list of names. */
  readonly names?: readonly string[]
  /** It names more than those, and more than override can watch in its better way. */
  readonly wide?: true
  readonly outcome: Outcome
  /** Percent, as on the command line; left out: 100. */
  readonly rate?: string
  readonly when?: string
  readonly times?: number
  readonly scope?: 'process'
  /** With the path arguments that it is meant to match, of all those in the case. */
  readonly path?: { readonly glob: string; readonly matches: readonly string[] }
  readonly fd?: number
  /** Names of programs that it is for; a * at the end is the only sign of a pattern. */
  readonly targets?: readonly string[]
  readonly inherit?: false
  /** What it faults in the case's time: nothing, all, or what comes after the program's `until` step. */
  readonly after?: { readonly text: string; readonly faults: 'nothing' | 'all' | 'later' }
}

export const fails = (text: string, value: number): Outcome => ({
  kind: 'errno',
  text,
  value: BigInt(value),
})
export const returns = (value: string): Outcome => ({
  kind: 'return',
  text: `ret:${value}`,
  value: BigInt(value),
})
export const ENOENT = fails('ENOENT', -2)
export const EIO = fails('EIO', -5)
export const EPERM = fails('EPERM', -1)

/** The argument of --syscall. @param label what the summary calls it */
export function faultText(fault: Fault, label: string): string {
  const keys = {
    after: fault.after?.text,
    when: fault.when,
    times: fault.times,
    scope: fault.scope,
    path: fault.path?.glob,
    fd: fault.fd,
    name: label,
  }
  const rate = fault.rate === undefined ? '' : `@${fault.rate}%`
  const pairs = Object.entries(keys).flatMap(([key, value]) =>
    value === undefined ? [] : [`,${key}=${value}`],
  )
  return `${fault.set}=${fault.outcome.text}${rate}${pairs.join('')}`
}

/** A rule of a configuration file. */
export function faultRule(fault: Fault, label: string): object {
  return {
    name: label,
    syscall: fault.set,
    outcome: fault.outcome.text,
    failure_rate: fault.rate,
    after: fault.after?.text,
    when: fault.when,
    times: fault.times,
    scope: fault.scope,
    path: fault.path?.glob,
    fd: fault.fd,
    targets: fault.targets?.map((process_name) => ({ process_name })),
    inherit: fault.inherit,
  }
}

/** Does a program of this name become a target? */
export function isTarget({ targets }: Fault, name: string): boolean {
  return (targets ?? []).some((target) =>
    target.endsWith('*') ? name.startsWith(target.slice(0, -1)) : name === target,
  )
}

/** Those of the case's calls that it names. */
export function namesOf(fault: Fault): readonly string[] {
  return fault.names ?? fault.set.split('+')
}

export function names(fault: Fault, call: Call): boolean {
  return namesOf(fault).includes(call.name)
}

/** Its fd=, which to seccomp is a part of what it names. */
export function isOnDescriptor(fault: Fault, { args }: Call): boolean {
  return fault.fd === undefined || args[0] === fault.fd
}

/** Every key but when, rate, times and after. */
export function agrees(fault: Fault, call: Call): boolean {
  const texts = call.args.flatMap((arg) => (typeof arg === 'string' ? [arg.slice(1)] : []))
  if (fault.path && !texts.some((text) => fault.path?.matches.includes(text))) return false
  return isOnDescriptor(fault, call)
}

/** A rule as a case states it: enough to write it for minderbinder and for strace, and to know what it must do. */
import type { Call } from './steps.ts'

export type Outcome =
  /** `text` as on the command line; what the call returns, raw. */
  | { readonly kind: 'errno' | 'return'; readonly text: string; readonly value: bigint }
  | { readonly kind: 'delay'; readonly text: string }
  /** Joined by +. `value`: what the call returns, raw, without being run; it runs where that is left out. */
  | {
      readonly kind: 'several'
      readonly text: string
      readonly value?: bigint
      readonly caught?: true
      readonly deadly?: number
    }
  /** How many of so many bytes are moved. */
  | { readonly kind: 'short'; readonly text: string; readonly of: (asked: number) => number }
  /** One of these, drawn; with `pause` after a delay. */
  | {
      readonly kind: 'drawn'
      readonly text: string
      readonly pause: string
      readonly errors: readonly (readonly [name: string, value: bigint])[]
    }
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
  /** Percent, as on the command line; 100 by default. */
  readonly rate?: string
  readonly when?: string
  readonly times?: number
  readonly scope?: 'process' | 'thread'
  /** With the path arguments that it is meant to match, of all those in the case. */
  readonly path?: { readonly glob: string | readonly string[]; readonly matches: readonly string[] }
  readonly fd?: number | readonly number[]
  /** Names of programs that it is for; a * at the end is the only sign of a pattern. */
  readonly targets?: readonly string[]
  readonly inherit?: false
  /** What it faults in the case's time: nothing, all, or what comes after or before the program's `until` step is over. */
  readonly after?: {
    readonly text: string
    readonly faults: 'nothing' | 'all' | 'later' | 'sooner'
  }
  /** With `after`, which says what it faults. */
  readonly for?: string
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
const values = { EPERM: -1n, EINTR: -4n, EIO: -5n, EAGAIN: -11n, ENOSPC: -28n } as const

/** `EIO|EINTR`, after `delay:150ms+` perhaps. */
export function drawn(text: string): Outcome {
  const [, pause = '', errors = ''] = /^(delay:.*\+)?(.*)$/.exec(text)!
  const known = errors
    .split('|')
    .map((name) => [name, values[name as keyof typeof values]] as const)
  return { kind: 'drawn', text, pause, errors: known }
}

export const ENOENT = fails('ENOENT', -2)
export const EIO = fails('EIO', -5)
export const EPERM = fails('EPERM', -1)

function fdText({ fd }: Fault): string | undefined {
  return fd === undefined ? undefined : [fd].flat().join('+')
}

/** The argument of --syscall. @param label what the summary calls it */
export function faultText(fault: Fault, label: string): string {
  const keys = {
    after: fault.after?.text,
    for: fault.for,
    when: fault.when,
    times: fault.times,
    scope: fault.scope,
    path: fault.path?.glob,
    fd: fdText(fault),
    process: fault.targets?.[0],
    name: label,
  }
  const rate = fault.rate === undefined ? '' : `@${fault.rate}%`
  const pairs = Object.entries(keys).flatMap(([key, value]) =>
    value === undefined ? [] : [value].flat().map((each) => `,${key}=${each}`),
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
    for: fault.for,
    when: fault.when,
    times: fault.times,
    scope: fault.scope,
    path: fault.path?.glob,
    fd: fdText(fault),
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
  return fault.fd === undefined || [fault.fd].flat().some((fd) => args[0] === fd)
}

/** Every key but when, rate, times and after; and that the call can have the outcome. */
export function agrees(fault: Fault, call: Call): boolean {
  const { outcome } = fault
  const { asked = 0 } = call
  if (outcome.kind === 'short' && outcome.of(asked) >= asked) return false
  const texts = call.args.flatMap((arg) => (typeof arg === 'string' ? [arg.slice(1)] : []))
  if (fault.path && !texts.some((text) => fault.path?.matches.includes(text))) return false
  return isOnDescriptor(fault, call)
}

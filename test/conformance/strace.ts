/** What of the table strace can say too: the same program under strace must show the same. */
import type { Case, SyscallCase } from './case.ts'
import type { Fault } from './fault.ts'
import type { Step } from './steps.ts'

/** Why strace cannot be asked, or undefined. */
export function beyondStrace(row: Case): string | undefined {
  if (row.kind !== 'syscall') return 'strace knows no packets'
  if (row.strace === false || row.options || row.meanwhile) return 'strace does this differently'
  const { faults } = row
  for (const fault of faults) {
    if (fault.targets) return 'strace has no targets'
    if (!['0', '100', undefined].includes(fault.rate)) return 'strace has no rates'
    if (fault.times !== undefined && fault.when) return 'strace has no times='
    if (fault.path || fault.fd !== undefined)
      return 'strace has no path= or fd= for some calls only'
    if (fault.after?.faults === 'later' || fault.for) return 'strace has no after= and no for='
    if (fault.names) return 'other families'
    if (fault.outcome.kind === 'drawn' || fault.outcome.text.includes('..'))
      return 'strace draws nothing'
    if (fault.when?.split(/\D/).some((number) => Number(number) > 65535))
      return 'strace counts to 65535'
    if (fault.outcome.kind === 'short') return 'strace makes no call shorter'
    if (fault.outcome.kind === 'return' && fault.outcome.value < 0n)
      return 'strace returns no less than 0'
  }
  if (faults.every(neverHits)) return 'strace would do nothing'
  const set = faults.flatMap((fault) => fault.set.split('+'))
  if (new Set(set).size < set.length) return 'strace has one rule for a call'
  if (faults.some((fault) => occurrences(fault) && fault.set.includes('+')))
    return 'strace counts each call apart'
  // It counts in each thread.
  const counting = faults.some(
    (fault) => occurrences(fault) !== undefined && fault.scope !== 'thread',
  )
  if (counting && has(row.steps, 'thread')) return 'strace counts in each thread'
  if (faults.some((fault) => occurrences(fault) && !fault.scope) && has(row.steps, 'process'))
    return 'strace counts in each process'
  return undefined
}

function neverHits({ rate, after }: Fault): boolean {
  return rate === '0' || after?.faults === 'nothing'
}

/** The first so many, of all, are those that strace can limit. */
function occurrences({ when, times }: Fault): string | undefined {
  return times === undefined ? when : `1..${times}`
}

function has(steps: readonly Step[], what: 'thread' | 'process'): boolean {
  return steps.some((step) => {
    if (step.do === 'texec') return what === 'thread'
    if (!('steps' in step)) return false
    const thread = (step.do === 'in' || step.do === 'many') && step.place === 'thread'
    return thread === (what === 'thread') || has(step.steps, what)
  })
}

export function straceCommand({ faults }: SyscallCase): string[] {
  const calls = faults.flatMap((fault) => fault.set.split('+'))
  const injects = faults
    .filter((fault) => !neverHits(fault))
    .flatMap((fault) => ['-e', `inject=${injection(fault)}`])
  return ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${calls.join(',')}`, ...injects]
}

/** `delay:10ms+EIO` as `delay_enter=10ms:error=EIO`. */
function straceActions(text: string): string {
  const actions = text.split('+').map((part) => {
    const [verb = '', value] = part.split(':')
    if (value === undefined) return `error=${verb}`
    const action = { ret: 'retval', delay: 'delay_enter', 'delay-exit': 'delay_exit' }[verb]
    return `${action ?? verb}=${value}`
  })
  return actions.join(':')
}

function injection(fault: Fault): string {
  const { set, outcome } = fault
  const when = occurrences(fault)
  const what = {
    errno: () => `error=${-(outcome as { value: bigint }).value}`,
    return: () => `retval=${(outcome as { value: bigint }).value}`,
    delay: () => straceActions(outcome.text),
    several: () => straceActions(outcome.text),
    signal: () => outcome.text.replace(':', '='),
    drawn: () => '',
    short: () => '',
  }[outcome.kind]()
  return `${set.replaceAll('+', ',')}:${what}${when === undefined ? '' : `:when=${when}`}`
}

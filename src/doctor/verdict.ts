/** Which faults work here: from the checks. Pure. */
import type { Check, Result } from './check.ts'

export interface Verdict {
  /** Stable: see docs/doctor.md. */
  readonly id: 'system-calls' | 'packet-loss' | 'incoming-loss' | 'refused-connections'
  readonly title: string
  readonly result: Result
  /** Engines that do it, the preferred first, with their way onto the interface: `tc/tcx`. */
  readonly engines: readonly string[]
  /** Why not; undefined where it works. */
  readonly reason: string | undefined
}

/** @throws {Error} where a check that a verdict rests on was not made: a bug */
export function verdicts(checks: readonly Check[]): Verdict[] {
  const check = (id: string): Check => {
    const found = checks.find(({ question }) => question.id === id)
    if (!found) throw new Error(`no check ${id}`)
    return found
  }
  const isYes = (id: string) => check(id).result === 'yes'
  const tc = check('tcx').result === 'yes' ? 'tc/tcx' : 'tc/clsact'
  // What could not be tried cannot work either, if the kernel takes no program.
  const loading = check('bpf-load')
  const network = (id: string) =>
    check(id).result === 'unknown' && loading.result === 'no' ? loading : check(id)
  return [
    // Seccomp last: where none works, its reason is the one that a user can do something about.
    verdict('system-calls', 'system call faults', [
      ['override', check('override')],
      ['ptrace', check('ptrace')],
      ['seccomp', check('seccomp-listener')],
      // In run, `auto` takes it after override; in exec, never.
      ...(isYes('hook') ? [['hook', check('hook')] as const] : []),
    ]),
    verdict('packet-loss', 'packet loss', [[tc, network('drop-out')]]),
    verdict('incoming-loss', 'incoming loss', [['cgroup', network('drop-in')]]),
    verdict('refused-connections', 'refused connections', [
      ['cgroup', network('refuse')],
      ['ptrace', check('ptrace')],
      ['seccomp', check('seccomp-listener')],
    ]),
  ]
}

/** 0 where a fault is known to work, else 1. */
export function exitStatusOf(all: readonly Verdict[]): 0 | 1 {
  return all.some(({ result }) => result === 'yes') ? 0 : 1
}

function verdict(
  id: Verdict['id'],
  title: string,
  ways: readonly (readonly [engine: string, check: Check])[],
): Verdict {
  const working = ways.filter(([, { result }]) => result === 'yes')
  if (working.length > 0)
    return {
      ...{ id, title, result: 'yes', reason: undefined },
      engines: working.map(([engine]) => engine),
    }
  const open = ways.find(([, { result }]) => result === 'unknown')
  const last = open?.[1] ?? ways.at(-1)?.[1]
  return {
    ...{ id, title, engines: [], result: open ? 'unknown' : 'no' },
    reason: last?.reason ?? last?.detail,
  }
}

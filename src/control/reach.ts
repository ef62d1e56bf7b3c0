/** `--control[=SET]`: the system calls that rules may name while the command runs. Pure. */
import type { Architecture } from '../rules/architecture.ts'
import { parseSet } from '../rules/grammar-set.ts'
import { families } from '../rules/names/families.ts'
import { Span } from '../rules/span.ts'

/**
 * Calls that do nothing but wait, for time, events or others, and those that end such waits: programs make them all the
 * time, and a fault in them tests no error handling.
 */
const waiting = new Set(
  `select pselect6 poll ppoll epoll_wait epoll_pwait epoll_pwait2
  futex futex_wait futex_waitv futex_wake futex_requeue
  wait4 waitid pause nanosleep clock_nanosleep sched_yield
  rt_sigsuspend rt_sigtimedwait io_getevents io_pgetevents`.split(/\s+/),
)

/**
 * @param set empty: every call that can be faulted, but for those that wait
 * @throws {MinderbinderError} one of the codes of faults
 */
export function reachOf(set: string, arch: Architecture): ReadonlySet<string> {
  if (set === '') {
    const all = families(arch).get('all')?.members ?? []
    return new Set(all.filter((name) => !waiting.has(name)))
  }
  const { named, fromKinds } = parseSet(new Span(set), arch)
  return new Set([...named.keys(), ...fromKinds])
}

/** Why something was refused: a few words for the first line, the rest for its check. */
import { type ErrorCode, MinderbinderError } from '../errors.ts'
import { type Check, no, type Question, unknown } from './check.ts'
import type { Facts } from './facts.ts'

type Privileges = Pick<Facts, 'euid' | 'capabilities' | 'initialUserNamespace' | 'lockdown'>

/** What a BPF program for the network takes; CAP_SYS_ADMIN stands for all of them (capabilities(7)). */
const forNetwork = ['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN']

/** Why the kernel says EPERM, as far as that can be told from outside. */
export function whyForbidden(facts: Privileges): string {
  const missing = missingCapabilities(facts)
  if (facts.euid !== 0 && missing.length > 0) return 'needs root'
  if (facts.initialUserNamespace === false) return 'needs root outside this user namespace'
  if (missing.length > 0) return `needs ${missing.join(', ')}`
  if (facts.lockdown === 'confidentiality') return 'the kernel is locked down'
  return 'the kernel refuses it (EPERM)'
}

function missingCapabilities({ capabilities }: Privileges): string[] {
  if (capabilities === null) return []
  if (capabilities.includes('CAP_SYS_ADMIN') && capabilities.includes('CAP_NET_ADMIN')) return []
  return forNetwork.filter((name) => !capabilities.includes(name))
}

const reasons: Partial<Record<ErrorCode, string>> = {
  MB_LIBBPF: 'libbpf cannot be used',
  MB_NO_CGROUP2: 'no cgroup v2 can be found',
  MB_CGROUP: 'no cgroup can be made',
  MB_ATTACH: 'a BPF program does not load or attach',
}

/** The same words that exec ends with; an error that is none of ours proves nothing. */
export function refused(question: Question, error: unknown, facts: Privileges): Check {
  if (!(error instanceof MinderbinderError)) {
    const message = error instanceof Error ? error.message : String(error)
    return unknown(question, `trying it failed: ${message}`)
  }
  const forbidden = error.code === 'MB_NO_PERMISSION'
  const reason = forbidden ? whyForbidden(facts) : reasons[error.code]
  return no(question, error.message, {
    reason: reason ?? error.message,
    // In a user namespace, what helps a container does not.
    remedy:
      forbidden && facts.initialUserNamespace === false && facts.euid === 0
        ? 'run it outside this user namespace: BPF needs root in the initial user namespace'
        : error.hint,
  })
}

/** What this user may do. Pure: from the facts. */
import { type Check, no, type Question, unknown, yes } from './check.ts'
import type { Facts } from './facts.ts'

interface CapabilityQuestion extends Question {
  readonly capability: string
  /** The kernel asks for it in the initial user namespace, whatever the capabilities in another one. */
  readonly initialOnly?: boolean
}

const capabilityQuestions: readonly CapabilityQuestion[] = [
  capability('CAP_BPF', 'no network faults, and no override engine', { initialOnly: true }),
  capability('CAP_PERFMON', 'no network faults, and no override engine', { initialOnly: true }),
  capability('CAP_NET_ADMIN', 'no network faults', { initialOnly: true }),
  capability(
    'CAP_SYS_ADMIN',
    'no override engine; under seccomp faults setuid programs get no privileges',
  ),
  capability(
    'CAP_SYS_PTRACE',
    "in programs that change their user, path= matches nothing and ld.so's calls are faulted too",
  ),
  capability('CAP_SETUID', 'no -u/--user'),
  capability('CAP_SETGID', 'no -u/--user'),
  capability('CAP_DAC_OVERRIDE', 'no cgroup if the directory belongs to another user'),
]

const root: Question = {
  id: 'root',
  group: 'privileges',
  title: 'root',
  cost: 'no network faults, no override engine, no -u/--user',
  remedy: 'sudo minderbinder …, with -u NAME to run the command as that user',
}

const initialUserNamespace: Question = {
  id: 'initial-user-namespace',
  group: 'privileges',
  title: 'the initial user namespace',
  cost: 'no network faults and no override engine, even for root',
  remedy: 'run it outside: not under unshare -r, rootless podman or docker with userns-remap',
}

const notLockedDown: Question = {
  id: 'not-locked-down',
  group: 'privileges',
  title: 'the kernel is not locked down',
  cost: 'no override engine: BPF programs may not read the kernel, and there are no kprobes',
  remedy: 'boot without lockdown=confidentiality (often: without Secure Boot)',
}

export function privilegeChecks(facts: Facts): Check[] {
  return [
    facts.euid === 0 ? yes(root, 'euid 0') : no(root, `euid ${facts.euid}`),
    namespaceCheck(facts.initialUserNamespace),
    ...capabilityQuestions.map((question) => capabilityCheck(question, facts)),
    lockdownCheck(facts),
  ]
}

function capability(
  name: string,
  cost: string,
  { initialOnly = false }: { initialOnly?: boolean } = {},
): CapabilityQuestion {
  const id = name.toLowerCase().replaceAll('_', '-')
  return {
    ...{ id, group: 'privileges', title: name, cost, remedy: 'sudo minderbinder …' },
    ...{ capability: name, initialOnly },
  }
}

function capabilityCheck(question: CapabilityQuestion, facts: Facts): Check {
  const { capabilities, initialUserNamespace: initial } = facts
  if (capabilities === null) return unknown(question, '/proc/self/status does not say')
  if (!capabilities.includes(question.capability)) {
    // capabilities(7): what CAP_BPF and CAP_PERFMON allow was CAP_SYS_ADMIN's before Linux 5.8, and still is.
    const standIn = ['CAP_BPF', 'CAP_PERFMON'].includes(question.capability)
    if (standIn && capabilities.includes('CAP_SYS_ADMIN') && initial !== false)
      return yes(question, 'CAP_SYS_ADMIN includes it')
    // Root without it is root in a container, as a rule; others may be both.
    const name = question.capability.slice('CAP_'.length)
    const container = `in a container: docker run --cap-add ${name}, or --privileged`
    return no(question, 'not in CapEff', {
      remedy: facts.euid === 0 ? container : `${question.remedy}; ${container}`,
    })
  }
  if (question.initialOnly && initial === false)
    return no(question, 'only in this user namespace; the kernel asks for it in the initial one', {
      remedy: initialUserNamespace.remedy,
    })
  return yes(question, 'in CapEff')
}

function namespaceCheck(initial: boolean | null): Check {
  if (initial === null) return unknown(initialUserNamespace, '/proc/self/uid_map does not say')
  return initial
    ? yes(initialUserNamespace, 'all ids are mapped to themselves')
    : no(initialUserNamespace, 'root here is another user outside')
}

function lockdownCheck({ lockdown, kernelConfig }: Facts): Check {
  if (lockdown === null && kernelConfig?.options.CONFIG_SECURITY_LOCKDOWN_LSM === 'n')
    return yes(notLockedDown, 'this kernel was built without lockdown')
  if (lockdown === null)
    return unknown(
      notLockedDown,
      '/sys/kernel/security/lockdown cannot be read: is securityfs mounted?',
    )
  return lockdown === 'confidentiality'
    ? no(notLockedDown, 'lockdown is at confidentiality')
    : yes(notLockedDown, `lockdown is at ${lockdown}`)
}

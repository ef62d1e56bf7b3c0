/** The seccomp engine, by having one call answered. */
import { errnoName } from '../kernel/ffi.ts'
import { type Check, no, type Question, unknown, yes } from './check.ts'
import { Probe } from './probe.ts'

const questions = {
  listener: {
    id: 'seccomp-listener',
    group: 'syscalls',
    title: 'engine seccomp',
    cost: 'no system call faults by seccomp, the engine that needs no privilege',
    remedy:
      'Linux 5.5 with CONFIG_SECCOMP_FILTER; in a container, a seccomp profile that allows seccomp(2)',
  },
  setuid: {
    id: 'seccomp-setuid',
    group: 'syscalls',
    title: 'setuid programs under seccomp faults',
    cost: 'sudo, ping and other setuid programs get no privileges in the command (no_new_privs)',
    remedy: 'CAP_SYS_ADMIN: sudo minderbinder exec -u NAME …; not inside a no_new_privs process',
  },
  wait_killable: {
    id: 'seccomp-wait-killable',
    group: 'syscalls',
    title: 'seccomp flag WAIT_KILLABLE_RECV',
    cost: 'a call that a signal interrupts (Go preempts by SIGURG) is decided, and counted, again',
    remedy: 'Linux 5.19',
  },
  sync_wake_up: {
    id: 'seccomp-sync-wake-up',
    group: 'syscalls',
    title: 'seccomp flag SYNC_WAKE_UP',
    cost: 'named system calls take about five times as long',
    remedy: 'Linux 6.6',
  },
  memory: {
    id: 'target-memory',
    group: 'syscalls',
    title: "the command's memory can be read",
    cost: 'path= matches nothing, and what ld.so does before main is faulted too',
    remedy:
      'kernel.yama.ptrace_scope at 0 or 1; a kernel with CONFIG_CROSS_MEMORY_ATTACH; in a container, process_vm_readv(2) allowed',
  },
} as const satisfies Record<string, Question>

/** What the probe printed: errnos by name. */
export type SeccompAnswers = ReadonlyMap<string, number>

/** Runs the probe; empty where it could not be run. */
export async function probeSeccomp(): Promise<SeccompAnswers> {
  try {
    return await new Probe('seccomp').all()
  } catch {
    return new Map()
  }
}

/** undefined: could not be told. */
export function hasIoUring(answers: SeccompAnswers): boolean | undefined {
  const errno = answers.get('io_uring')
  return errno === undefined ? undefined : errno === 0
}

const EBUSY = 16

/** Pure. */
export function seccompChecks(answers: SeccompAnswers): Check[] {
  const works = answers.get('listener') === 0
  return [
    listenerCheck(answers.get('listener')),
    works ? setuidCheck(answers.get('setuid')) : unknown(questions.setuid, 'there is no listener'),
    flagCheck(questions.wait_killable, answers, 'the kernel knows the flag'),
    works
      ? flagCheck(questions.sync_wake_up, answers, 'the listener accepted the flag')
      : unknown(questions.sync_wake_up, 'there is no listener'),
    flagCheck(questions.memory, answers, "a child's was read"),
  ]
}

function listenerCheck(errno: number | undefined): Check {
  const question = questions.listener
  if (errno === undefined) return unknown(question, 'the probe did not run')
  if (errno === 0) return yes(question, 'a call was made and answered')
  if (errno === EBUSY)
    return no(
      question,
      'this process is watched by a seccomp listener, and the kernel allows only one',
      {
        reason: 'a seccomp listener is watching already',
        remedy: 'start it outside of the minderbinder, or container tool, that listens',
      },
    )
  return no(question, `the kernel refuses it: ${errnoName(errno)}`, {
    reason: `the seccomp listener is refused (${errnoName(errno)})`,
  })
}

function setuidCheck(errno: number | undefined): Check {
  const question = questions.setuid
  if (errno === undefined) return unknown(question, 'the probe did not run')
  return errno === 0
    ? yes(question, 'the filter was installed without no_new_privs')
    : no(question, 'the filter was installed with no_new_privs')
}

const names = new Map<Question, string>(
  Object.entries(questions).map(([name, question]) => [question, name]),
)

function flagCheck(question: Question, answers: SeccompAnswers, detail: string): Check {
  const errno = answers.get(names.get(question) ?? '')
  if (errno === undefined) return unknown(question, 'the probe did not run')
  return errno === 0 ? yes(question, detail) : no(question, `tried: ${errnoName(errno)}`)
}

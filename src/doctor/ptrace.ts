/** The ptrace engine, by having one call answered by a tracer. */
import { errnoName } from '../kernel/ffi.ts'
import { type Check, no, type Question, unknown, yes } from './check.ts'
import { Probe } from './probe.ts'

const question: Question = {
  id: 'ptrace',
  group: 'syscalls',
  title: 'engine ptrace',
  cost: 'no --engine ptrace, under which no signal interrupts a call that a fault names',
  remedy:
    'kernel.yama.ptrace_scope at 0 or 1; not under strace, a debugger or minderbinder; in a container, ptrace(2) allowed',
}

/** Runs the probe: the errno, 0 for success; undefined if it could not be told. */
export async function probePtrace(): Promise<number | undefined> {
  try {
    return (await new Probe('ptrace').all()).get('tracer')
  } catch {
    return undefined
  }
}

/** Pure. */
export function ptraceCheck(errno: number | undefined): Check {
  if (errno === undefined) return unknown(question, 'the probe did not run')
  if (errno === 0) return yes(question, 'a call was made and answered')
  return no(question, `tried: ${errnoName(errno)}`)
}

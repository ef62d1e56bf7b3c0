/**
 * What the engine hook says it can do, and the cases as it can have them: a call on a descriptor that is not open fails
 * before any hook, so that each becomes another call, which fails after one.
 */
import type { Case, SyscallCase } from './case.ts'
import { type Fault, namesOf } from './fault.ts'
import type { Call, Step } from './steps.ts'
import type { Refusal } from './subjects.ts'

/** Each call has a program at its entry, of which the kernel takes so many. */
const CALLS_MAX = 16
const EBADF = -9n
const ENOENT = -2n

const here = -100
const missing = ':/nowhere/missing'
const other = ':/nowhere/other'
const label = ':user.label'

/** Calls that walk a path first, and so pass security_inode_permission; both architectures have them. */
const instead: Readonly<Record<string, readonly [name: string, ...args: Call['args']]>> = {
  fsync: ['mkdirat', here, missing, 0o755],
  fdatasync: ['unlinkat', here, missing, 0],
  fchdir: ['chdir', missing],
  ftruncate: ['truncate', missing, 0],
  dup: ['mknodat', here, missing, 0o100644, 0],
  fstatfs: ['statfs', missing, 0],
  listen: ['symlinkat', other, here, missing],
  shutdown: ['linkat', here, missing, here, other, 0],
  getsockname: ['fchmodat', here, missing, 0o644],
  getpeername: ['fchownat', here, missing, 0, 0, 0],
  lseek: ['chroot', missing],
  getdents64: ['getxattr', missing, label, 0, 0],
  fchmod: ['lgetxattr', missing, label, 0, 0],
  fchown: ['listxattr', missing, 0, 0],
  readahead: ['llistxattr', missing, 0, 0],
  syncfs: ['removexattr', missing, label],
  fallocate: ['lremovexattr', missing, label],
  bind: ['utimensat', here, missing, 0, 0],
}

/** It must refuse them by itself, or they are not its. */
export function beyondHook(row: SyscallCase): Refusal | undefined {
  const why = refused(throughHooks(row).faults)
  if (why !== undefined) return { why, says: true }
  if (row.group === 'fd' && row.faults.every(({ set }) => set in instead))
    return { why: 'a descriptor that is not open is no hook’s' }
  if (row.steps.some((step) => step.do === 'call' && step.natural === EFAULT))
    return { why: 'a path that cannot be read is no hook’s' }
  return undefined
}

const EFAULT = -14n

function refused(faults: readonly Fault[]): string | undefined {
  if (faults.some(({ outcome }) => !isError(outcome))) return 'it fails calls and does nothing else'
  if (faults.some(({ scope }) => scope === 'thread')) return 'it does not count in threads'
  if (faults.some(({ wide }) => wide)) return 'a family has calls that pass no hook'
  const calls = new Set(faults.flatMap(namesOf))
  if ([...unhooked].some((name) => calls.has(name))) return 'a call that passes no hook'
  return calls.size > CALLS_MAX ? `more than ${CALLS_MAX} calls` : undefined
}

const unhooked = new Set(['getppid', 'fsync', 'fdatasync', 'syncfs', 'dup'])

function isError({ kind, ...rest }: Fault['outcome']): boolean {
  return kind === 'errno' || (kind === 'drawn' && 'pause' in rest && rest.pause === '')
}

/** Rules and calls alike. */
export function throughHooks<Row extends Case>(row: Row): Row {
  if (row.kind !== 'syscall' || row.faults.some(({ fd }) => fd !== undefined)) return row
  const faults = row.faults.map((fault) => ({ ...fault, set: renamed(fault.set) }))
  return { ...row, faults, steps: row.steps.map(replaced) }
}

function renamed(set: string): string {
  return set
    .split('+')
    .map((name) => instead[name]?.[0] ?? name)
    .join('+')
}

function replacedCall(call: Call): Call {
  const [name, ...args] = (call.natural === EBADF && instead[call.name]) || []
  return name === undefined ? call : { ...call, name, args, natural: ENOENT }
}

function replaced(step: Step): Step {
  if (step.do === 'call') return replacedCall(step)
  if (step.do === 'until') return { ...step, call: replacedCall(step.call) }
  if (step.do === 'run' && step.first)
    return { ...step, first: step.first.map(replaced), steps: step.steps.map(replaced) }
  return 'steps' in step ? { ...step, steps: step.steps.map(replaced) } : step
}

/** When `auto` leaves a command to seccomp, though ptrace is exact: what speaks against tracing shows without trying. */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { frontPid } from '../../launch/front.ts'

/** Programs that trace others, which they cannot do under a tracer of ours. */
const tracers: ReadonlySet<string> = new Set([
  'dlv',
  'gdb',
  'gdbserver',
  'lldb',
  'lldb-server',
  'ltrace',
  'reptyr',
  'rr',
  'strace',
])

export interface TracingFacts {
  /** /proc/PID/status of a process before us, which no filter of our own is on (src/launcher/front/shield.c) */
  readonly status: string
  /** kernel.yama.ptrace_scope, 0 to 3; 0 without Yama */
  readonly scope: number
  readonly root: boolean
}

/** @param command as the user wrote it */
export function whyNotTrace(
  command: string | undefined,
  facts: TracingFacts = here(),
): string | undefined {
  const program = basename(command ?? '')
  if (tracers.has(program)) return `${program} traces processes itself`
  // Tracers follow children (strace -f), so that the command has one before ours comes.
  if (number(facts.status, 'TracerPid') !== 0) return 'this process is traced already'
  // Of a container, or a unit: it may forbid ptrace, and may kill the process that tries.
  if (number(facts.status, 'Seccomp') === 2) return 'a seccomp filter is in force here'
  if (facts.scope === 3 || (facts.scope === 2 && !facts.root))
    return `kernel.yama.ptrace_scope is ${facts.scope}`
  return undefined
}

function number(status: string, name: string): number {
  return Number(status.match(new RegExp(`^${name}:\\s*(\\d+)`, 'm'))?.[1] ?? 0)
}

let known: TracingFacts | undefined

/** Looked up once: rules that share no call are asked about one by one. */
function here(): TracingFacts {
  known ??= lookUp()
  return known
}

function lookUp(): TracingFacts {
  return {
    status: textOf(`/proc/${frontPid || process.ppid}/status`),
    scope: Number(textOf('/proc/sys/kernel/yama/ptrace_scope')),
    root: process.geteuid?.() === 0,
  }
}

/** Empty if it is not there. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

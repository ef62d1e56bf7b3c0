/** What a process that should have ended waits for: a failure that is seen once in a thousand runs must say it. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { descendants, program, stateOf } from './processes.ts'

/** `54 launcher S poll; 55 node S epoll; ...`: the process and all below it, each with its threads' wait channels. */
export function whatItWaitsFor(pid: number): string {
  return [pid, ...descendants(pid)].map(describe).join('; ')
}

function describe(pid: number): string {
  return [pid, basename(program(pid)), stateOf(pid), ...waitChannels(pid)].join(' ')
}

/** Of all its threads: the kernel's functions that they sleep in. */
export function waitChannels(pid: number): ReadonlySet<string> {
  return new Set(threads(pid).map((thread) => waitChannel(pid, thread)))
}

function threads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/** proc_pid_wchan(5); `0` where it runs. */
function waitChannel(pid: number, thread: string): string {
  try {
    return readFileSync(`/proc/${pid}/task/${thread}/wchan`, 'utf8')
  } catch {
    return ''
  }
}

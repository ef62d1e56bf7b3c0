/** Processes as /proc shows them: they may end while we look. */
import { readlinkSync } from 'node:fs'
import { readStat } from '../../src/kernel/process/proc-stat.ts'
import { parentOf } from '../../src/kernel/process/tree.ts'
import { processIds } from '../../src/targets/process-info.ts'

/** All descendants of a process. */
export function descendants(pid: number): number[] {
  const parents = children()
  const below = (one: number): number[] =>
    (parents.get(one) ?? []).flatMap((child) => [child, ...below(child)])
  return below(pid)
}

/** Of every process: /proc/PID/task/PID/children takes CONFIG_PROC_CHILDREN. */
function children(): ReadonlyMap<number, readonly number[]> {
  const parents = new Map<number, number[]>()
  for (const pid of processIds()) {
    const parent = parentOf(pid)
    parents.set(parent, [...(parents.get(parent) ?? []), pid])
  }
  return parents
}

/** Tells processes apart by what they run: ours are the launcher and node. */
export function program(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`)
  } catch {
    return ''
  }
}

/** Running, sleeping or stopped, not dead and uncollected. */
export function alive(pid: number): boolean {
  return !['', 'Z'].includes(stateOf(pid))
}

/** SIGKILL; false if there is no such process any more. */
export function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}

/** The processes of one `exec`, from its front: undefined where one is not there (yet, or any more). */
export interface OurProcesses {
  readonly supervisor: number | undefined
  readonly node: number | undefined
  /** What the supervisor has started: the staged child, and then the command. */
  readonly command: number | undefined
}

export function ourProcesses(front: number): OurProcesses {
  const parents = children()
  const own = parents.get(front) ?? []
  const node = own.find((pid) => /\/node$/.test(program(pid)))
  const supervisor = own.find((pid) => /launcher/.test(program(pid)))
  return { node, supervisor, command: supervisor && parents.get(supervisor)?.[0] }
}

/** One letter: R, S, T (stopped), Z ...; empty if it is gone. */
export function stateOf(pid: number): string {
  try {
    return readStat(pid).field(3)
  } catch {
    return ''
  }
}

/**
 * Which running processes are targets of which rules: what bpf/process.bpf.c says of a process when it execs, said of
 * those that did before it was attached. Pure.
 */
import { isGlob } from '../rules/encode.ts'
import type { Rule, Target } from '../rules/rule.ts'
import { globMatches } from './glob.ts'
import type { ProcessInfo } from './process-info.ts'

/**
 * Rule indices by process id, of those processes that are a target of something. Children have what their parents
 * have, as far as the rule is passed on. `spared` are never targets, and neither is process 1.
 */
export function matchAll(
  processes: readonly ProcessInfo[],
  rules: readonly Rule[],
  spared: ReadonlySet<number>,
): Map<number, number[]> {
  const byPid = new Map(processes.map((process) => [process.pid, process]))
  const known = new Map<number, ReadonlySet<number>>()
  const rulesOf = (pid: number): ReadonlySet<number> => {
    const process = byPid.get(pid)
    if (!process || pid === 1 || spared.has(pid)) return new Set()
    const before = known.get(pid)
    if (before) return before
    known.set(pid, new Set()) // parents that go round in a circle, in a list that was not made at one moment
    const inherited = [...rulesOf(process.parent)].filter(
      (index) => rules[index]?.inherit !== false,
    )
    const own = rules.flatMap((rule, index) => (isTarget(process, rule) ? [index] : []))
    const all = new Set([...own, ...inherited])
    known.set(pid, all)
    return all
  }
  return new Map(
    processes.flatMap(({ pid }): [number, number[]][] => {
      const indices = [...rulesOf(pid)].sort((a, b) => a - b)
      return indices.length === 0 ? [] : [[pid, indices]]
    }),
  )
}

/** By itself, without what it inherits. */
export function isTarget(process: ProcessInfo, { targets = [] }: Rule): boolean {
  return targets.some((target) => isMeant(process, target))
}

function isMeant(process: ProcessInfo, target: Target): boolean {
  switch (target.kind) {
    case 'name': {
      const wanted = Buffer.from(target.name).toString('latin1')
      if (!isGlob(target.name)) return process.names.has(wanted)
      return [...process.names].some((name) => globMatches(wanted, name))
    }
    case 'pid':
      return process.pid === target.pid
    case 'uid':
      return process.uid === target.uid
    case 'cgroup': {
      const { cgroup } = process
      return cgroup !== undefined && `${cgroup}/`.startsWith(target.path.replace(/\/*$/, '/'))
    }
  }
}

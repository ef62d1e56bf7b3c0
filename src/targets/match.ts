/**
 * Which running processes are targets of which rules: what bpf/match.bpf.h says of a process when it execs, said of
 * those that did before it was attached. Pure.
 */

import { globMatches, isGlob } from '../rules/glob.ts'
import type { Rule } from '../rules/rule.ts'
import type { Target } from '../rules/target.ts'
import type { ProcessInfo } from './process-info.ts'
import { remembered } from './remembered.ts'

/** Rule indices, in order. */
export interface Found {
  readonly rules: readonly number[]
  /** Of these, what it has from its parents: an exec changes none of it. */
  readonly inherited: readonly number[]
}

export interface Matches {
  /** By process id; only processes that are a target of something. */
  readonly targets: ReadonlyMap<number, Found>
  /** Process ids of those that would be one, had they not gained privileges. */
  readonly spared: readonly number[]
}

/** A process, and the indices of the rules that name it. */
export interface Candidate {
  readonly process: ProcessInfo
  readonly named: readonly number[]
}

const nothing: Found = { rules: [], inherited: [] }

/**
 * Children have what their parents have, as far as the rule is passed on. `never` are no targets, nor is process 1.
 *
 * @param options.includeSetuid those that gained privileges by their exec are as others
 */
export function matchAll(
  candidates: readonly Candidate[],
  rules: readonly Rule[],
  never: ReadonlySet<number>,
  options: { readonly includeSetuid: boolean },
): Matches {
  const byPid = new Map(candidates.map((candidate) => [candidate.process.pid, candidate]))
  const known = new Map<number, Found>()
  const spared: number[] = []
  const inheritedFrom = remembered((ofParent: readonly number[]) =>
    ofParent.filter((index) => rules[index]?.inherit !== false),
  )
  const unionWith = remembered((a: readonly number[]) =>
    remembered((b: readonly number[]) => union(a, b)),
  )
  const decide = ({ process, named }: Candidate): Found => {
    if (process.pid === 1 || never.has(process.pid)) return nothing
    const ofParent = known.get(process.parent)?.rules ?? nothing.rules
    const inherited = inheritedFrom(ofParent)
    const all = unionWith(named)(inherited)
    if (all.length === 0) return nothing
    if (process.gainedPrivileges && !options.includeSetuid) {
      spared.push(process.pid)
      return nothing
    }
    return { rules: all, inherited }
  }
  for (const candidate of candidates) {
    // From the farthest ancestor down, without recursion: a chain of parents may have as many links as there are processes.
    const line: Candidate[] = []
    for (
      let next: Candidate | undefined = candidate;
      next && !known.has(next.process.pid);
      next = byPid.get(next.process.parent)
    ) {
      line.push(next)
      known.set(next.process.pid, nothing) // parents that go round in a circle, in a list that was not made at one moment
    }
    for (const each of line.reverse()) known.set(each.process.pid, decide(each))
  }
  const targets = new Map([...known].filter(([, { rules }]) => rules.length > 0))
  return { targets, spared }
}

function union(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a.length === 0 || b.length === 0) return a.length === 0 ? b : a
  return [...new Set([...a, ...b])].sort((one, other) => one - other)
}

/** What says of a process which rules name it by itself, whatever it inherits: the same list for all that are alike. */
export function namingOf(rules: readonly Rule[]): (process: ProcessInfo) => number[] {
  const byName = new Map<string, number[]>()
  const globs: [pattern: string, index: number][] = []
  const others: [target: Exclude<Target, { kind: 'name' }>, index: number][] = []
  for (const [index, { targets = [] }] of rules.entries())
    for (const target of targets) {
      if (target.kind !== 'name') {
        others.push([target, index])
        continue
      }
      const name = Buffer.from(target.name).toString('latin1')
      if (isGlob(target.name)) globs.push([name, index])
      else byName.set(name, [...(byName.get(name) ?? []), index])
    }
  const pids = new Set(others.flatMap(([each]) => (each.kind === 'pid' ? each.pid : [])))
  const known = new Map<string, number[]>()
  const nameAnew = (process: ProcessInfo) => {
    const names = [...process.names]
    const found = new Set(names.flatMap((name) => byName.get(name) ?? []))
    for (const [pattern, index] of globs)
      if (!found.has(index) && names.some((name) => globMatches(pattern, name))) found.add(index)
    for (const [target, index] of others) if (isMeant(process, target)) found.add(index)
    return [...found].sort((a, b) => a - b)
  }
  return (process) => {
    const { pid, uid, cgroup, names } = process
    const key = [pids.has(pid) ? pid : '', uid, cgroup, ...names].join('\0')
    const found = known.get(key) ?? nameAnew(process)
    known.set(key, found)
    return found
  }
}

function isMeant(process: ProcessInfo, target: Exclude<Target, { kind: 'name' }>): boolean {
  switch (target.kind) {
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

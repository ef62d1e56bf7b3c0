/** What bpf/syscall.bpf.o is told before it is loaded, and the structures that it and node share. Pure. */
import { architecture } from '../../kernel/architecture.ts'
import { struct } from '../../kernel/bpf/struct.ts'
import { encodeRuleSet, RULE_SET_SIZE } from '../../rules/encode.ts'
import type { Rule } from '../../rules/rule.ts'
import type { Targets } from '../../targets/target.ts'
import type { EngineContext } from '../engine.ts'
import { dependsOnAge } from './tables.ts'

/** SOCKET_PATH_MAX of bpf/override.bpf.h */
const SOCKET_PATH_MAX = 112

/** enum uses */
const usable = { paths: 1, fds: 2, age: 4 } as const

/** Structures of bpf/syscall.bpf.c. */
export const overrideStructs = {
  settings: struct({
    seed: 'u64',
    process_rules: 'u32',
    arm64: 'u32',
    wants_events: 'u32',
    exempts_loader: 'u32',
    tracks_processes: 'u32',
    targeted: 'u32',
    machine: 'u32',
    turn: 'u32',
    spares: 'u32',
    user: 'u32',
    group: 'u32',
    changes: 'u32',
    uses: 'u32',
    padding: 'u32',
    control: SOCKET_PATH_MAX,
    everyone: RULE_SET_SIZE,
  }),
  session: struct({
    cgroup: 'u64',
    armed: 'u64',
    level: 'u32',
    pid_level: 'u32',
    zero: 'u32',
    spared: 'u32',
    side: 'u32',
    padding: 'u32',
  }),
  losses: struct({
    events: 'u64',
    foreign_calls: 'u64',
    foreign_programs: 'u64',
    untracked: 'u64',
    spared: 'u64',
    forgotten: 'u64',
  }),
}

/** How many of the rules have scope=process: what there is room for. */
export function countedPerProcess(rules: readonly Rule[], indices: readonly number[]): number {
  return indices.filter((index) => {
    const rule = rules[index]
    return rule?.kind === 'syscall' && rule.scope === 'process'
  }).length
}

export function sparesPrivileged({ machine, includeSetuid }: EngineContext): boolean {
  return !machine && !includeSetuid
}

export function settingsOf(
  context: EngineContext,
  perProcess: number,
  indices: readonly number[],
  targets: Targets | undefined,
  control?: string,
): Buffer {
  const { rules, seed, includeLoader, machine, user, onEvent } = context
  const changes = control !== undefined
  const spares = sparesPrivileged(context) && !changes
  const uses = usesOf(indices.map((index) => rules[index]!))
  const everything = machine === true || changes
  return overrideStructs.settings.encode({
    seed: BigInt.asUintN(64, seed),
    process_rules: perProcess,
    arm64: Number(architecture === 'arm64'),
    wants_events: Number(onEvent !== undefined),
    exempts_loader: Number(!includeLoader),
    tracks_processes: Number((uses & usable.age) !== 0 || !includeLoader || spares),
    targeted: Number(targets !== undefined),
    machine: Number(machine === true),
    turn: targets?.turn ?? 0,
    spares: Number(spares),
    user: user?.uid ?? 0,
    group: user?.gid ?? 0,
    changes: Number(changes),
    // Other rules may follow these.
    uses: everything ? usable.paths | usable.fds | usable.age : uses,
    control: Buffer.concat([Buffer.from(control ?? '')], SOCKET_PATH_MAX),
    everyone: encodeRuleSet(indices.filter((index) => rules[index]?.targets === undefined)),
  })
}

/** What they have no use for, the verifier does not follow: half of its work. */
function usesOf(rules: readonly Rule[]): number {
  const has = (key: 'paths' | 'fds') =>
    rules.some((rule) => rule.kind === 'syscall' && rule[key] !== undefined)
  return (
    (has('paths') ? usable.paths : 0) |
    (has('fds') ? usable.fds : 0) |
    (rules.some(dependsOnAge) ? usable.age : 0)
  )
}

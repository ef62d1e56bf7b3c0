/** struct wire_stage (src/launcher/shared/wire.h): everything that the child's start takes. */
export interface StagePlan {
  /** Place of COMMAND among the user's arguments, from 0: its bytes never pass through node. */
  readonly argvIndex: number
  readonly user: UserIds | undefined
  /** Directory of the cgroup to start in; undefined: the caller's. */
  readonly cgroup: string | undefined
  readonly events: boolean
  readonly includeLoader: boolean
  readonly includeSetuid: boolean
  readonly seed: bigint
  /** struct rule[], the whole plan, and which of them seccomp does. */
  readonly rules: Buffer
  readonly ruleCount: number
  readonly active: readonly number[]
  /** struct target[], of the whole plan. */
  readonly targets: Buffer
  readonly targetCount: number
  /** Where the root of the cgroup v2 hierarchy is mounted; empty where no target asks. */
  readonly cgroupRoot: string
  /** struct call_shape[SYSCALLS_MAX]; asked for only where `active` is not empty. */
  readonly callShapes: () => Buffer
}

/** Whom the command runs as. */
export interface UserIds {
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
}

const stageFlags = { user: 1, events: 2, includeLoader: 4, includeSetuid: 8 } as const

/** sizeof(struct wire_stage) */
export const STAGE_HEADER_SIZE = 48

/** struct wire_stage and what follows it. */
export function encodeStage(plan: StagePlan): Buffer {
  const groups = Uint32Array.from(plan.user?.groups ?? [])
  const active = Uint32Array.from(plan.active)
  const cgroup = Buffer.from(plan.cgroup ?? '')
  const root = Buffer.from(plan.cgroupRoot)
  const header = Buffer.alloc(STAGE_HEADER_SIZE)
  const flags =
    (plan.user ? stageFlags.user : 0) |
    (plan.events ? stageFlags.events : 0) |
    (plan.includeLoader ? stageFlags.includeLoader : 0) |
    (plan.includeSetuid ? stageFlags.includeSetuid : 0)
  const fields = [
    plan.argvIndex,
    flags,
    plan.user?.uid ?? 0,
    plan.user?.gid ?? 0,
    groups.length,
    cgroup.length,
    plan.ruleCount,
    active.length,
    plan.targetCount,
    root.length,
  ]
  fields.forEach((field, index) => {
    header.writeUInt32LE(field, index * 4)
  })
  header.writeBigUInt64LE(plan.seed, STAGE_HEADER_SIZE - 8)
  return Buffer.concat([
    header,
    new Uint8Array(groups.buffer),
    cgroup,
    plan.rules,
    new Uint8Array(active.buffer),
    plan.targets,
    root,
    active.length > 0 ? plan.callShapes() : Buffer.alloc(0),
  ])
}

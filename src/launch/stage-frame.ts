import { SYSCALLS_MAX } from '../rules/encode.ts'

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
  /** Calls come to the supervisor by ptrace, not by a seccomp listener. */
  readonly traces: boolean
  /** No child is made: the process at the other end of SUPERVISOR_JOINING installs the filter on itself. */
  readonly joins: boolean
  readonly seed: bigint
  /** struct rule[], those that the supervisor does. */
  readonly rules: Buffer
  readonly ruleCount: number
  /** Present if rules may change while the command runs. */
  readonly changes: StagedChanges | undefined
  /** struct target[], of these rules, by their places among them. */
  readonly targets: Buffer
  readonly targetCount: number
  /** Where the root of the cgroup v2 hierarchy is mounted; empty where no target asks. */
  readonly cgroupRoot: string
  /** Path of the socket of --control, which programs of the command find in their environment. */
  readonly control: string | undefined
  /** Path of the socket of the session around this one, if the child is to connect to it (Supervisor.onOuter). */
  readonly outer: string | undefined
  /** struct call_shape[SYSCALLS_MAX]; asked for only if there are rules, or may be. */
  readonly callShapes: () => Buffer
}

/** What cannot grow once the command runs. */
export interface StagedChanges {
  /** How many rules there may be at one time. */
  readonly capacity: number
  /** Native numbers of the system calls that rules may name. */
  readonly reach: readonly number[]
}

/** Whom the command runs as. */
export interface UserIds {
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
}

const stageFlags = {
  ...{ user: 1, events: 2, includeLoader: 4, includeSetuid: 8, changes: 16, traces: 32 },
  ...{ joins: 64 },
} as const

/** sizeof(struct wire_stage) */
export const STAGE_HEADER_SIZE = 56

/** struct wire_stage and what follows it. */
export function encodeStage(plan: StagePlan): Buffer {
  const groups = Uint32Array.from(plan.user?.groups ?? [])
  const cgroup = Buffer.from(plan.cgroup ?? '')
  const root = Buffer.from(plan.cgroupRoot)
  const control = Buffer.from(plan.control ?? '')
  const outer = Buffer.from(plan.outer ?? '')
  const header = Buffer.alloc(STAGE_HEADER_SIZE)
  const flags =
    (plan.user ? stageFlags.user : 0) |
    (plan.events ? stageFlags.events : 0) |
    (plan.includeLoader ? stageFlags.includeLoader : 0) |
    (plan.includeSetuid ? stageFlags.includeSetuid : 0) |
    (plan.changes ? stageFlags.changes : 0) |
    (plan.traces ? stageFlags.traces : 0) |
    (plan.joins ? stageFlags.joins : 0)
  const fields = [
    plan.argvIndex,
    flags,
    plan.user?.uid ?? 0,
    plan.user?.gid ?? 0,
    groups.length,
    cgroup.length,
    plan.ruleCount,
    Math.max(plan.ruleCount, plan.changes?.capacity ?? 0),
    plan.targetCount,
    root.length,
    control.length,
    outer.length,
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
    plan.targets,
    root,
    control,
    outer,
    plan.changes ? encodeReach(plan.changes.reach) : Buffer.alloc(0),
    plan.ruleCount > 0 || plan.changes ? plan.callShapes() : Buffer.alloc(0),
  ])
}

/** u64[SYSCALLS_MAX / 64], little-endian: as in encodeSyscall() of src/rules/encode.ts. */
function encodeReach(numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(SYSCALLS_MAX / 8)
  for (const number of numbers) bytes[number >> 3]! |= 1 << (number & 7)
  return bytes
}

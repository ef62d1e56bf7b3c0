/** The native launcher as node sees it: orders to the supervisor and to the front, and what they report. */

import { MinderbinderError } from '../errors.ts'
import { decodeCounts, RULE_COUNTS_SIZE } from '../rules/encode.ts'
import type { SupervisorCounts } from './counts.ts'
import { readDescriptor, writeDescriptor } from './descriptor.ts'
import {
  type Frame,
  FrameReader,
  frameBytes,
  type StageStep,
  stageSteps,
  wireTypes,
} from './wire.ts'

/** Descriptors that the front hands to node (src/launcher/front/start-node.c). */
export const launcherFds = { front: 3, supervisor: 4, events: 5, stdout: 6, terminal: 7 } as const

/** The process that the caller sees. Not this process's parent: that is another once the front is dead. */
export const frontPid = Number(process.env.MINDERBINDER_FRONT)

/** Who draws on the terminal while the child runs: the front tells it of stops, which it alone hears of. */
export interface Drawing {
  /** What gives the terminal back when written to it, should this process be killed. */
  readonly restore: string
  /** The front is about to stop: the terminal is the shell's. */
  suspend(): void
  resume(): void
}

/** How the child ended. */
export type ChildEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: number }

/** How the front shall end, once this process is gone. */
export type Finish =
  | { readonly kind: 'exit'; readonly status: number }
  | { readonly kind: 'signal'; readonly signal: number }

/** Everything that the child's start takes. */
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

/** Staging failed at this step with this errno; what that means to the user is the session's to say. */
export class StageError extends Error {
  readonly step: StageStep
  readonly errno: number

  constructor(step: StageStep, errno: number) {
    super(`staging failed: ${step}, errno ${errno}`)
    this.step = step
    this.errno = errno
  }
}

/** The front wants no session any more, a signal having come before the child ran, or it is dead. */
export class Abandoned extends Error {}

const CLD_EXITED = 1
/** sizeof(struct near_path), offsetof path */
export const NEAR_PATH_SIZE = 264
export const NEAR_PATH_OFFSET = 8
/** sizeof(struct wire_counts), sizeof(struct wire_stage) */
export const COUNTS_HEADER_SIZE = 56
export const STAGE_HEADER_SIZE = 48
const stageFlags = { user: 1, events: 2, includeLoader: 4, includeSetuid: 8 } as const

interface Waiter {
  readonly types: readonly number[]
  resolve(frame: Frame): void
  reject(error: Error): void
}

export class Launcher {
  /** Frames that nobody has asked for yet, and those who wait for one. */
  readonly #frames: Frame[] = []
  readonly #waiters: Waiter[] = []
  #failure: Error | undefined
  #released = false
  #drawing: Drawing | undefined
  #abandon: (failure: Abandoned) => void = () => {}
  readonly #abandoned = new Promise<never>((_resolve, reject) => {
    this.#abandon = reject
  })

  constructor() {
    this.#abandoned.catch(() => {}) // nobody may wait for it
    const reader = new FrameReader()
    readDescriptor(
      launcherFds.supervisor,
      (bytes) => {
        for (const frame of reader.push(bytes)) this.#receive(frame)
      },
      () =>
        this.#lost(
          new MinderbinderError(
            'MB_LAUNCHER',
            'its supervisor process died; the command was killed',
          ),
        ),
    )
    // Of the front, its end of file is what is waited for.
    const front = new FrameReader()
    readDescriptor(
      launcherFds.front,
      (bytes) => {
        for (const frame of front.push(bytes)) this.#fromFront(frame)
      },
      () => {
        const failure = new Abandoned()
        this.#abandon(failure)
        this.#lost(failure)
      },
    )
  }

  /** Prepares the child up to its exec: its pid. Throws StageError. */
  async stage(plan: StagePlan): Promise<number> {
    this.#tell(launcherFds.supervisor, wireTypes.stage, encodeStage(plan))
    const frame = await this.#wait(wireTypes.staged, wireTypes.stageFailed)
    if (frame.type === wireTypes.staged) return frame.payload.readUInt32LE(0)
    throw new StageError(
      stageSteps[frame.payload.readUInt32LE(0)] ?? 'protocol',
      frame.payload.readUInt32LE(4),
    )
  }

  /** Lets the child exec: 0, or the errno. */
  async go(): Promise<number> {
    this.#tell(launcherFds.supervisor, wireTypes.go)
    const frame = await this.#wait(wireTypes.execed, wireTypes.execFailed)
    return frame.type === wireTypes.execed ? 0 : frame.payload.readUInt32LE(0)
  }

  async exited(): Promise<ChildEnd> {
    const { payload } = await this.#wait(wireTypes.exited)
    const status = payload.readUInt32LE(4)
    return payload.readUInt32LE(0) === CLD_EXITED
      ? { kind: 'exited', status }
      : { kind: 'killed', signal: status }
  }

  async counts(): Promise<SupervisorCounts> {
    this.#tell(launcherFds.supervisor, wireTypes.count)
    const { payload } = await this.#wait(wireTypes.counts)
    const nearEnd = COUNTS_HEADER_SIZE + Number(payload.readBigUInt64LE(48)) * NEAR_PATH_SIZE
    const rules = payload.subarray(nearEnd)
    return {
      lostEvents: payload.readBigUInt64LE(0),
      foreignCalls: payload.readBigUInt64LE(8),
      interruptedCalls: payload.readBigUInt64LE(16),
      unsentSignals: payload.readBigUInt64LE(24),
      sparedCalls: payload.readBigUInt64LE(32),
      unreadLoaders: payload.readBigUInt64LE(40),
      nearPaths: decodeNearPaths(payload.subarray(COUNTS_HEADER_SIZE, nearEnd)),
      rules: decodeCounts(rules.subarray(0, rules.length - (rules.length % RULE_COUNTS_SIZE))),
    }
  }

  /** From here on no call is faulted, and no event is written. */
  async lift(): Promise<void> {
    this.#tell(launcherFds.supervisor, wireTypes.lift)
    await this.#wait(wireTypes.lifted)
  }

  /** The child is over, or shall be killed: the supervisor ends, or serves left-over processes unseen. */
  release(): void {
    this.#released = true
    this.#tell(launcherFds.supervisor, wireTypes.release)
  }

  /** What the front must remove if this process is killed. */
  announceCgroup(path: string): void {
    this.#tell(launcherFds.front, wireTypes.session, Buffer.from(path))
  }

  /** From here on `drawing` hears of stops; undefined: nobody draws any more. */
  announceView(drawing: Drawing | undefined): void {
    this.#drawing = drawing
    this.#tell(launcherFds.front, wireTypes.view, Buffer.from(drawing?.restore ?? ''))
  }

  /** As `work`, or @throws {Abandoned} as soon as the front wants no session any more. */
  orAbandoned<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#abandoned])
  }

  /**
   * The last word: this process ends, and then the front ends like this. By SIGKILL: process.exit() would join a thread
   * that waits for the supervisor's word, which waits for our end where the front, having a signal to die of, no longer
   * listens. And the way out of node (exit handlers, freeing a heap) takes two milliseconds.
   */
  finish(finish: Finish): never {
    const payload = Buffer.alloc(8)
    payload.writeUInt32LE(finish.kind === 'exit' ? 0 : 1, 0)
    payload.writeUInt32LE(finish.kind === 'exit' ? finish.status : finish.signal, 4)
    this.#released = true
    this.#tell(launcherFds.front, wireTypes.finish, payload)
    process.kill(process.pid, 'SIGKILL')
    return process.exit() // not reached
  }

  #tell(fd: number, type: number, payload?: Uint8Array): void {
    writeDescriptor(fd, frameBytes(type, payload))
  }

  #receive(frame: Frame): void {
    const at = this.#waiters.findIndex(({ types }) => types.includes(frame.type))
    if (at < 0) this.#frames.push(frame)
    else this.#waiters.splice(at, 1)[0]?.resolve(frame)
  }

  #fromFront({ type }: Frame): void {
    if (type === wireTypes.viewSuspend) {
      this.#drawing?.suspend()
      this.#tell(launcherFds.front, wireTypes.viewSuspended)
    } else if (type === wireTypes.viewResume) {
      this.#drawing?.resume()
    }
  }

  #wait(...types: number[]): Promise<Frame> {
    const at = this.#frames.findIndex(({ type }) => types.includes(type))
    const frame = this.#frames[at]
    if (frame) {
      this.#frames.splice(at, 1)
      return Promise.resolve(frame)
    }
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiters.push({ types, resolve, reject })
    })
  }

  #lost(failure: Error): void {
    if (this.#released || this.#failure) return
    this.#failure = failure
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#failure)
  }
}

/** struct near_path[]: by rule, in the order in which they were met. */
function decodeNearPaths(bytes: Buffer): Map<number, string[]> {
  const all = new Map<number, string[]>()
  for (let at = 0; at < bytes.length; at += NEAR_PATH_SIZE) {
    const rule = bytes.readUInt32LE(at)
    const start = at + NEAR_PATH_OFFSET
    const path = bytes.toString('utf8', start, start + bytes.readUInt32LE(at + 4))
    all.set(rule, [...(all.get(rule) ?? []), path])
  }
  return all
}

/** struct wire_stage and what follows it. */
function encodeStage(plan: StagePlan): Buffer {
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

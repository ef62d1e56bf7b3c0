/** The supervisor as node sees it, over any two channels: orders to it, and what it reports. */
import { MinderbinderError } from '../errors.ts'
import { EVENT_SIZE } from '../report/event.ts'
import { encodeChange, type SupervisorChange } from './change-frame.ts'
import type { Channel } from './channel.ts'
import { decodeSupervisorCounts, type SupervisorCounts } from './counts-frame.ts'
import { encodeStage, type StagePlan } from './stage-frame.ts'
import {
  type Frame,
  FrameReader,
  frameBytes,
  type StageStep,
  stageSteps,
  wireTypes,
} from './wire.ts'

/** How the child ended. */
export type ChildEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: number }

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

/** A change that the supervisor has ready: one of the two has to follow before another change. */
export interface PreparedSupervisorChange {
  /** In force from here on: the last counts of the rules that it removes. */
  commit(): Promise<SupervisorCounts>
  /** It never will be. */
  abandon(): void
}

/** A change was refused with this errno, and the rules are as they were. */
export class ChangeError extends Error {
  readonly errno: number

  constructor(errno: number) {
    super(`the supervisor refused other rules: errno ${errno}`)
    this.errno = errno
  }
}

/** Programs of the command that have connected to the socket of --control: what receives them. */
export interface ClientListener {
  /** @param client no two have the same number */
  opened(client: number, pid: number): void
  said(client: number, bytes: Buffer): void
  /** forgetClient() has to follow. */
  closed(client: number): void
}

/** What the session around this one says, over the child's connection to it. */
export interface OuterListener {
  said(bytes: Buffer): void
  /** It has ended, or given up this client; with a reason if this session is over. */
  closed(why?: Error): void
}

const CLD_EXITED = 1

interface Waiter {
  readonly types: readonly number[]
  resolve(frame: Frame): void
  reject(error: Error): void
}

export class Supervisor {
  /** Resolves once the supervisor has let go of us: it has ended, or goes on unseen. */
  readonly gone: Promise<void>
  readonly #orders: Channel
  readonly #events: Pick<Channel, 'read'>
  /** Frames that were not asked for yet, and the requests that wait for one. */
  readonly #frames: Frame[] = []
  readonly #waiters: Waiter[] = []
  #clients: ClientListener | undefined
  #outer: OuterListener | undefined
  #failure: Error | undefined
  #released = false

  constructor(orders: Channel, events: Pick<Channel, 'read'>) {
    this.#orders = orders
    this.#events = events
    const reader = new FrameReader()
    this.gone = new Promise((resolve) => {
      orders.read(
        (bytes) => {
          for (const frame of reader.push(bytes)) this.#receive(frame)
        },
        () => {
          this.giveUp(
            new MinderbinderError(
              'MB_LAUNCHER',
              'its supervisor process died; the command was killed',
            ),
          )
          resolve()
        },
      )
    })
  }

  /** Without a front, it removes this cgroup if this process is killed. */
  announceCgroup(path: string): void {
    this.#tell(wireTypes.cgroup, Buffer.from(path))
  }

  /** Prepares the child up to its exec: its pid. @throws {StageError} */
  async stage(plan: StagePlan): Promise<number> {
    this.#tell(wireTypes.stage, encodeStage(plan))
    const frame = await this.#wait(wireTypes.staged, wireTypes.stageFailed)
    if (frame.type === wireTypes.staged) return frame.payload.readUInt32LE(0)
    throw new StageError(
      stageSteps[frame.payload.readUInt32LE(0)] ?? 'protocol',
      frame.payload.readUInt32LE(4),
    )
  }

  /** Lets the child exec: 0, or the errno. */
  async go(): Promise<number> {
    this.#tell(wireTypes.go)
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
    this.#tell(wireTypes.count)
    return decodeSupervisorCounts((await this.#wait(wireTypes.counts)).payload)
  }

  /** Other rules, ready to be in force all at once. @throws {ChangeError} */
  async prepare(change: SupervisorChange): Promise<PreparedSupervisorChange> {
    this.#tell(wireTypes.change, encodeChange(change))
    const { type, payload } = await this.#wait(wireTypes.changeReady, wireTypes.changeFailed)
    if (type === wireTypes.changeFailed) throw new ChangeError(payload.readUInt32LE(0))
    return {
      commit: async () => {
        this.#tell(wireTypes.changeCommit)
        return decodeSupervisorCounts((await this.#wait(wireTypes.changed)).payload)
      },
      abandon: () => this.#tell(wireTypes.changeAbandon),
    }
  }

  /** Before the child runs. */
  onClients(listener: ClientListener): void {
    this.#clients = listener
  }

  sendToClient(client: number, text: string): void {
    this.#tell(wireTypes.clientSend, Buffer.concat([clientBytes(client), Buffer.from(text)]))
  }

  /** As sendToClient(), but a client that has no room for it goes without: a few kilobytes at most. */
  offerToClient(client: number, text: string): void {
    this.#tell(wireTypes.clientOffer, Buffer.concat([clientBytes(client), Buffer.from(text)]))
  }

  /** Before the child is staged (StagePlan.outer). */
  onOuter(listener: OuterListener): void {
    this.#outer = listener
  }

  sendToOuter(text: string): void {
    this.#tell(wireTypes.outerSend, Buffer.from(text))
  }

  /** Its rules are gone: so is its connection, if it is still there. */
  forgetClient(client: number): void {
    this.#tell(wireTypes.clientClose, clientBytes(client))
  }

  /** From here on no call is faulted, and no event is written. */
  async lift(): Promise<void> {
    this.#tell(wireTypes.lift)
    await this.#wait(wireTypes.lifted)
  }

  /** SIGKILL for the child, and at release() for what it leaves behind. */
  kill(): void {
    this.#tell(wireTypes.kill)
  }

  /** The child is over, or shall be killed: the supervisor ends, or serves left-over processes unseen. */
  release(): void {
    this.#released = true
    this.#tell(wireTypes.release)
  }

  /** Hands each struct event to `onEvent`; resolves when the last one has been read. */
  readEvents(onEvent: ((event: Buffer) => void) | undefined): Promise<void> {
    if (!onEvent) return Promise.resolve()
    let rest = Buffer.alloc(0)
    return new Promise((resolve) => {
      this.#events.read((bytes) => {
        const all = Buffer.concat([rest, bytes])
        const whole = all.length - (all.length % EVENT_SIZE)
        for (let at = 0; at < whole; at += EVENT_SIZE) onEvent(all.subarray(at, at + EVENT_SIZE))
        rest = all.subarray(whole)
      }, resolve)
    })
  }

  /** Whatever waits for the supervisor's word, now or later, fails so. */
  giveUp(failure: Error): void {
    if (this.#released || this.#failure) return
    this.#failure = failure
    for (const waiter of this.#waiters.splice(0)) waiter.reject(failure)
    this.#outer?.closed(failure)
  }

  #tell(type: number, payload?: Uint8Array): void {
    this.#orders.write(frameBytes(type, payload))
  }

  #receive(frame: Frame): void {
    if (this.#fromOthers(frame)) return
    const at = this.#waiters.findIndex(({ types }) => types.includes(frame.type))
    if (at < 0) this.#frames.push(frame)
    else this.#waiters.splice(at, 1)[0]?.resolve(frame)
  }

  #fromOthers({ type, payload }: Frame): boolean {
    if (type === wireTypes.clientOpened)
      this.#clients?.opened(payload.readUInt32LE(0), payload.readUInt32LE(4))
    else if (type === wireTypes.clientSaid)
      this.#clients?.said(payload.readUInt32LE(0), payload.subarray(4))
    else if (type === wireTypes.clientClosed) this.#clients?.closed(payload.readUInt32LE(0))
    else if (type === wireTypes.outerSaid) this.#outer?.said(payload)
    else if (type === wireTypes.outerClosed) this.#outer?.closed()
    else return false
    return true
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
}

function clientBytes(client: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(client, 0)
  return bytes
}

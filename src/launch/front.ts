/** The front as node sees it: the process that the caller started. Only exec has one. */
import { descriptorChannel, writeDescriptor } from './descriptor.ts'
import type { Home } from './home.ts'
import { Supervisor } from './supervisor.ts'
import { type Frame, FrameReader, frameBytes, wireTypes } from './wire.ts'

/** Descriptors that the front hands to node (src/launcher/front/front.c, become_node). */
export const launcherFds = { front: 3, supervisor: 4, events: 5, stdout: 6, terminal: 7 } as const

/** Its pid. Not this process's parent: that is another once the front is dead. */
export const frontPid = Number(process.env.MINDERBINDER_FRONT)

/** What draws on the terminal while the child runs: the front, which alone sees stops, reports them to it. */
export interface Drawing {
  /** What gives the terminal back when written to it, should this process be killed. */
  readonly restore: string
  /** The front is about to stop: the terminal is the shell's. */
  suspend(): void
  resume(): void
}

/** How the front shall end, once this process is gone. */
export type Finish =
  | { readonly kind: 'exit'; readonly status: number }
  | { readonly kind: 'signal'; readonly signal: number }

/** The front wants no session any more, a signal having come before the child ran, or it is dead. */
export class Abandoned extends Error {}

export class Front implements Home {
  readonly owner = frontPid
  /** Started by the front, and lost with it. */
  readonly supervisor: Supervisor
  #drawing: Drawing | undefined
  #abandon: (failure: Abandoned) => void = () => {}
  readonly #abandoned = new Promise<never>((_resolve, reject) => {
    this.#abandon = reject
  })

  constructor() {
    this.supervisor = new Supervisor(
      descriptorChannel(launcherFds.supervisor),
      descriptorChannel(launcherFds.events),
    )
    this.#abandoned.catch(() => {}) // it may be that nothing waits for it
    const frames = new FrameReader()
    descriptorChannel(launcherFds.front).read(
      (bytes) => {
        for (const frame of frames.push(bytes)) this.#receive(frame)
      },
      () => {
        const failure = new Abandoned()
        this.#abandon(failure)
        this.supervisor.giveUp(failure)
      },
    )
  }

  /** What the front must remove if this process is killed. */
  announceCgroup(path: string): void {
    this.#tell(wireTypes.cgroup, Buffer.from(path))
  }

  /** From here on `drawing` hears of stops; undefined: nothing draws any more. */
  announceView(drawing: Drawing | undefined): void {
    this.#drawing = drawing
    this.#tell(wireTypes.view, Buffer.from(drawing?.restore ?? ''))
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
    this.#tell(wireTypes.finish, payload)
    process.kill(process.pid, 'SIGKILL')
    return process.exit() // not reached
  }

  #tell(type: number, payload?: Uint8Array): void {
    writeDescriptor(launcherFds.front, frameBytes(type, payload))
  }

  #receive({ type }: Frame): void {
    if (type === wireTypes.viewSuspend) {
      this.#drawing?.suspend()
      this.#tell(wireTypes.viewSuspended)
    } else if (type === wireTypes.viewResume) {
      this.#drawing?.resume()
    }
  }
}

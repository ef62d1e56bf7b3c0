/** Frames between node, the front and the supervisor: src/launcher/shared/wire.h is the other end. */
/** enum wire_type */
export const wireTypes = {
  stage: 1,
  go: 2,
  count: 3,
  lift: 4,
  release: 5,
  kill: 6,
  change: 7,
  clientSend: 8,
  clientClose: 9,
  changeCommit: 10,
  changeAbandon: 11,
  clientOffer: 12,
  outerSend: 13,
  staged: 16,
  stageFailed: 17,
  execed: 18,
  execFailed: 19,
  exited: 20,
  counts: 21,
  lifted: 22,
  changed: 23,
  changeFailed: 24,
  clientOpened: 25,
  clientSaid: 26,
  clientClosed: 27,
  changeReady: 28,
  outerSaid: 29,
  outerClosed: 30,
  cgroup: 32,
  finish: 33,
  view: 34,
  viewSuspended: 35,
  viewSuspend: 80,
  viewResume: 81,
} as const

/** enum stage_step, by number. */
export const stageSteps = [
  '',
  'protocol',
  'cgroup',
  'fork',
  'limits',
  'user',
  'seccomp',
  'listener',
  'thread',
  'memory',
  'trace',
  'control',
  'outer',
] as const

export type StageStep = (typeof stageSteps)[number]

export interface Frame {
  readonly type: number
  readonly payload: Buffer
}

const HEADER_SIZE = 8

/** Frames out of a stream that is cut anywhere. */
export class FrameReader {
  #pending: Buffer<ArrayBufferLike> = Buffer.alloc(0)

  /** The frames that these bytes complete. */
  push(bytes: Buffer): Frame[] {
    this.#pending = this.#pending.length ? Buffer.concat([this.#pending, bytes]) : bytes
    const frames: Frame[] = []
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame)
    return frames
  }

  #next(): Frame | undefined {
    if (this.#pending.length < HEADER_SIZE) return undefined
    const end = HEADER_SIZE + this.#pending.readUInt32LE(4)
    if (this.#pending.length < end) return undefined
    const frame = {
      type: this.#pending.readUInt32LE(0),
      payload: this.#pending.subarray(HEADER_SIZE, end),
    }
    this.#pending = this.#pending.subarray(end)
    return frame
  }
}

/** The bytes of one frame. */
export function frameBytes(type: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(HEADER_SIZE)
  header.writeUInt32LE(type, 0)
  header.writeUInt32LE(payload.length, 4)
  return Buffer.concat([header, payload])
}

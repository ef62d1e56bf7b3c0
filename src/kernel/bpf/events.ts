/** Reads a BPF ring buffer: every record, in order, until closed. */
import type { Pointer } from '../ffi.ts'
import { bootTime, loadLibc } from '../libc.ts'
import { type Libbpf, loadLibbpf } from './libbpf.ts'

/** Between two readings. At 1 MiB of buffer, events are lost above some 100,000 a second. */
const POLL_MS = 20

export class RingReader {
  readonly #libbpf: Libbpf
  readonly #callback: bigint
  readonly #timer: NodeJS.Timeout
  #ring: Pointer

  private constructor(libbpf: Libbpf, ring: Pointer, callback: bigint) {
    this.#libbpf = libbpf
    this.#ring = ring
    this.#callback = callback
    this.#timer = setInterval(() => this.drain(), POLL_MS)
    this.#timer.unref()
  }

  /** `onRecord` owns the bytes it gets. `map` is the descriptor of a BPF_MAP_TYPE_RINGBUF. */
  static async open(map: number, onRecord: (record: Buffer) => void): Promise<RingReader> {
    const libbpf = await loadLibbpf()
    const { koffi } = libbpf
    const copy = (_context: bigint, data: bigint, size: number | bigint): number => {
      onRecord(Buffer.from(koffi.view(data, Number(size)).slice(0)))
      return 0
    }
    const type = koffi.proto('int', ['void *', 'void *', 'size_t'])
    const callback = koffi.register(copy, koffi.pointer(type))
    const ring = libbpf.ringNew(map, callback, null, null)
    if (!ring) {
      const errno = koffi.errno()
      koffi.unregister(callback)
      throw new Error(`ring_buffer__new: errno ${errno}`)
    }
    return new RingReader(libbpf, ring, callback)
  }

  /** Hands on what has come since the last reading. */
  drain(): void {
    if (this.#ring) this.#libbpf.ringConsume(this.#ring)
  }

  /** Drains once more, then gives the buffer back. Idempotent. */
  close(): void {
    if (!this.#ring) return
    clearInterval(this.#timer)
    this.drain()
    this.#libbpf.ringFree(this.#ring)
    this.#ring = null
    this.#libbpf.koffi.unregister(this.#callback)
  }
}

/**
 * Hands each struct event of the ring buffer to onEvent. BPF stamps them with CLOCK_BOOTTIME; the listener gets
 * CLOCK_REALTIME, as from the supervisor.
 */
export async function readEvents(
  map: number,
  onEvent: (event: Buffer) => void,
): Promise<RingReader> {
  await loadLibc() // for bootTime()
  const offset = BigInt(Date.now()) * 1_000_000n - bootTime()
  return RingReader.open(map, (event) => {
    event.writeBigUInt64LE(event.readBigUInt64LE(0) + offset, 0) // time_ns
    onEvent(event)
  })
}

/** Bytes of one struct event (bpf/rule.h) to what the log speaks. test/unit/report/event.test.ts holds the offsets to C. */
import { formatAddress, formatEndpoint, formatSockaddr } from './address.ts'
import { printable } from './printable.ts'

export const EVENT_SIZE = 384
const ARGS = 6
const TEXT_MAX = 256
const TEXT_PATH = 1
const TEXT_SOCKADDR = 2

/** Where every field lies, in bytes from the start of struct event. */
export const eventOffsets = {
  time_ns: 0,
  n: 8,
  args: 16,
  rule: 64,
  pid: 68,
  tid: 72,
  syscall: 76,
  text_kind: 80,
  text_len: 82,
  protocol: 84,
  direction: 85,
  remote_port: 86,
  ifindex: 88,
  remote: 92,
  family: 108,
  comm: 112,
  text: 128,
} as const

/** A packet or a connect(), as the network engines saw it. */
export interface Traffic {
  /** IPPROTO_*; 0 where the hook does not know it. */
  readonly protocol: number
  readonly direction: 'out' | 'in'
  /** `10.0.0.1:53`, `[::1]:53`; without the port where the protocol has none. */
  readonly remote: string
  /** 0 where the hook sees no interface (connect). */
  readonly ifindex: number
}

/** One injection. */
export interface InjectionEvent {
  /** Nanoseconds since 1970, UTC. */
  readonly timeNs: bigint
  /** The slot of the rule. */
  readonly rule: number
  /** Which matching occurrence of the rule this was, from 1. */
  readonly n: bigint
  /** Thread group id; 0 where the kernel cannot tell (packets). */
  readonly pid: number
  readonly tid: number
  readonly comm: string
  /** Native number; meaningless where there is `traffic`. */
  readonly syscall: number
  readonly args: readonly bigint[]
  /** The path argument, escaped as `printable` does. */
  readonly path?: string
  /** The socket address argument: `127.0.0.1:80`, `unix:/run/x.sock`. */
  readonly address?: string
  /** The path may be longer: an event holds 255 bytes. */
  readonly truncated?: true
  readonly traffic?: Traffic
}

/** @throws {RangeError} the bytes are not one event: the two sides were built from different sources */
export function decodeEvent(bytes: Buffer): InjectionEvent {
  if (bytes.length !== EVENT_SIZE)
    throw new RangeError(`an event is ${EVENT_SIZE} bytes, not ${bytes.length}`)
  const at = eventOffsets
  const comm = bytes.subarray(at.comm, at.text)
  const end = comm.indexOf(0)
  const event = {
    timeNs: bytes.readBigUInt64LE(at.time_ns),
    rule: bytes.readUInt32LE(at.rule),
    n: bytes.readBigUInt64LE(at.n),
    pid: bytes.readUInt32LE(at.pid),
    tid: bytes.readUInt32LE(at.tid),
    comm: printable(end < 0 ? comm : comm.subarray(0, end)),
    syscall: bytes.readUInt32LE(at.syscall),
    args: Array.from({ length: ARGS }, (_, i) => bytes.readBigUInt64LE(at.args + 8 * i)),
  }
  const family = bytes.readUInt32LE(at.family)
  return family === 0 ? { ...event, ...decodeText(bytes) } : { ...event, traffic: traffic(bytes) }
}

function decodeText(bytes: Buffer): Pick<InjectionEvent, 'path' | 'address' | 'truncated'> {
  const kind = bytes.readUInt16LE(eventOffsets.text_kind)
  const length = bytes.readUInt16LE(eventOffsets.text_len)
  const text = bytes.subarray(eventOffsets.text, eventOffsets.text + Math.min(length, TEXT_MAX))
  // Its writer ends it with a NUL: 255 bytes may be all of a path, or its beginning.
  const truncated = length >= TEXT_MAX - 1 ? ({ truncated: true } as const) : {}
  if (kind === TEXT_PATH) return { path: printable(text), ...truncated }
  if (kind === TEXT_SOCKADDR) return { address: formatSockaddr(text) }
  return {}
}

function traffic(bytes: Buffer): Traffic {
  const at = eventOffsets
  const length = bytes.readUInt32LE(at.family) === 4 ? 4 : 16
  const address = bytes.subarray(at.remote, at.remote + length)
  const port = bytes.readUInt16LE(at.remote_port)
  return {
    protocol: bytes.readUInt8(at.protocol),
    direction: bytes.readUInt8(at.direction) === 0 ? 'out' : 'in',
    remote: port === 0 ? formatAddress(address) : formatEndpoint(address, port),
    ifindex: bytes.readUInt32LE(at.ifindex),
  }
}

/** Route netlink (rtnetlink(7)): requests, dumps and attributes, as much as interfaces and tc need. */
import { closeSync } from 'node:fs'
import { errnoName } from '../ffi.ts'
import { loadLibc } from '../libc.ts'

/** include/uapi/linux/rtnetlink.h and netlink.h */
export const messageTypes = {
  delLink: 17,
  getLink: 18,
  newQdisc: 36,
  delQdisc: 37,
  getQdisc: 38,
  newFilter: 44,
  delFilter: 45,
  getFilter: 46,
} as const

export const flags = {
  request: 0x1,
  ack: 0x4,
  dump: 0x300,
  exclusive: 0x200,
  create: 0x400,
} as const

/** rtnetlink(7): link changes. */
export const linkGroup = 1

const AF_NETLINK = 16
const SOCK_RAW = 3
const SOCK_CLOEXEC = 0o2000000
const SOCK_NONBLOCK = 0o4000
const MSG_DONTWAIT = 0x40
const NETLINK_ROUTE = 0
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const HEADER_SIZE = 16
const NLA_TYPE_MASK = 0x3fff // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
/** More than the kernel ever puts into one answer (NLMSG_GOODSIZE, 32 KiB at most for dumps). */
const RECEIVE_SIZE = 64 * 1024

export class NetlinkError extends Error {
  readonly errno: number
  constructor(errno: number) {
    super(errnoName(errno))
    this.errno = errno
  }
}

/**
 * Sends one request and returns the payloads of all answers to it (none for an acknowledgement).
 *
 * @throws {NetlinkError}
 */
export async function request(type: number, flag: number, payload: Buffer): Promise<Buffer[]> {
  const { koffi, socket, send, recv } = await loadLibc()
  const fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)
  if (fd < 0) throw new NetlinkError(koffi.errno())
  try {
    const header = Buffer.alloc(HEADER_SIZE)
    header.writeUInt32LE(HEADER_SIZE + payload.length, 0)
    header.writeUInt16LE(type, 4)
    header.writeUInt16LE(flags.request | flag, 6)
    const message = Buffer.concat([header, payload])
    if (send(fd, message, message.length, 0) < 0) throw new NetlinkError(koffi.errno())
    const answers: Buffer[] = []
    // The kernel answers within send(2), so that recv(2) never waits.
    for (;;) {
      const bytes = Buffer.alloc(RECEIVE_SIZE)
      const size = Number(recv(fd, bytes, bytes.length, 0))
      if (size < 0) throw new NetlinkError(koffi.errno())
      if (readMessages(bytes.subarray(0, size), answers)) return answers
    }
  } finally {
    closeSync(fd)
  }
}

export interface Message {
  readonly type: number
  readonly payload: Buffer
}

/**
 * Calls back after each burst of notifications of a multicast group, with those that were read: none are after an
 * overflow (ENOBUFS), so ask again for what changed. Does not keep the process alive. Returns how to stop.
 *
 * @throws {NetlinkError}
 */
export async function subscribe(
  group: number,
  onChange: (messages: readonly Message[]) => void,
): Promise<() => void> {
  const { koffi, socket, bind, recv } = await loadLibc()
  const fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)
  if (fd < 0) throw new NetlinkError(koffi.errno())
  const address = Buffer.alloc(12) // struct sockaddr_nl
  address.writeUInt16LE(AF_NETLINK, 0)
  address.writeUInt32LE(group, 8)
  if (bind(fd, address, address.length) < 0) {
    const errno = koffi.errno()
    closeSync(fd)
    throw new NetlinkError(errno)
  }
  const bytes = Buffer.alloc(RECEIVE_SIZE)
  const poll = koffi.node.poll(fd, { readable: true }, () => {
    const messages: Message[] = []
    for (;;) {
      const size = Number(recv(fd, bytes, bytes.length, MSG_DONTWAIT))
      if (size <= 0) break
      messages.push(...messagesIn(Buffer.from(bytes.subarray(0, size))))
    }
    onChange(messages)
  })
  poll.unref()
  return () => {
    poll.close()
    closeSync(fd)
  }
}

/** Appends payloads; true when the last message was among them. */
function readMessages(bytes: Buffer, answers: Buffer[]): boolean {
  for (const { type, payload } of messagesIn(bytes)) {
    if (type === NLMSG_DONE) return true
    if (type === NLMSG_ERROR) {
      const error = payload.readInt32LE(0)
      if (error !== 0) throw new NetlinkError(-error)
      return true // an acknowledgement
    }
    answers.push(payload)
  }
  return false
}

function messagesIn(bytes: Buffer): Message[] {
  const messages: Message[] = []
  for (let at = 0; at + HEADER_SIZE <= bytes.length; ) {
    const length = bytes.readUInt32LE(at)
    if (length < HEADER_SIZE) break
    const payload = bytes.subarray(at + HEADER_SIZE, at + length)
    messages.push({ type: bytes.readUInt16LE(at + 4), payload })
    at += align(length)
  }
  return messages
}

export function attribute(type: number, ...values: Buffer[]): Buffer {
  const value = Buffer.concat(values)
  const bytes = Buffer.alloc(align(4 + value.length))
  bytes.writeUInt16LE(4 + value.length, 0)
  bytes.writeUInt16LE(type, 2)
  value.copy(bytes, 4)
  return bytes
}

export function attributes(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>()
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at)
    if (length < 4) break
    found.set(bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK, bytes.subarray(at + 4, at + length))
    at += align(length)
  }
  return found
}

export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

export function textOf(bytes: Buffer | undefined): string {
  return bytes ? bytes.toString('utf8').replace(/\0.*$/s, '') : ''
}

/** NLMSG_ALIGN, NLA_ALIGN */
function align(length: number): number {
  return (length + 3) & ~3
}

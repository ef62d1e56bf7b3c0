/** Network namespaces as BPF programs tell them apart: by a number that the kernel gives each, and never again. */
import { closeSync } from 'node:fs'
import { errnoName } from '../ffi.ts'
import { loadLibc } from '../libc.ts'

const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0o2000000
const AF_INET = 2
const AF_INET6 = 10
const SOL_SOCKET = 1
const SO_ACCEPTCONN = 30
const SO_DOMAIN = 39
/** Linux 5.14 (include/uapi/asm-generic/socket.h). */
const SO_NETNS_COOKIE = 71

/** Of the namespace that a socket was made in; undefined if the descriptor is not a socket. */
export async function socketNamespace(socket: number): Promise<bigint | undefined> {
  return (await option(socket, SO_NETNS_COOKIE, 8))?.readBigUInt64LE(0)
}

/** Does it send through interfaces, and not within the machine as AF_UNIX does? */
export async function isInternetSocket(socket: number): Promise<boolean> {
  const domain = (await option(socket, SO_DOMAIN, 4))?.readInt32LE(0)
  return domain === AF_INET || domain === AF_INET6
}

export async function isListening(socket: number): Promise<boolean> {
  return (await option(socket, SO_ACCEPTCONN, 4))?.readInt32LE(0) === 1
}

async function option(socket: number, name: number, length: number): Promise<Buffer | undefined> {
  const { getsockopt } = await loadLibc()
  const [value, size] = [Buffer.alloc(length), Buffer.alloc(4)]
  size.writeUInt32LE(length)
  return getsockopt(socket, SOL_SOCKET, name, value, size) < 0 ? undefined : value
}

/** Of the namespace that we are in. */
export async function ownNetworkNamespace(): Promise<bigint> {
  const { koffi, socket } = await loadLibc()
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  if (fd < 0) throw new Error(`socket: ${errnoName(koffi.errno())}`)
  try {
    const cookie = await socketNamespace(fd)
    if (cookie === undefined) throw new Error('SO_NETNS_COOKIE: this needs Linux 5.14')
    return cookie
  } finally {
    closeSync(fd)
  }
}

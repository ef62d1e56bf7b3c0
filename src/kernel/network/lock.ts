/** One minderbinder at a time changes the qdiscs of a network namespace. */
import { closeSync } from 'node:fs'
import { MinderbinderError } from '../../errors.ts'
import { Deadline } from '../deadline.ts'
import { errnoName } from '../ffi.ts'
import { loadLibc } from '../libc.ts'
import { sleep } from '../sleep.ts'

const AF_PACKET = 17
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0o2000000
const SOL_PACKET = 263
const PACKET_FANOUT = 18
/** An Ethernet protocol for experiments (IEEE 802), which no packet here has; in network byte order. */
const ETH_P_EXPERIMENT = 0xb588
/** What we call our fanout group: "mb". */
const GROUP = 0x6d62
const ENOSPC = 28

const PATIENCE_MS = 10_000
const RETRY_MS = 5

let last: Promise<unknown> = Promise.resolve()

/**
 * Runs `body` while this process alone has the lock, which is a fanout group of packet sockets (packet(7)) with room
 * for one: of one network namespace, gone with its owner, with nothing left anywhere, and only for processes with
 * CAP_NET_RAW there. flock(2) on the namespace itself is for every user.
 *
 * @throws {MinderbinderError} MB_ATTACH: another process (stopped, perhaps) does not let go, or there are no packet sockets
 */
export function withNetworkLock<Result>(body: () => Promise<Result>): Promise<Result> {
  // Within this process: a queue, which needs no retrying.
  const result = last.then(() => locked(body))
  last = result.catch(() => {})
  return result
}

async function locked<Result>(body: () => Promise<Result>): Promise<Result> {
  const { koffi, socket, setsockopt } = await loadLibc()
  const fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, ETH_P_EXPERIMENT)
  if (fd < 0) throw cannotLock(koffi.errno())
  // struct fanout_args: u16 id; u16 type and flags; u32 max_num_members (Linux 5.9, commit 9c661b0b85444)
  const group = Buffer.alloc(8)
  group.writeUInt16LE(GROUP, 0)
  group.writeUInt32LE(1, 4)
  try {
    const deadline = new Deadline(PATIENCE_MS)
    while (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, group, group.length) < 0) {
      const errno = koffi.errno()
      if (errno !== ENOSPC) throw cannotLock(errno)
      if (deadline.passed)
        throw new MinderbinderError(
          'MB_ATTACH',
          `another minderbinder has been changing tc filters for ${PATIENCE_MS / 1000} s`,
          { hint: 'a stopped one holds the lock: continue or end it' },
        )
      await sleep(RETRY_MS)
    }
    return await body()
  } finally {
    closeSync(fd)
  }
}

function cannotLock(errno: number): MinderbinderError {
  return new MinderbinderError(
    'MB_ATTACH',
    `tc filters cannot be changed safely: no packet socket: ${errnoName(errno)}`,
    { hint: 'before Linux 6.6, packet loss needs CAP_NET_RAW and a kernel with CONFIG_PACKET' },
  )
}

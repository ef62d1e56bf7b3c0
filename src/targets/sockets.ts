/** Sockets that a target made before we came: tagged as bpf/network.bpf.c tags those that it sees made. */
import { closeSync, readdirSync, readlinkSync } from 'node:fs'
import { loadLibbpf } from '../kernel/bpf/libbpf.ts'
import { struct } from '../kernel/bpf/struct.ts'
import { uint32 } from '../kernel/bpf/uint32.ts'
import { isInternetSocket, socketNamespace } from '../kernel/network/socket-namespace.ts'
import { getDescriptor, openPidfd } from '../kernel/process/pidfd.ts'
import { encodeRuleSet, RULE_SET_SIZE } from '../rules/encode.ts'
import { TICK_NS } from './limits.ts'
import { birthOf } from './process-info.ts'
import type { TargetEntry } from './target.ts'

/** struct socket_tag of bpf/network.bpf.h */
export const socketTag = struct({
  exec_ns: 'u64',
  elsewhere: 'u32',
  padding: 'u32',
  rules: RULE_SET_SIZE,
})

/**
 * Tags the open sockets of a process, those it shares with others too. A socket that has a tag keeps the rules in it,
 * which may be in force until these are. Sockets that it closes meanwhile are left out; what it makes meanwhile, the
 * kernel side has seen.
 *
 * @param tags descriptor of the map `tags`
 * @param netns cookie of our network namespace
 * @returns those of other network namespaces that it has sockets in
 */
export async function tagSockets(
  tags: number,
  netns: bigint,
  { pid, birth, rules }: TargetEntry,
): Promise<Set<bigint>> {
  const others = new Set<bigint>()
  const pidfd = await openPidfd(pid)
  if (pidfd < 0) return others // it has ended
  try {
    // Looked at after it was opened: were it another process, of the same number, it would be younger.
    if (birthOf(pid) === birth) await tagAll(tags, netns, pidfd, { pid, birth, rules }, others)
    return others
  } finally {
    closeSync(pidfd)
  }
}

/** Adds the namespaces to `others`. */
async function tagAll(
  tags: number,
  netns: bigint,
  pidfd: number,
  { pid, birth, rules }: TargetEntry,
  others: Set<bigint>,
): Promise<void> {
  const { mapLookup, mapUpdate } = await loadLibbpf()
  const own = encodeRuleSet(rules)
  for (const number of socketsOf(pid)) {
    const socket = await getDescriptor(pidfd, number)
    if (socket < 0) continue
    try {
      const itsNetns = await socketNamespace(socket)
      const tag = socketTag.encode({
        exec_ns: birth * TICK_NS,
        elsewhere: itsNetns === netns ? 0 : 1,
        rules: own,
      })
      const before = Buffer.alloc(socketTag.size)
      if (mapLookup(tags, uint32(socket), before) >= 0) keepBefore(tag, before)
      mapUpdate(tags, uint32(socket), tag, 0n) // fails for what has become no socket since
      const isElsewhere = itsNetns !== undefined && itsNetns !== netns
      if (isElsewhere && (await isInternetSocket(socket))) others.add(itsNetns)
    } finally {
      closeSync(socket)
    }
  }
}

/** What the socket has been tagged with before: as old as its maker it stays. (A struct rule_set is bits alone.) */
function keepBefore(tag: Buffer, before: Buffer): void {
  const { rules } = socketTag.offsets
  for (let at = rules; at < tag.length; at++) tag[at]! |= before[at]!
  socketTag.write(tag, { exec_ns: socketTag.read(before, 'exec_ns') })
}

/** Descriptors of a process that are sockets of any kind. */
export function socketsOf(pid: number): number[] {
  const folder = `/proc/${pid}/fd`
  try {
    return readdirSync(folder).flatMap((name) => {
      try {
        return readlinkSync(`${folder}/${name}`).startsWith('socket:') ? [Number(name)] : []
      } catch {
        return [] // closed meanwhile
      }
    })
  } catch {
    return []
  }
}

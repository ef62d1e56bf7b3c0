/** Sockets that a target made before we came: tagged as bpf/network.bpf.c tags those that it sees made. */
import { closeSync, readdirSync, readlinkSync } from 'node:fs'
import { loadLibbpf } from '../kernel/bpf/libbpf.ts'
import { uint32 } from '../kernel/bpf/uint32.ts'
import { isInternetSocket, socketNamespace } from '../kernel/network/socket-namespace.ts'
import { getDescriptor, openPidfd } from '../kernel/process/pidfd.ts'
import { encodeRuleSet } from '../rules/encode.ts'
import { TICK_NS } from './limits.ts'
import { birthOf } from './process-info.ts'
import type { TargetEntry } from './target.ts'

/**
 * Tags the open sockets of a process, those it shares with others too. Sockets that it closes meanwhile are left
 * out; what it makes meanwhile, the kernel side has seen.
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
  const { mapUpdate } = await loadLibbpf()
  // struct socket_tag: u64 exec_ns; u32 elsewhere, padding; struct rule_set
  const head = Buffer.alloc(16)
  head.writeBigUInt64LE(birth * TICK_NS)
  const tag = Buffer.concat([head, encodeRuleSet(rules)])
  for (const number of socketsOf(pid)) {
    const socket = await getDescriptor(pidfd, number)
    if (socket < 0) continue
    try {
      const itsNetns = await socketNamespace(socket)
      tag.writeUInt32LE(itsNetns === netns ? 0 : 1, 8)
      mapUpdate(tags, uint32(socket), tag, 0n) // fails for what has become no socket since
      const isElsewhere = itsNetns !== undefined && itsNetns !== netns
      if (isElsewhere && (await isInternetSocket(socket))) others.add(itsNetns)
    } finally {
      closeSync(socket)
    }
  }
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

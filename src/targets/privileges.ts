/**
 * Whether a process has gained privileges by an exec: what gained_privileges() of bpf/task.bpf.h says at that moment,
 * found out afterwards.
 */
import { readFileSync } from 'node:fs'

/** getauxval(3); include/uapi/linux/auxvec.h */
const auxiliary = { uid: 11, euid: 12, gid: 13, egid: 14, secure: 23 } as const

/** true if that cannot be read: only root may look at the memory of such processes. */
export function gainedPrivileges(pid: number): boolean {
  try {
    return tellsOfGain(
      readFileSync(`/proc/${pid}/auxv`),
      readFileSync(`/proc/${pid}/status`, 'latin1'),
    )
  } catch {
    return true
  }
}

/**
 * Pure. What a program does with its ids later changes no auxiliary vector (set-user-ID programs drop them); what its
 * file's capabilities gave it shows in what it still has. Root gains nothing. AT_SECURE alone is not the answer: see
 * gained_privileges().
 *
 * @param auxv the bytes of /proc/PID/auxv
 * @param status the text of /proc/PID/status
 */
export function tellsOfGain(auxv: Buffer, status: string): boolean {
  const vector = readVector(auxv)
  const id = (name: keyof typeof auxiliary) => vector.get(auxiliary[name])
  if (!id('secure') || id('uid') === 0n) return false
  if (id('uid') !== id('euid') || id('gid') !== id('egid')) return true
  return (capabilities(status, 'CapPrm') & ~capabilities(status, 'CapAmb')) !== 0n
}

/** Pairs of words: 64 bits wide, or 32 in a 32-bit program, where two words read as one are no small number. */
function readVector(auxv: Buffer): Map<number, bigint> {
  const wide = auxv.length >= 8 && auxv.readBigUInt64LE(0) <= 0xffffn
  const size = wide ? 16 : 8
  const pairs = new Map<number, bigint>()
  for (let at = 0; at + size <= auxv.length; at += size) {
    const [type, value] = wide
      ? [Number(auxv.readBigUInt64LE(at)), auxv.readBigUInt64LE(at + 8)]
      : [auxv.readUInt32LE(at), BigInt(auxv.readUInt32LE(at + 4))]
    if (!pairs.has(type)) pairs.set(type, value)
  }
  return pairs
}

function capabilities(status: string, name: string): bigint {
  const [, hex] = status.match(new RegExp(`^${name}:\\t([0-9a-f]+)$`, 'm')) ?? []
  return BigInt(`0x${hex ?? '0'}`)
}

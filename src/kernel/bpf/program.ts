/** What the kernel tells about a loaded program. */
import { errnoName } from '../ffi.ts'
import { loadLibbpf } from './libbpf.ts'

/** How often the kernel did not run it, since it was running on the same CPU already (Linux 5.12). */
export async function missedRuns(program: number): Promise<bigint> {
  const libbpf = await loadLibbpf()
  const info = Buffer.alloc(232) // struct bpf_prog_info of Linux 6.1; older ones fill in less
  const size = Buffer.alloc(4)
  size.writeUInt32LE(info.length)
  const result = libbpf.objectInfo(program, info, size)
  if (result < 0) throw new Error(`bpf_obj_get_info_by_fd: ${errnoName(result)}`)
  return info.readBigUInt64LE(208) // recursion_misses
}

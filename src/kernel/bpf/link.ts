/** Attaching by link: a descriptor that detaches when it is closed, or when its owner dies. */
import { MinderbinderError } from '../../errors.ts'
import { errnoName } from '../ffi.ts'
import { loadLibbpf } from './libbpf.ts'
import { uint32 } from './uint32.ts'

/** enum bpf_attach_type, include/uapi/linux/bpf.h */
export const attachTypes = {
  cgroupIngress: 0,
  sockCreate: 2,
  connect4: 10,
  connect6: 11,
  /** Linux 6.6 */
  tcxEgress: 47,
  /** fentry, and fmod_ret: links since Linux 5.19 */
  traceEntry: 24,
  modifyReturn: 26,
  /** Linux 5.15; `target`: descriptor of perf_event_open(2) */
  perfEvent: 41,
} as const

/** Before the programs that are there already: one of those might end the chain. */
const BPF_F_BEFORE = 1 << 3

export class LinkError extends Error {
  readonly errno: number
  constructor(errno: number) {
    super(errnoName(errno))
    this.errno = errno
  }
}

/**
 * Attaches a program to a cgroup (`target`: descriptor of its directory), for tcx to an interface (`target`:
 * its index), for tracing to the function it was loaded for (`target`: 0). Returns the link's descriptor, close-on-exec.
 *
 * libbpf 1.1 has no call for tcx, but passes attach types that it does not know on to the kernel.
 *
 * @throws {LinkError}
 */
export async function createLink(program: number, target: number, type: number): Promise<number> {
  const { linkCreate } = await loadLibbpf()
  // struct bpf_link_create_opts: size_t sz; u32 flags; …
  const options = Buffer.alloc(64)
  options.writeBigUInt64LE(BigInt(options.length), 0)
  if (type === attachTypes.tcxEgress) options.writeUInt32LE(BPF_F_BEFORE, 8)
  const link = await linkCreate(program, target, type, options)
  if (link < 0) throw new LinkError(-link)
  return link
}

/** Index of the interface that a tcx link is attached to; 0: the interface has gone. @param link its descriptor */
export async function linkedInterface(link: number): Promise<number> {
  const { objectInfo } = await loadLibbpf()
  // struct bpf_link_info: u32 type; u32 id; u32 prog_id; then of tcx: u32 ifindex; u32 attach_type (Linux 6.6)
  const [info, size] = [Buffer.alloc(64), uint32(64)]
  const result = objectInfo(link, info, size)
  if (result < 0) throw new Error(`bpf_obj_get_info_by_fd: ${errnoName(result)}`)
  return info.readUInt32LE(16)
}

/** @returns the link's descriptor @throws {MinderbinderError} MB_ATTACH */
export async function attachRawTracepoint(program: number, tracepoint: string): Promise<number> {
  const { rawTracepointOpen } = await loadLibbpf()
  const link = rawTracepointOpen(tracepoint, program)
  if (link >= 0) return link
  const { message } = new LinkError(-link)
  throw new MinderbinderError('MB_ATTACH', `no program attaches to ${tracepoint}: ${message}`)
}

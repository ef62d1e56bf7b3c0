/** Waiting for BPF programs that run at this moment. */
import { closeSync } from 'node:fs'
import { type Libbpf, loadLibbpf } from './bpf/libbpf.ts'
import { uint32 } from './bpf/uint32.ts'

/** enum bpf_map_type */
const BPF_MAP_TYPE_ARRAY = 2
const BPF_MAP_TYPE_ARRAY_OF_MAPS = 12
/** struct bpf_map_create_opts of libbpf 1.0: its size, and where inner_map_fd is. */
const OPTIONS_SIZE = 48
const INNER_MAP_FD = 24

let underWay: Promise<boolean> | undefined
let next: Promise<boolean> | undefined

/**
 * Ends when every program that ran before the call has returned, but for those that may sleep: tens of milliseconds.
 * One period serves all that ask before it begins. Never fails.
 *
 * @returns false: there was no descriptor or no memory to wait with
 */
export function gracePeriod(): Promise<boolean> {
  next ??= (underWay ?? Promise.resolve()).then(() => {
    underWay = next
    next = undefined
    return wait()
  })
  return next
}

/**
 * A map in a map gets another: before that call returns, the kernel waits for the programs that may still look at the
 * one before (commit 1ae80cf31938, Linux 4.20). membarrier(2) would be less to write, but its MEMBARRIER_CMD_GLOBAL
 * does not wait if one processor is online, where a program can be preempted all the same, and fails with nohz_full.
 */
async function wait(): Promise<boolean> {
  const libbpf = await loadLibbpf()
  const inner = createMap(libbpf, BPF_MAP_TYPE_ARRAY, 0)
  if (inner < 0) return false
  const outer = createMap(libbpf, BPF_MAP_TYPE_ARRAY_OF_MAPS, inner)
  const result =
    outer < 0 ? outer : await libbpf.mapUpdateInBackground(outer, uint32(0), uint32(inner), 0n)
  if (outer >= 0) closeSync(outer)
  closeSync(inner)
  return result === 0
}

function createMap({ mapCreate }: Libbpf, type: number, inner: number): number {
  const options = Buffer.alloc(OPTIONS_SIZE)
  options.writeBigUInt64LE(BigInt(OPTIONS_SIZE), 0) // sz
  options.writeUInt32LE(inner, INNER_MAP_FD)
  return mapCreate(type, 'mb_period', 4, 4, 1, options)
}

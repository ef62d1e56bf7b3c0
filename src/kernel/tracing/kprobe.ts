/** Kprobes as descriptors: perf_event_open(2). Those of tracefs would outlive us. */
import { readFileSync } from 'node:fs'
import { loadKoffi } from '../ffi.ts'

/** Its number as a perf event type is in there; Linux 4.17, CONFIG_KPROBE_EVENTS. */
export const kprobeType = '/sys/bus/event_source/devices/kprobe/type'

const SYS_perf_event_open = process.arch === 'arm64' ? 241 : 298
/** sizeof(struct perf_event_attr) of Linux 5.13; newer kernels take the shorter one as well. */
const ATTR_SIZE = 128
const PERF_FLAG_FD_CLOEXEC = 8

/**
 * A probe at the entry of a kernel function, close-on-exec. It does nothing until a program is linked to it,
 * and the link keeps it. Returns a negative errno where that cannot be: ENOENT, no such function.
 */
export async function openKprobe(functionName: string): Promise<number> {
  const koffi = await loadKoffi()
  const syscall = koffi
    .load(null)
    .func('long syscall(long number, void *attr, int pid, int cpu, int group, unsigned long flags)')
  const name = Buffer.from(`${functionName}\0`)
  const attr = Buffer.alloc(ATTR_SIZE)
  attr.writeUInt32LE(Number(readFileSync(kprobeType, 'utf8')), 0) // type
  attr.writeUInt32LE(ATTR_SIZE, 4) // size
  attr.writeBigUInt64LE(koffi.address(name), 56) // kprobe_func; the offset behind it stays 0
  // Every process; the CPU is a formality: a linked program runs on all of them.
  const fd = Number(syscall(SYS_perf_event_open, attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC))
  return fd < 0 ? -koffi.errno() : fd
}

/** By how much the clocks of our time namespace (time_namespaces(7)) differ from the kernel's own, which BPF reads. */
import { readFileSync, readlinkSync } from 'node:fs'

let offset: bigint | undefined

/** Nanoseconds: what CLOCK_BOOTTIME, and starttime in /proc/PID/stat, are ahead. */
export function bootOffset(): bigint {
  offset ??= readOffset()
  return offset
}

function readOffset(): bigint {
  try {
    const [own, ofChildren] = ['time', 'time_for_children'].map((name) =>
      readlinkSync(`/proc/self/ns/${name}`).replace(/\D/g, ''),
    )
    // The file is about the namespace that children get.
    if (own !== ofChildren) return 0n
    const text = readFileSync('/proc/self/timens_offsets', 'latin1')
    const [, seconds, nanoseconds] = /^boottime\s+(-?\d+)\s+(\d+)$/m.exec(text) ?? []
    return BigInt(seconds ?? 0) * 1_000_000_000n + BigInt(nanoseconds ?? 0)
  } catch {
    return 0n // Linux 5.6, and CONFIG_TIME_NS
  }
}

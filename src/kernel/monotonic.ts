/**
 * Milliseconds of a clock that cannot be set: Date.now() jumps when the machine's time does. As performance.now() has it,
 * without the millisecond that loading node:perf_hooks takes of every start.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1e3 + nanoseconds / 1e6
}

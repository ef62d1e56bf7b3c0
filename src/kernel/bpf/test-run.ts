/** Runs a loaded program once, on a packet of zeros (BPF_PROG_TEST_RUN). */
import { errnoName } from '../ffi.ts'
import { loadLibbpf } from './libbpf.ts'

const PACKET_SIZE = 64

/** What a tc program returned; undefined where the kernel does not run it. */
export async function testRun(program: number): Promise<number | undefined> {
  const libbpf = await loadLibbpf()
  const packet = Buffer.alloc(PACKET_SIZE)
  // struct bpf_test_run_opts
  const options = Buffer.alloc(80)
  options.writeBigUInt64LE(BigInt(options.length), 0) // sz
  options.writeBigUInt64LE(libbpf.koffi.address(packet), 8) // data_in
  options.writeUInt32LE(packet.length, 24) // data_size_in
  options.writeInt32LE(1, 60) // repeat
  return libbpf.testRun(program, options) === 0 ? options.readUInt32LE(56) : undefined // retval
}

/**
 * Runs a raw tracepoint program once, here and now: what it returned.
 *
 * @throws {Error} where the kernel does not run it (before Linux 5.10)
 */
export async function testRunHere(program: number): Promise<number> {
  const libbpf = await loadLibbpf()
  const options = Buffer.alloc(80)
  options.writeBigUInt64LE(BigInt(options.length), 0) // sz
  const result = libbpf.testRun(program, options)
  if (result < 0) throw new Error(`bpf_prog_test_run_opts: ${errnoName(result)}`)
  return options.readUInt32LE(56) // retval
}

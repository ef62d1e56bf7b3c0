/** Whether this kernel lets programs decide at its security hooks: security_*, which it calls where it asks for permission. */
import { closeSync, openSync, readSync } from 'node:fs'
import { attachTypes } from '../bpf/link.ts'
import { errnoName, loadKoffi } from '../ffi.ts'

const btfPath = '/sys/kernel/btf/vmlinux'
/** struct btf_header (Documentation/bpf/btf.rst) */
const HEADER_SIZE = 24

let names: Buffer | undefined

/** Those of `functions` that the kernel has no type of, or all if it has no BTF: no program attaches there. */
export function withoutType(functions: readonly string[]): readonly string[] {
  names ??= readNames()
  return functions.filter((name) => !names?.includes(`\0${name}\0`))
}

/** All names in the BTF, with zeros between: a third of it, the last one. */
function readNames(): Buffer {
  let fd: number | undefined
  try {
    fd = openSync(btfPath, 'r')
    const header = readAt(fd, 0, HEADER_SIZE)
    const [headerSize, offset, size] = [4, 16, 20].map((at) => header.readUInt32LE(at))
    return readAt(fd, headerSize! + offset!, size!)
  } catch {
    return Buffer.alloc(0)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** @throws {RangeError} the file ends before */
function readAt(fd: number, from: number, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  let done = 0
  while (done < size) {
    const count = readSync(fd, bytes, done, size - done, from + done)
    if (count === 0) throw new RangeError(`${btfPath} ends at ${from + done}`)
    done += count
  }
  return bytes
}

const BPF_PROG_TYPE_TRACING = 26
/** r0 = 0; exit */
const nothing = Buffer.from('b7000000000000009500000000000000', 'hex')

/** By loading a program that does nothing, and attaching it nowhere. @returns why it does not load */
export async function whyNoProgramAt(hook: string): Promise<string | undefined> {
  const koffi = await loadKoffi()
  const libbpf = koffi.load('libbpf.so.1')
  const find = libbpf.func('int libbpf_find_vmlinux_btf_id(const char *name, int attachType)')
  const load = libbpf.func(
    'int bpf_prog_load(int type, const char *name, const char *license, void *code, size_t length, void *options)',
  )
  const id = find(hook, attachTypes.modifyReturn)
  if (id < 0) return `${hook}: ${errnoName(id)}`
  // struct bpf_prog_load_opts: size_t sz; int attempts; int expected_attach_type; four u32; u32 attach_btf_id; …
  const options = Buffer.alloc(96)
  options.writeBigUInt64LE(BigInt(options.length), 0)
  options.writeUInt32LE(attachTypes.modifyReturn, 12)
  options.writeUInt32LE(id, 32)
  const count = nothing.length / 8
  const program = load(BPF_PROG_TYPE_TRACING, 'mb_try', 'GPL', nothing, count, options)
  if (program < 0) return errnoName(program)
  closeSync(program)
  return undefined
}

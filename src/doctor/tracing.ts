/** What the override engine and `run` look with. */
import { closeSync, openSync, readSync } from 'node:fs'
import { loadLibbpf } from '../kernel/bpf/libbpf.ts'
import { errnoName } from '../kernel/ffi.ts'
import { type Check, no, type Question, unknown, yes } from './check.ts'
import type { Facts } from './facts.ts'
import { whyForbidden } from './refusal.ts'

const btf: Question = {
  id: 'btf',
  group: 'tracing',
  title: 'BTF of the kernel',
  cost: 'no override engine by fmod_ret',
  remedy: 'a kernel with CONFIG_DEBUG_INFO_BTF',
}

const tracepoints: Question = {
  id: 'tracepoints',
  group: 'tracing',
  title: 'tracepoints',
  cost: 'no process can be followed that minderbinder did not start',
  remedy: 'sudo minderbinder …, on a kernel with CONFIG_BPF_EVENTS',
}

/** include/uapi/linux/btf.h */
const BTF_MAGIC = 0xeb9f
const EPERM = 1
const BPF_PROG_TYPE_RAW_TRACEPOINT = 17
/** r0 = 0; exit */
const nothing = Buffer.from('b7000000000000009500000000000000', 'hex')

export async function tryTracing(facts: Facts): Promise<Check[]> {
  return [await tryTracepoint(facts), btfCheck()]
}

function btfCheck(): Check {
  const path = '/sys/kernel/btf/vmlinux'
  try {
    const fd = openSync(path, 'r')
    const magic = Buffer.alloc(2)
    readSync(fd, magic)
    closeSync(fd)
    return magic.readUInt16LE() === BTF_MAGIC
      ? yes(btf, path)
      : unknown(btf, `${path} is something else`)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return no(btf, `there is no ${path}`)
    return unknown(btf, `${path}: ${code}`)
  }
}

/** A program that does nothing, for a moment, where processes exec. */
async function tryTracepoint(facts: Facts): Promise<Check> {
  try {
    const { koffi } = await loadLibbpf()
    const libbpf = koffi.load('libbpf.so.1')
    const load = libbpf.func(
      'int bpf_prog_load(int type, const char *name, const char *license, void *code, size_t length, void *options)',
    )
    const open = libbpf.func('int bpf_raw_tracepoint_open(const char *name, int program)')
    const count = nothing.length / 8
    const program = load(BPF_PROG_TYPE_RAW_TRACEPOINT, 'mb_doctor', 'GPL', nothing, count, null)
    if (program < 0) return refusal('a program does not load', program, facts)
    const link = open('sched_process_exec', program)
    closeSync(program)
    if (link < 0) return refusal('a program does not attach', link, facts)
    closeSync(link)
    return yes(tracepoints, 'a program was attached to sched_process_exec')
  } catch {
    return unknown(tracepoints, 'not tried: libbpf cannot be used')
  }
}

function refusal(what: string, errno: number, facts: Facts): Check {
  const why = -errno === EPERM ? `: ${whyForbidden(facts)}` : ''
  return no(tracepoints, `${what}: ${errnoName(errno)}${why}`)
}

/** libbpf, by loading it, and what it loads. */
import { loadLibbpf } from '../kernel/bpf/libbpf.ts'
import { type Check, type Question, yes } from './check.ts'
import type { Facts } from './facts.ts'
import { refused } from './refusal.ts'

const library: Question = {
  id: 'libbpf',
  group: 'network',
  title: 'libbpf',
  cost: 'no network faults, and no override engine',
  remedy: 'libbpf 1.0 or newer: apt install libbpf1, or dnf install libbpf',
}

export async function tryLibbpf(facts: Facts): Promise<Check> {
  try {
    const { koffi } = await loadLibbpf()
    const version = koffi.load('libbpf.so.1').func('const char *libbpf_version_string(void)')()
    return yes(library, `libbpf.so.1 is ${version}`)
  } catch (error) {
    return refused(library, error, facts)
  }
}

/**
 * The override engine. Its own probe loads and attaches a program and sees a harmless call fail; where that is
 * missing or cannot tell, what the kernel shows of itself may still be a proof that it cannot work.
 */
import { existsSync } from 'node:fs'
import { type Check, no, type Question, unknown, yes } from './check.ts'
import type { Facts } from './facts.ts'
import { whyForbidden } from './refusal.ts'

const question: Question = {
  id: 'override',
  group: 'syscalls',
  title: 'override by eBPF',
  cost: 'system call faults cost a round trip to the seccomp supervisor (some 10 us) on each named call',
  remedy:
    'root, and a kernel with CONFIG_BPF_KPROBE_OVERRIDE, CONFIG_FUNCTION_ERROR_INJECTION and BTF',
}

/** What the engine's own probe says. */
export type OverrideAnswer =
  | { readonly works: true; readonly mechanism: string }
  | { readonly works: false; readonly why: string; readonly hint?: string | undefined }

export type OverrideProbe = () => Promise<OverrideAnswer>

export interface KernelSigns {
  /** /sys/bus/event_source/devices/kprobe (Linux 4.17); undefined: /sys does not show event sources. */
  readonly kprobes: boolean | undefined
}

export function kernelSigns(): KernelSigns {
  const devices = '/sys/bus/event_source/devices'
  return { kprobes: existsSync(devices) ? existsSync(`${devices}/kprobe`) : undefined }
}

/** @param probe undefined: this version has none */
export async function tryOverride(probe: OverrideProbe | undefined, facts: Facts): Promise<Check> {
  if (!probe) return withoutProbe(facts, kernelSigns())
  try {
    const answer = await probe()
    if (answer.works) return yes(question, `a call failed in a child, by ${answer.mechanism}`)
    return no(question, answer.why, { remedy: answer.hint, reason: answer.why })
  } catch (error) {
    return unknown(question, `trying it failed: ${(error as Error).message}`)
  }
}

/** Pure. */
export function withoutProbe(facts: Facts, signs: KernelSigns): Check {
  const missing = ['CONFIG_BPF_KPROBE_OVERRIDE', 'CONFIG_FUNCTION_ERROR_INJECTION'].filter(
    (name) => facts.kernelConfig?.options[name] === 'n',
  )
  if (missing.length > 0)
    return no(question, `this kernel was built without ${missing.join(' and ')}`)
  if (signs.kprobes === false) return no(question, 'this kernel has no kprobes')
  if (facts.euid !== 0) return no(question, whyForbidden(facts))
  return unknown(question, 'this version has no override engine to try')
}

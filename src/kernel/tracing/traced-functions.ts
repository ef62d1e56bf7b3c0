/** What is attached to the kernel's functions at their entry, as ftrace shows it. */
import { readFileSync } from 'node:fs'

export interface TracedFunction {
  /** A trampoline of BPF's: fentry, fexit and fmod_ret programs share one. */
  readonly direct: boolean
  /** Kprobes, which share one as well, or a tracer. */
  readonly other: boolean
}

/** By name; undefined where the kernel does not show that. */
export function tracedFunctions(): ReadonlyMap<string, TracedFunction> | undefined {
  for (const folder of ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'])
    try {
      return parseTracedFunctions(readFileSync(`${folder}/enabled_functions`, 'utf8'))
    } catch {}
  return undefined
}

/**
 * Pure. `text` is that of enabled_functions (t_show() of kernel/trace/ftrace.c): a function, how many are attached, and
 * flags, of which D says that one of them is called directly. Lines that begin with a tab belong to the one before.
 */
export function parseTracedFunctions(text: string): ReadonlyMap<string, TracedFunction> {
  const lines = text.matchAll(/^(\S+) (?:\[\S+\] )?\((\d+)\)([ A-Z]*)/gm)
  return new Map(
    [...lines].map(([, name, count, flags]) => {
      const direct = flags!.includes('D')
      return [name!, { direct, other: Number(count) > Number(direct) }]
    }),
  )
}

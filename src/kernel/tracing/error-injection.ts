/** What this kernel lets BPF fail, as far as can be seen without loading anything. */
import { existsSync, readFileSync } from 'node:fs'
import { kprobeType } from './kprobe.ts'

const debugfs = '/sys/kernel/debug'
const listPath = `${debugfs}/error_injection/list`
const btfPath = '/sys/kernel/btf/vmlinux'

/** Why no program can make a kernel function fail here; undefined if nothing speaks against it. */
export function whyNoErrorInjection(): string | undefined {
  // CONFIG_FUNCTION_ERROR_INJECTION depends on CONFIG_KPROBES (lib/Kconfig.debug).
  if (!existsSync(kprobeType)) return 'this kernel has no kprobe events (CONFIG_KPROBE_EVENTS)'
  if (existsSync(`${debugfs}/kprobes`) && !existsSync(listPath)) return withoutInjection
  if (!existsSync(btfPath)) return 'this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)'
  // Where debugfs is not mounted: a function that is there with the option only.
  if (!existsSync(listPath) && !readFileSync(btfPath).includes('\0within_error_injection_list\0'))
    return withoutInjection
  return undefined
}

const withoutInjection =
  'this kernel cannot make its functions fail (CONFIG_FUNCTION_ERROR_INJECTION)'

/** The functions that may be made to fail; undefined where debugfs does not show them. */
export function failableFunctions(): ReadonlySet<string> | undefined {
  try {
    const lines = readFileSync(listPath, 'utf8').split('\n')
    return new Set(lines.map((line) => line.split(/\s/, 1)[0]!)) // FUNCTION [MODULE]\tTYPE
  } catch {
    return undefined
  }
}

import { architecture } from '../architecture.ts'
import { kernelSymbols } from './kernel-symbols.ts'

/**
 * Whether a traced function can call a program's own trampoline (CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS), which
 * fentry and fmod_ret programs rest on: on x86_64 wherever there is tracing, on arm64 since Linux 6.4 (commit
 * 2aa6ac03516d). Before, they load, and do not attach (ENOTSUPP).
 */
export function hasDirectCalls(): boolean {
  if (architecture === 'x86_64') return true
  const symbols = kernelSymbols()
  return symbols === '' || symbols.includes(' register_ftrace_direct\n')
}

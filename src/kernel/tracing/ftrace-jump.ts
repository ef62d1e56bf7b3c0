/**
 * What crashes kernels that take some calls of their own for jumps. With CONFIG_DYNAMIC_FTRACE_WITH_JMP (x86) ftrace
 * has bit 0 of an address say that it is to be jumped to, and gcc -Os (CONFIG_CC_OPTIMIZE_FOR_SIZE) puts half of all
 * functions at odd addresses: ftrace then jumps to the byte before such a function, on the next call of whatever is
 * traced. Seen on 7.2.13; 6.12 has no such option, and what lies between was not tried.
 */
import { release } from 'node:os'
import { architecture } from '../architecture.ts'
import { kernelSymbols } from './kernel-symbols.ts'

/** The last release that was seen to do without. */
const CALLS_UP_TO = { major: 6, minor: 12 }

/**
 * ftrace_ops_list_func: runs while a second program comes to a function or leaves it.
 * kprobe_ftrace_handler: runs at each hit of a kprobe at the start of a function.
 */
export type FtraceHandler = 'ftrace_ops_list_func' | 'kprobe_ftrace_handler'

/** Whether ftrace calls it here, as far as can be told: not where the kernel hides addresses (kptr_restrict). */
export function isCalled(handler: FtraceHandler): boolean {
  // arm64 has no such jumps, and kprobes that are traps.
  if (architecture !== 'x86_64') return true
  const [major = 0, minor = 0] = release().split('.').map(Number.parseFloat)
  if (major < CALLS_UP_TO.major || (major === CALLS_UP_TO.major && minor <= CALLS_UP_TO.minor))
    return true
  return hasEvenAddress(kernelSymbols(), handler)
}

/** Pure. `symbols` is the text of /proc/kallsyms, where an address of zeros is a hidden one. */
export function hasEvenAddress(symbols: string, name: string): boolean {
  const end = symbols.indexOf(` ${name}\n`)
  const address = symbols.slice(symbols.lastIndexOf('\n', end) + 1, end).split(' ', 1)[0]!
  return end > 0 && /[^0]/.test(address) && /[02468ace]$/.test(address)
}

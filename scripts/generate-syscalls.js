// Writes src/rules/names/syscall-table.ts from the kernel's headers: node scripts/generate-syscalls.js
//
// <asm/unistd_64.h> of x86_64 and <asm-generic/unistd.h> of arm64 are both installed on a Debian x86_64
// machine (linux-libc-dev). Calls newer than the installed headers are in `newer` below: since Linux 5.1
// new calls get one number on all architectures, so one number each is enough.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'

/** From Linux 6.5 to 6.18, arch/x86/entry/syscalls/syscall_64.tbl and scripts/syscall.tbl. */
const newer = {
  cachestat: 451,
  fchmodat2: 452,
  map_shadow_stack: 453,
  futex_wake: 454,
  futex_wait: 455,
  futex_requeue: 456,
  statmount: 457,
  listmount: 458,
  lsm_get_self_attr: 459,
  lsm_set_self_attr: 460,
  lsm_list_modules: 461,
  mseal: 462,
  setxattrat: 463,
  getxattrat: 464,
  listxattrat: 465,
  removexattrat: 466,
  open_tree_attr: 467,
  file_getattr: 468,
  file_setattr: 469,
}

/** x86_64 alone; Linux 6.11 and 6.18. Made by uprobe trampolines, never by programs. */
const newerX86 = { uretprobe: 335, uprobe: 336 }

/** Numbers that no 64-bit kernel of ours (5.5 and later) has code for. */
const neverImplemented = new Set([
  'afs_syscall',
  'create_module',
  'epoll_ctl_old',
  'epoll_wait_old',
  'get_kernel_syms',
  'get_thread_area',
  'getpmsg',
  'nfsservctl',
  'putpmsg',
  'query_module',
  'security',
  'set_thread_area',
  'tuxcall',
  'vserver',
])

/** What arm64's <asm/unistd.h> defines before it includes the generic table. */
const arm64Options = [
  '__ARCH_WANT_RENAMEAT',
  '__ARCH_WANT_NEW_STAT',
  '__ARCH_WANT_SET_GET_RLIMIT',
  '__ARCH_WANT_TIME32_SYSCALLS',
  '__ARCH_WANT_SYS_CLONE3',
  '__ARCH_WANT_MEMFD_SECRET',
]

/** Name to number, as the preprocessor sees `header` with `defines` set. */
function fromHeader(header, defines) {
  const flags = defines.map((name) => `-D${name}`)
  const source = `#include <${header}>\n`
  const macros = execFileSync('cc', ['-E', '-dM', ...flags, '-'], { input: source }).toString()
  const values = new Map(
    Array.from(macros.matchAll(/^#define (\w+) (\w+)$/gm), (m) => [m[1], m[2]]),
  )
  const numbers = new Map()
  for (const [macro, value] of values) {
    const name = macro.match(/^__NR_(\w+)$/)?.[1]
    if (name === undefined || name === 'syscalls' || name === 'arch_specific_syscall') continue
    // asm-generic says `#define __NR_lseek __NR3264_lseek`, one step of indirection.
    const number = Number(values.get(value) ?? value)
    if (!Number.isInteger(number)) throw new Error(`${header}: ${macro} is ${value}`)
    if (!neverImplemented.has(name)) numbers.set(name, number)
  }
  for (const [name, number] of Object.entries(newer)) numbers.set(name, number)
  return numbers
}

const x86 = fromHeader('asm/unistd_64.h', [])
for (const [name, number] of Object.entries(newerX86)) x86.set(name, number)
const arm64 = fromHeader('asm-generic/unistd.h', arm64Options)
for (const name of arm64.keys()) if (!x86.has(name)) throw new Error(`${name}: arm64 alone`)

const rows = [...x86].sort((a, b) => a[1] - b[1])
const lines = rows.map(([name, number]) => `${name} ${number} ${arm64.get(name) ?? '-'}`)
writeFileSync(
  new URL('../src/rules/names/syscall-table.ts', import.meta.url),
  `/**
 * Every system call up to Linux 6.18: name, number on x86_64, number on arm64 (- where it has none).
 * Written by scripts/generate-syscalls.js, which says where the numbers come from; not edited by hand.
 */
export const syscallTable = \`
${lines.join('\n')}
\`
`,
)

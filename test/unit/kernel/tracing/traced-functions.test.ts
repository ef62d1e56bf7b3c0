import assert from 'node:assert/strict'
import test from 'node:test'
import { parseTracedFunctions } from '../../../../src/kernel/tracing/traced-functions.ts'

// As Linux 6.12.95 prints them, and the third as 6.1.
const text = `__x64_sys_fsync (1) R   D       \ttramp: 0xffffffffa0201000 (call_direct_funcs+0x0/0x20)->call_direct_funcs+0x0/0x20
\tdirect-->bpf_trampoline_6442469431+0x0/0x100
__x64_sys_dup (1) R           \ttramp: 0xffffffffa0207000 (kprobe_ftrace_handler+0x0/0x1d0)->kprobe_ftrace_handler+0x0/0x1d0
__x64_sys_listen (2) R   D  \tftrace_ops_list_func+0x0/0x1b0
\tdirect-->bpf_trampoline_6442469432+0x0/0x100
e_open [ext4] (1)     O       
`

test('what is attached to each function: a BPF trampoline, something else, or both', () => {
  assert.deepEqual(
    [...parseTracedFunctions(text)],
    [
      ['__x64_sys_fsync', { direct: true, other: false }],
      ['__x64_sys_dup', { direct: false, other: true }],
      ['__x64_sys_listen', { direct: true, other: true }],
      ['e_open', { direct: false, other: true }],
    ],
  )
  assert.deepEqual([...parseTracedFunctions('')], [])
})

import assert from 'node:assert/strict'
import test from 'node:test'
import { kernelComplaints } from '../../helpers/vm-log.ts'

const complaints = [
  'WARNING: CPU: 1 PID: 77 at kernel/bpf/verifier.c:1234 check_cond_jmp_op+0x1/0x2',
  'BUG: kernel NULL pointer dereference, address: 0000000000000000',
  'Oops: 0000 [#1] PREEMPT SMP NOPTI',
  'general protection fault, probably for non-canonical address 0xdead: 0000 [#1]',
  'Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100',
  'rcu: INFO: rcu_sched self-detected stall on CPU',
  'INFO: task node:77 blocked for more than 120 seconds.',
  'watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [node:77]',
  'node invoked oom-killer: gfp_mask=0x140cca, order=0, oom_score_adj=0',
]

for (const line of complaints)
  test(`is a complaint: ${line}`, () => {
    const log = `before\r\n[    1.0] ${line}\r\nafter\r\n`
    assert.deepEqual(kernelComplaints(log), [`[    1.0] ${line}\nafter\n`])
  })

test('what every boot prints is none', () => {
  const log = [
    'tsc: Unable to calibrate against PIT',
    'acpi PNP0A03:00: fail to add MMCONFIG information, can’t access extended PCI configuration space',
    'Unstable clock detected, switching default tracing clock to "global"',
    'overlayfs: failed to set xattr on upper',
    'hrtimer: interrupt took 5431229 ns',
  ].join('\n')
  assert.deepEqual(kernelComplaints(log), [])
})

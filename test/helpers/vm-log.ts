/** What in a kernel's log means that something went wrong in it. */

const complaint = new RegExp(
  [
    'WARNING:',
    'BUG:',
    'kernel BUG at',
    'Oops',
    'general protection',
    'Kernel panic',
    'unable to handle',
    'rcu.*(detected stalls|self-detected stall|detected expedited stalls)',
    'blocked for more than \\d+ seconds',
    'soft lockup|hard LOCKUP',
    'UBSAN:|KASAN:|KFENCE:',
    'invoked oom-killer',
    'suspicious RCU usage',
    'possible recursive locking|possible circular locking|inconsistent lock state',
  ].join('|'),
)

/** The lines at fault, each with the few that follow it. */
export function kernelComplaints(log: string): string[] {
  const lines = log.split(/\r?\n/)
  return lines.flatMap((line, at) =>
    complaint.test(line) ? [lines.slice(at, at + 12).join('\n')] : [],
  )
}

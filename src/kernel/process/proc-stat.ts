/** /proc/PID/stat (proc_pid_stat(5)), one character a byte. */
import { readFileSync } from 'node:fs'

export interface ProcessStat {
  readonly comm: string
  /** From the third on, counted as in the man page: 3 is the state. Empty if the kernel has no such field. */
  field(number: number): string
}

/** @throws {Error} there is no such process, or it is not ours to look at */
export function readStat(pid: number): ProcessStat {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The name in parentheses may hold anything, so fields count from the last parenthesis.
  const end = stat.lastIndexOf(')')
  const fields = stat.slice(end + 2).split(' ')
  return {
    comm: stat.slice(stat.indexOf('(') + 1, end),
    field: (number) => fields[number - 3] ?? '',
  }
}

/** `run --dry-run`: who would be a target right now. */
import { oneLine, printable } from '../report/printable.ts'
import type { Rule } from '../rules/rule.ts'
import { matchAll } from '../targets/match.ts'
import { runningProcesses } from '../targets/process-info.ts'

/** A line for each process, by process id, and one that counts them. */
export function dryRun(rules: readonly Rule[]): string {
  const processes = runningProcesses()
  const found = matchAll(processes, rules, new Set([process.pid]))
  const lines = processes
    .filter(({ pid }) => found.has(pid))
    .map(({ pid, comm }) => {
      const labels = found.get(pid)!.map((index) => oneLine(rules[index]!.label))
      return `${pid} ${oneLine(printable(Buffer.from(comm, 'latin1')))}: ${labels.join(', ')}`
    })
  const count =
    lines.length === 1 ? '1 process is a target' : `${lines.length} processes are targets`
  return [...lines, `${count} now`].map((line) => `${line}\n`).join('')
}

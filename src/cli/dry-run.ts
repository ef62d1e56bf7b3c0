/** `run --dry-run`: who would be a target right now. */
import { interfaceIndex, listInterfaces } from '../kernel/interfaces.ts'
import { oneLine, printable } from '../report/printable.ts'
import type { Rule } from '../rules/rule.ts'
import { matchAll } from '../targets/match.ts'
import { runningProcesses } from '../targets/process-info.ts'

/**
 * A line for each process, by process id, and one that counts them.
 *
 * @throws {MinderbinderError} MB_INTERFACE: as run would
 */
export async function dryRun(rules: readonly Rule[]): Promise<string> {
  await mustHaveInterfaces(rules)
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

async function mustHaveInterfaces(rules: readonly Rule[]): Promise<void> {
  const names = rules.flatMap((rule) => (rule.kind === 'syscall' ? [] : (rule.interface ?? [])))
  if (names.length === 0) return
  const all = await listInterfaces()
  for (const name of names) interfaceIndex(all, name)
}

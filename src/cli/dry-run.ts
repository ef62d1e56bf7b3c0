/** `run --dry-run`: who would be a target right now. */
import { interfaceIndex, listInterfaces } from '../kernel/interfaces.ts'
import { networkNamespace } from '../kernel/namespaces.ts'
import { oneLine, printable } from '../report/printable.ts'
import { isBoundToOwnNamespace } from '../rules/reach.ts'
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
      const own = found.get(pid)!.map((index) => rules[index]!)
      const name = oneLine(printable(Buffer.from(comm, 'latin1')))
      return `${pid} ${name}: ${labels(own)}${outOfReach(pid, own)}`
    })
  const count =
    lines.length === 1 ? '1 process is a target' : `${lines.length} processes are targets`
  return [...lines, `${count} now`].map((line) => `${line}\n`).join('')
}

function labels(rules: readonly Rule[]): string {
  return rules.map(({ label }) => oneLine(label)).join(', ')
}

function outOfReach(pid: number, rules: readonly Rule[]): string {
  const bound = rules.filter(isBoundToOwnNamespace)
  if (bound.length === 0 || networkNamespace(pid) === networkNamespace('self')) return ''
  return ` (in another network namespace, out of reach of ${labels(bound)})`
}

async function mustHaveInterfaces(rules: readonly Rule[]): Promise<void> {
  const names = rules.flatMap((rule) => (rule.kind === 'syscall' ? [] : (rule.interface ?? [])))
  if (names.length === 0) return
  const all = await listInterfaces()
  for (const name of names) interfaceIndex(all, name)
}

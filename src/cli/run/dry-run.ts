/** `run --dry-run`: the processes that would be targets now. */
import { interfaceIndex, listInterfaces } from '../../kernel/network/interfaces.ts'
import { networkNamespace } from '../../kernel/process/namespaces.ts'
import { oneLine, printable } from '../../report/printable.ts'
import { isBoundToOwnNamespace } from '../../rules/reach.ts'
import type { Rule } from '../../rules/rule.ts'
import { matchAll, namingOf } from '../../targets/match.ts'
import { RunningProcesses } from '../../targets/running.ts'
import type { RunRules } from './plan.ts'

/**
 * A line for each process, by process id, one that counts them, and what is to be known of the rules.
 *
 * @param options.includeSetuid those that gained privileges by their exec are as others
 * @throws {MinderbinderError} MB_INTERFACE: as run would
 */
export async function dryRun(
  { rules, warnings }: Pick<RunRules, 'rules' | 'warnings'>,
  options: { readonly includeSetuid: boolean },
): Promise<string> {
  await mustHaveInterfaces(rules)
  const naming = namingOf(rules)
  const running = await new RunningProcesses().look()
  const candidates = running.map((process) => ({ process, named: naming(process) }))
  const matches = matchAll(candidates, rules, new Set([process.pid]), options)
  const { targets } = matches
  const spared = new Set(matches.spared)
  const lines = candidates.flatMap(({ process: { pid, comm } }) => {
    const name = oneLine(printable(Buffer.from(comm, 'latin1')))
    if (spared.has(pid)) return [`${pid} ${name}: spared, since it gained privileges`]
    const own = targets.get(pid)?.rules.map((index) => rules[index]!)
    return own ? [`${pid} ${name}: ${labels(own)}${outOfReach(pid, own)}`] : []
  })
  const count =
    targets.size === 1 ? '1 process is a target' : `${targets.size} processes are targets`
  return [...lines, `${count} now`, ...warnings.map((line) => `warning: ${line}`)]
    .map((line) => `${line}\n`)
    .join('')
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

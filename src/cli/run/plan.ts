/** From the rules of the files to what a machine session does: refused here, before anything is touched. */
import { chooseEngines, indicesByEngine } from '../../engines/choose.ts'
import type { Engine } from '../../engines/engine.ts'
import { machineEngines } from '../../engines/engines.ts'
import { tryHooksHere } from '../../engines/override/hook-here.ts'
import { MinderbinderError } from '../../errors.ts'
import { isInFirstNamespace } from '../../kernel/process/namespaces.ts'
import { keptPrivileges } from '../../rules/kept-privileges.ts'
import { limitToInterface } from '../../rules/limit-interface.ts'
import type { Rule } from '../../rules/rule.ts'

/** What of the options decides about rules. */
export interface RunChoices {
  readonly interface: string | undefined
  readonly skipUnsupported: boolean
}

export interface RunRules {
  readonly rules: readonly Rule[]
  readonly engines: ReadonlyMap<Engine, readonly number[]>
  /** Rules that cannot be done here and were left out, with the reason. */
  readonly skipped: readonly string[]
  /** What the user must know of the rules beforehand, one line each. */
  readonly warnings: readonly string[]
}

/** The same, once it is known what this kernel allows. @throws {MinderbinderError} as planRun() */
export async function planRunHere(all: readonly Rule[], choices: RunChoices): Promise<RunRules> {
  if (all.some(({ kind }) => kind === 'syscall')) await tryHooksHere()
  return planRun(all, choices)
}

/**
 * @throws {MinderbinderError} MB_NO_PERMISSION, MB_NAMESPACE, MB_NO_ENGINE, MB_CONFIG, MB_FAULT_VALUE: the rules
 *   cannot be honoured as they are
 */
export function planRun(all: readonly Rule[], choices: RunChoices): RunRules {
  const untargeted = all.find(({ targets }) => targets === undefined)
  if (untargeted)
    throw new MinderbinderError(
      'MB_CONFIG',
      `${untargeted.label} names no targets, so it would apply to every process on the machine`,
      { hint: "add targets; for all processes, process_name: '*'" },
    )
  mustSeeTheMachine(all)
  const limited = choices.interface === undefined ? all : limitToInterface(all, choices.interface)
  const rules: Rule[] = []
  const engines: Engine[] = []
  const skipped: string[] = []
  const refused: Rule[] = []
  for (const [index, choice] of chooseEngines(limited, machineEngines, {
    option: 'auto',
  }).entries()) {
    const rule = limited[index]!
    if ('refusal' in choice) {
      skipped.push(`${rule.label}: ${choice.refusal}`)
      refused.push(rule)
    } else {
      rules.push(rule)
      engines.push(choice.engine)
    }
  }
  if (skipped.length > 0 && (!choices.skipUnsupported || rules.length === 0))
    throw new MinderbinderError('MB_NO_ENGINE', `no engine can do ${skipped.join('; ')}`, {
      hint: waysOn(rules, refused),
    })
  if (rules.length === 0) throw new MinderbinderError('MB_CONFIG', 'the files have no rules')
  const warnings = keptPrivileges(rules)
  return { rules, engines: indicesByEngine(engines, machineEngines), skipped, warnings }
}

/** What you can type next. */
function waysOn(possible: readonly Rule[], refused: readonly Rule[]): string {
  const ways = [
    ...(possible.length > 0
      ? [`run --skip-unsupported applies the ${counted(possible.length, 'other rule')}`]
      : []),
    ...(refused.some(({ kind }) => kind === 'syscall')
      ? ['exec --config FILE -- COMMAND makes system calls fail on every kernel, in that command']
      : []),
  ]
  return ways.join('; ') || 'minderbinder doctor shows what is missing'
}

function counted(count: number, noun: string): string {
  return count === 1 ? noun : `${count} ${noun}s`
}

function mustSeeTheMachine(rules: readonly Rule[]): void {
  if (process.geteuid?.() !== 0)
    throw new MinderbinderError(
      'MB_NO_PERMISSION',
      'run watches the whole machine: it needs root',
      {
        hint: 'try sudo minderbinder run …; exec --config FILE -- COMMAND needs no root for system calls',
      },
    )
  const hint =
    'run it on the machine itself, or in a container with the host’s namespaces (docker run --pid=host --cgroupns=host)'
  if (!isInFirstNamespace('pid'))
    throw new MinderbinderError(
      'MB_NAMESPACE',
      'run watches the whole machine, and this is a pid namespace that shows a part of it',
      { hint },
    )
  if (rules.some(({ kind }) => kind !== 'syscall') && !isInFirstNamespace('cgroup'))
    throw new MinderbinderError(
      'MB_NAMESPACE',
      'network rules of run need the root of the cgroups, and this is a cgroup namespace',
      { hint },
    )
}

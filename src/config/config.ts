/** The configuration file: text in, rules out. man/minderbinder.yaml.5 describes it. */
import { MinderbinderError } from '../errors.ts'
import { RULES_MAX, TARGETS_MAX } from '../rules/encode.ts'
import type { GrammarContext } from '../rules/parts.ts'
import type { Rule } from '../rules/rule.ts'
import { quote } from '../rules/span.ts'
import { networkFault, syscallFault } from './faults.ts'
import { Fields } from './fields.ts'
import { type ConfigSource, ConfigText, LocatedError } from './located.ts'
import { Problems } from './problems.ts'
import type { sections } from './schema.ts'
import { checkShape } from './shape.ts'
import { readYaml } from './yaml-tree.ts'

export type { ConfigSource } from './located.ts'

type Section = keyof typeof sections

/** With its place, for errors that concern more than one. */
interface Read {
  readonly section: Section
  readonly fields: Fields
  readonly rule: Rule
}

/**
 * The rules of all files: file after file, each in the order in which it has them.
 *
 * @param options `keepsGiven`: each with what it is by itself (Rule.given)
 * @throws {MinderbinderError} MB_CONFIG, with all that was found to be wrong
 */
export function parseConfig(
  sources: readonly ConfigSource[],
  context: GrammarContext,
  { keepsGiven = false }: { readonly keepsGiven?: boolean } = {},
): readonly Rule[] {
  const problems = new Problems()
  const read = sources.flatMap((source) => readSource(new ConfigText(source), context, problems))
  checkNames(read, problems)
  problems.throwAny()
  checkLimits(read)
  return read.map(({ section, fields, rule }) =>
    keepsGiven ? { ...rule, given: { [section]: [fields.data] } } : rule,
  )
}

function readSource(source: ConfigText, context: GrammarContext, problems: Problems): Read[] {
  const before = problems.count
  const yaml = readYaml(source, problems)
  if (problems.count > before) return []
  if (!yaml.tree) {
    const place = { start: 0, end: 0 }
    problems.add(() => source.error(place, 'the file is empty', 'it begins with agents_of_chaos:'))
    return []
  }
  checkShape(source, yaml.tree, problems)
  if (problems.count > before) return []
  const read: Read[] = []
  for (const [section, fields] of rulesOf(new Fields(source, yaml, yaml.tree))) {
    try {
      read.push({ section, fields, rule: parseRule(section, fields, context) })
    } catch (error) {
      if (!(error instanceof MinderbinderError)) throw error
      problems.add(() => (error instanceof LocatedError ? error : fields.located(error)))
    }
  }
  return read
}

function parseRule(section: Section, fields: Fields, context: GrammarContext): Rule {
  if (section === 'syscall') return syscallFault(fields, context)
  return networkFault(fields, section === 'outgoing_network' ? 'out' : 'in')
}

/** Section by section as they stand in the file. */
function rulesOf(root: Fields): [Section, Fields][] {
  const agents = root.map('agents_of_chaos')
  return agents.keys.flatMap((section) =>
    (agents.list(section) ?? []).map((rule): [Section, Fields] => [section as Section, rule]),
  )
}

/** The summary must show which rule is meant. */
function checkNames(read: readonly Read[], problems: Problems): void {
  const first = new Map<string, Fields>()
  for (const { fields, rule } of read) {
    if (!fields.has('name')) continue
    const other = first.get(rule.label)
    const message = `${quote(rule.label)} is the name of the rule at ${other?.where}, too`
    if (other) problems.add(() => fields.error('name', message))
    else first.set(rule.label, fields)
  }
}

function checkLimits(read: readonly Read[]): void {
  const excess = read[RULES_MAX]
  if (excess)
    throw excess.fields.error(
      undefined,
      `too many rules: ${read.length} (the limit is ${RULES_MAX})`,
    )
  let targets = 0
  for (const { fields, rule } of read) {
    targets += rule.targets?.length ?? 0
    if (targets > TARGETS_MAX)
      throw fields.error('targets', `there are more than ${TARGETS_MAX} targets in all`)
  }
}

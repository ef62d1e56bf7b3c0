/** From the parts of a fault to its rule: the same for the command line and for a configuration file. */
import { refusesOutcome } from './faultable.ts'
import {
  type Keys,
  parseCommonKeys,
  parseDirection,
  parseProtocol,
  parseScope,
} from './grammar-keys.ts'
import type { CallSet } from './grammar-set.ts'
import { callShape } from './names/shapes.ts'
import { parseCidr, parseInterface, parsePort } from './network-values.ts'
import type { Architecture, LeftOut, NetworkRule, Outcome, SyscallRule } from './rule.ts'
import { quote, type Span } from './span.ts'
import { parseInteger } from './values.ts'

export interface GrammarContext {
  /** Whose system calls the names are. */
  readonly arch: Architecture
}

export interface CommonParts {
  /** Rule.source */
  readonly source: string
  /** What to call the rule where it has no name. */
  readonly written: string
  /** Percent. */
  readonly rate: number
  readonly keys: Keys
  /** What the user means by the value of path= or name=, where it stands for itself. */
  textOf(value: Span): string
}

export interface SyscallParts extends CommonParts {
  /** As written. */
  readonly set: string
  readonly calls: CallSet
  readonly outcome: Outcome
  /** Where it stands. */
  readonly outcomeSpan: Span
}

export interface NetworkParts extends CommonParts {
  readonly kind: NetworkRule['kind']
}

/** Bytes of path=, without the NUL: RULE_PATH_MAX in bpf/rule.h. */
const longestPath = 255

export function syscallRule(parts: SyscallParts): SyscallRule {
  const { source, set, outcome, rate, keys } = parts
  const path = keys.get('path')
  const fd = keys.get('fd')
  return {
    kind: 'syscall',
    source,
    set,
    ...members(parts),
    outcome,
    rate,
    ...parseCommonKeys(parts),
    scope: parseScope(keys.get('scope')),
    ...(path && { path: parsePath(path, parts.textOf(path)) }),
    ...(fd && { fd: parseDescriptor(fd) }),
  }
}

/**
 * The system calls that the rule acts on. One that was named must be able to do all that the fault asks;
 * of a family those that cannot are left out.
 */
function members({ calls, outcome, outcomeSpan, keys }: SyscallParts): {
  syscalls: string[]
  leftOut: LeftOut[]
} {
  const leftOut = [...calls.leftOut]
  const syscalls = new Set<string>()
  const path = keys.get('path')
  const fd = keys.get('fd')
  const candidates = new Set([...calls.named.keys(), ...calls.fromFamilies])
  for (const name of candidates) {
    const shape = callShape(name)
    const refused = refusesOutcome(name, outcome.kind)
    const objections: [reason: string, where: Span][] = []
    if (refused) objections.push([refused, outcomeSpan])
    if (path && shape.paths.length === 0) objections.push(['it has no path argument', path])
    if (fd && shape.fds.length === 0) objections.push(['it has no descriptor argument', fd])
    const [objection] = objections
    if (!objection) syscalls.add(name)
    else if (!calls.named.has(name)) leftOut.push({ name, reason: objection[0] })
    else
      throw objection[1].error(
        'MB_FAULT_VALUE',
        `${name} cannot have this ${objection[1] === outcomeSpan ? 'outcome' : 'key'}: ${objection[0]}`,
        objection[1] === path && shape.fds.length > 0
          ? 'fail what opens the file (openat=EACCES,path=...), or name its descriptor: fd=N'
          : undefined,
      )
  }
  if (syscalls.size === 0)
    throw (path ?? fd ?? outcomeSpan).error(
      'MB_FAULT_VALUE',
      'no system call of the set can do this',
    )
  return { syscalls: [...syscalls].sort(), leftOut }
}

const standardStreams: readonly string[] = ['stdin', 'stdout', 'stderr']

function parseDescriptor(span: Span): number {
  const { text } = span
  const stream = standardStreams.indexOf(text.toLowerCase())
  const hint =
    stream >= 0
      ? `did you mean fd=${stream}?`
      : text.startsWith('!')
        ? 'fd= cannot be negated'
        : 'a rule has one descriptor: give a rule for each'
  if (stream >= 0 || /^!|^\d+[^\d]/.test(text))
    throw span.error('MB_FAULT_SYNTAX', `fd: ${quote(text)} is not a whole number`, hint)
  return parseInteger(span, 'fd', 0, 2 ** 31 - 1)
}

function parsePath(span: Span, path: string): string {
  if (path === '') throw span.error('MB_FAULT_VALUE', 'path= is empty', 'path=* is any path')
  if (path.includes('\0')) throw span.error('MB_FAULT_VALUE', 'path= has a NUL in it')
  const bytes = Buffer.byteLength(path)
  if (bytes > longestPath)
    throw span.error(
      'MB_FAULT_VALUE',
      `path= is too long: ${bytes} bytes (the limit is ${longestPath})`,
      'shorten it with *, which matches / too',
    )
  return path
}

export function networkRule(parts: NetworkParts): NetworkRule {
  const { kind, source, rate, keys } = parts
  const [proto, port, to, dir, interfaceSpan] = [
    keys.get('proto'),
    keys.get('port'),
    keys.get('to'),
    keys.get('dir'),
    keys.get('interface'),
  ]
  const protocol = proto && parseProtocol(proto)
  if (port && protocol === 'icmp')
    throw port.error('MB_FAULT_VALUE', 'icmp has no ports', 'leave out port= or proto=icmp')
  if (kind === 'refuse-net' && proto && protocol === 'icmp')
    throw proto.error('MB_FAULT_VALUE', 'icmp has no connections to refuse', 'use --drop-net')
  const direction = parseDirection(dir)
  if (kind === 'refuse-net' && dir && direction === 'in')
    throw dir.error(
      'MB_FAULT_VALUE',
      "--refuse-net fails the program's own connect() calls, and no incoming connections",
      'use --drop-net with dir=in to lose what comes in',
    )
  return {
    kind,
    source,
    rate,
    ...parseCommonKeys(parts),
    direction,
    ...(protocol && { protocol }),
    ...(port && { port: parsePort(port) }),
    ...(to && { to: parseCidr(to) }),
    ...(interfaceSpan && { interface: parseInterface(interfaceSpan) }),
  }
}

/**
 * The command line's faults:
 *
 *     --syscall SET=OUTCOME[@RATE][,KEY=VALUE]...
 *     --drop-net RATE[,KEY=VALUE]...      --refuse-net RATE[,KEY=VALUE]...
 *
 * Every error is a MinderbinderError whose excerpt marks the part of the text that is wrong; of length 0
 * where something is missing at that place.
 */
import { refusesOutcome } from './faultable.ts'
import {
  type Keys,
  parseCommonKeys,
  parseDirection,
  parseKeys,
  parseProtocol,
  parseScope,
  unescapeCommas,
} from './grammar-keys.ts'
import { parseOutcome } from './grammar-outcome.ts'
import { type CallSet, parseSet } from './grammar-set.ts'
import { parseCidr, parseInterface, parsePort } from './network-values.ts'
import type { Architecture, LeftOut, NetworkRule, Outcome, SyscallRule } from './rule.ts'
import { callShape } from './shapes.ts'
import { Span } from './span.ts'
import { parseInteger, parseRate } from './values.ts'

export interface GrammarContext {
  /** Whose system calls the names are. */
  readonly arch: Architecture
}

/** Bytes of path=, without the NUL: RULE_PATH_MAX in bpf/rule.h. */
const longestPath = 255

/** The argument of --syscall. */
export function parseSyscallFault(text: string, context: GrammarContext): SyscallRule {
  const fault = new Span(text)
  const [head = fault, ...rest] = fault.split(',', '\\')
  const [set, action] = head.cut('=') ?? [head, undefined]
  const calls = parseSet(set, context.arch)
  if (!action)
    throw head
      .slice(head.length)
      .error('MB_FAULT_SYNTAX', 'the outcome is missing', `write ${set.text}=ENOENT`)
  const [outcomeSpan, rateSpan] = action.cut('@') ?? [action, undefined]
  const outcome = parseOutcome(outcomeSpan)
  const rate = rateSpan ? parseRate(rateSpan) : 100
  const keys = parseKeys(rest, 'syscall')
  const path = keys.get('path')
  const fd = keys.get('fd')
  return {
    kind: 'syscall',
    source: `--syscall ${text}`,
    set: set.text,
    ...members(calls, outcome, outcomeSpan, keys),
    outcome,
    rate,
    ...parseCommonKeys(keys, text),
    scope: parseScope(keys.get('scope')),
    ...(path && { path: parsePath(path) }),
    ...(fd && { fd: parseInteger(fd, 'fd', 0, 2 ** 31 - 1) }),
  }
}

/**
 * The system calls that the rule acts on. One that was named must be able to do all that the fault asks;
 * of a family those that cannot are left out.
 */
function members(
  calls: CallSet,
  outcome: Outcome,
  outcomeSpan: Span,
  keys: Keys,
): { syscalls: string[]; leftOut: LeftOut[] } {
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
      )
  }
  if (syscalls.size === 0)
    throw (path ?? fd ?? outcomeSpan).error(
      'MB_FAULT_VALUE',
      'no system call of the set can do this',
    )
  return { syscalls: [...syscalls].sort(), leftOut }
}

function parsePath(span: Span): string {
  const path = unescapeCommas(span)
  if (path === '') throw span.error('MB_FAULT_VALUE', 'path= is empty', 'path=* is any path')
  if (path.includes('\0')) throw span.error('MB_FAULT_VALUE', 'path= has a NUL in it')
  const bytes = Buffer.byteLength(path)
  if (bytes > longestPath)
    throw span.error(
      'MB_FAULT_VALUE',
      `path= is ${bytes} bytes long, and ${longestPath} is the most`,
      'shorten it with *, which matches / too',
    )
  return path
}

/** The argument of --drop-net or --refuse-net. */
export function parseNetworkFault(
  kind: NetworkRule['kind'],
  text: string,
  _context: GrammarContext,
): NetworkRule {
  const [rate = new Span(text), ...rest] = new Span(text).split(',', '\\')
  const percent = parseRate(rate)
  const keys = parseKeys(rest, kind)
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
      '--refuse-net makes the own connect() fail: incoming connections are not refused',
      'use --drop-net with dir=in to lose what comes in',
    )
  return {
    kind,
    source: `--${kind} ${text}`,
    rate: percent,
    ...parseCommonKeys(keys, `${kind} ${text}`),
    direction,
    ...(protocol && { protocol }),
    ...(port && { port: parsePort(port) }),
    ...(to && { to: parseCidr(to) }),
    ...(interfaceSpan && { interface: parseInterface(interfaceSpan) }),
  }
}

/** The grammar of faults in brief, below the options of `exec --help` and `explain --help`. */
import { type AnyKey, isOfEveryFault, keysOf } from '../rules/keys/index.ts'
import { outcomeKinds } from '../rules/outcomes/index.ts'
import type { Rule } from '../rules/rule.ts'

/** Of lines; terminals have 80 columns, and the text stands behind 13 of them. */
const width = 66

export function faultHelp(): string {
  const every = keysOf('syscall').filter(isOfEveryFault)
  return `
Faults in full:
  --syscall SET=OUTCOME[@RATE][,KEY=VALUE]...
    SET      openat   open+openat   'sched_*'   %file (minderbinder list families)
    OUTCOME  ${block(pairs(outcomeKinds.map(({ brief }) => brief)))}
    KEY      ${block(filled(ownKeys('syscall').map(({ brief }) => brief)))}
  --drop-net [RATE][,KEY=VALUE]...
    KEY      ${block(filled(ownKeys('drop-net').map(({ brief }) => brief)))}
  --refuse-net [RATE][,KEY=VALUE]...
  RATE       0% to 100%; the default is 100%
  every KEY  ${block(filled(every.map(({ brief }) => brief)))}`
}

/** Those that not every fault has; what the fault is about comes first. */
function ownKeys(kind: Rule['kind']): AnyKey[] {
  const own = keysOf(kind).filter((key) => !isOfEveryFault(key) && key.faults.includes(kind))
  return own.sort((a, b) => Number(b.narrows) - Number(a.narrows))
}

function block(lines: readonly string[]): string {
  return lines.join(`\n${' '.repeat(13)}`)
}

/** Two a line, in columns. */
function pairs(words: readonly string[]): string[] {
  const left = words.filter((_, index) => index % 2 === 0)
  const column = Math.max(...left.map(({ length }) => length)) + 3
  return left.map((word, row) => `${word.padEnd(column)}${words[2 * row + 1] ?? ''}`.trimEnd())
}

/** As many a line as fit, two blanks apart. */
function filled(words: readonly string[]): string[] {
  const lines: string[] = []
  for (const word of words) {
    const line = lines.at(-1)
    if (line !== undefined && line.length + 2 + word.length <= width)
      lines[lines.length - 1] = `${line}  ${word}`
    else lines.push(word)
  }
  return lines
}

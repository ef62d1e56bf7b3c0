/** bpf/glob.h for what is matched here and not in the kernel: * ? [a-z] [!a] \c, over the whole text. */

/** Text and pattern have one character a byte (latin1). */
export function globMatches(pattern: string, text: string): boolean {
  return new RegExp(`^(?:${toRegExp(pattern)})$`, 's').test(text)
}

/** Bytes at the start of a text that are looked at before all else. */
const START_SIZE = 8

/**
 * What every text that matches begins with: eight bytes, and a mask of those of them that are certain.
 *
 * @param pattern zeros after its end are no part of it
 */
export function startOfMatches(pattern: string): [start: Buffer, mask: Buffer] {
  const literal = /^[^*?[\\\0]*/.exec(pattern)![0].slice(0, START_SIZE)
  const [start, mask] = [Buffer.alloc(START_SIZE), Buffer.alloc(START_SIZE)]
  start.write(literal, 'latin1')
  mask.fill(0xff, 0, literal.length)
  return [start, mask]
}

function toRegExp(pattern: string): string {
  let regExp = ''
  for (let at = 0; at < pattern.length; ) {
    const char = pattern[at]!
    const set = char === '[' ? setAt(pattern, at) : undefined
    if (char === '*') regExp += '.*'
    else if (char === '?') regExp += '.'
    else if (set) regExp += set.regExp
    else if (char === '\\' && at + 1 < pattern.length) regExp += quoted(pattern[++at]!)
    else regExp += quoted(char)
    at = set ? set.end : at + 1
  }
  return regExp
}

/** The [set] that begins at `start`; undefined where it has no end, and the bracket is an ordinary character. */
function setAt(pattern: string, start: number): { regExp: string; end: number } | undefined {
  const negated = pattern[start + 1] === '!' || pattern[start + 1] === '^'
  const first = start + (negated ? 2 : 1)
  let members = ''
  for (let at = first; at < pattern.length; ) {
    const char = pattern[at]!
    // A ] that comes first stands for itself (glob(7)).
    if (char === ']' && at > first)
      return {
        regExp: members ? `[${negated ? '^' : ''}${members}]` : negated ? '.' : '(?!)',
        end: at + 1,
      }
    const last = pattern[at + 2]
    if (pattern[at + 1] === '-' && last !== undefined && last !== ']') {
      if (char <= last) members += `${quoted(char)}-${quoted(last)}`
      at += 3
    } else {
      members += quoted(char)
      at += 1
    }
  }
  return undefined
}

function quoted(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
}

/** bpf/glob.h for what is matched here and not in the kernel: * ? [a-z] [!a] \c, over the whole text. */

/** Is this text a glob, or meant to the letter? */
export function isGlob(text: string): boolean {
  return /[*?[]/.test(text)
}

/**
 * In time that grows with the length of both, not with the number of ways to fit one to the other: what a text says is
 * any user's to choose. Text and pattern have one character a byte (latin1).
 */
export function globMatches(pattern: string, text: string): boolean {
  let [inPattern, inText] = [0, 0]
  /** Behind the last *, and where the text was last tried from; only the last * is ever tried again. */
  let star: number | undefined
  let retry = 0
  for (;;) {
    if (pattern[inPattern] === '*') {
      star = ++inPattern
      retry = inText
    } else if (inText === text.length) {
      return inPattern === pattern.length
    } else {
      const next = behindOne(pattern, inPattern, text[inText]!)
      if (next !== undefined) {
        inPattern = next
        inText++
      } else if (star !== undefined) {
        inPattern = star
        inText = ++retry
      } else {
        return false
      }
    }
  }
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

/** Where the pattern goes on, if what begins at `start` means this one character; undefined: it means another. */
function behindOne(pattern: string, start: number, char: string): number | undefined {
  const at = pattern[start]
  const next = pattern[start + 1]
  if (at === '\\' && next !== undefined) return next === char ? start + 2 : undefined
  const set = at === '[' ? readSet(pattern, start, char) : undefined
  if (set) return set.has ? set.end : undefined
  return at === '?' || at === char ? start + 1 : undefined
}

/** The [set] that begins at `start`; undefined if it has no end: then the bracket is an ordinary character. */
function readSet(
  pattern: string,
  start: number,
  char: string,
): { readonly has: boolean; readonly end: number } | undefined {
  const negated = pattern[start + 1] === '!' || pattern[start + 1] === '^'
  const first = start + (negated ? 2 : 1)
  let found = false
  for (let at = first; at < pattern.length; ) {
    const member = pattern[at]!
    // A ] that comes first stands for itself (glob(7)).
    if (member === ']' && at > first) return { has: found !== negated, end: at + 1 }
    const last = pattern[at + 2]
    if (pattern[at + 1] === '-' && last !== undefined && last !== ']') {
      found ||= char >= member && char <= last
      at += 3
    } else {
      found ||= char === member
      at += 1
    }
  }
  return undefined
}

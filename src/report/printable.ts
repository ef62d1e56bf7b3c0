/**
 * Bytes that the kernel calls text (paths, names of processes) as a string from which the same bytes can
 * be had again: valid UTF-8 stays as it is, each other byte becomes `\xNN`, and a backslash `\\`.
 */
export function printable(bytes: Uint8Array): string {
  let text = ''
  let at = 0
  while (at < bytes.length) {
    const length = characterLength(bytes, at)
    text +=
      length === 0
        ? `\\x${bytes[at]?.toString(16).padStart(2, '0')}`
        : character(bytes.subarray(at, at + length))
    at += Math.max(length, 1)
  }
  return text
}

/** What moves the cursor, breaks a line or changes the direction of writing. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** The same for a string that goes on one line of a terminal: what is invisible becomes `\xNN` or `\u{NNNN}`, too. */
export function oneLine(text: string): string {
  return text.replace(invisible, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16)
    return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`
  })
}

/** JSON of the same value in which nothing is invisible: JSON.stringify() leaves all above U+001F as it is. */
export function visibleJson(json: string): string {
  return json.replace(invisible, (character) =>
    Array.from({ length: character.length }, (_, at) => {
      const unit = character.charCodeAt(at)
      return `\\u${unit.toString(16).padStart(4, '0')}`
    }).join(''),
  )
}

function character(bytes: Uint8Array): string {
  return bytes[0] === 0x5c ? '\\\\' : Buffer.from(bytes).toString('utf8')
}

/** Bytes of the UTF-8 character at `at`; 0 if there is none (RFC 3629: no overlong forms, no surrogates). */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  if (first < 0xc2 || first > 0xf4) return 0
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  for (let i = 1; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0
  const second = bytes[at + 1] ?? 0
  if (first === 0xe0 && second < 0xa0) return 0
  if (first === 0xed && second >= 0xa0) return 0
  if (first === 0xf0 && second < 0x90) return 0
  if (first === 0xf4 && second >= 0x90) return 0
  return length
}

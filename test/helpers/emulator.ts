/** What a person would see on a terminal that got these bytes: xterm.js without a window. */
import xterm from '@xterm/headless'

export interface Seen {
  /** Rows from the top, without blanks at their ends. */
  readonly rows: readonly string[]
  /** The second screen, where full-screen programs draw. */
  readonly alternate: boolean
  readonly cursorShown: boolean
  readonly cursor: { readonly column: number; readonly row: number }
  /** For a picture. */
  readonly terminal: InstanceType<typeof xterm.Terminal>
}

/** A frame that has not ended (synchronized output, mode 2026) is not seen yet. */
function whole(bytes: string): string {
  const begun = bytes.lastIndexOf('\x1b[?2026h')
  return begun > bytes.lastIndexOf('\x1b[?2026l') ? bytes.slice(0, begun) : bytes
}

export async function emulate(all: string, columns: number, rows: number): Promise<Seen> {
  const bytes = whole(all)
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true })
  await new Promise<void>((resolve) => terminal.write(bytes, resolve))
  const { active } = terminal.buffer
  // xterm keeps it to itself; the last of both sequences tells (DECTCEM).
  const hidden = bytes.lastIndexOf('\x1b[?25l')
  return {
    rows: Array.from(
      { length: rows },
      (_, row) => active.getLine(active.baseY + row)?.translateToString(true) ?? '',
    ),
    alternate: active.type === 'alternate',
    cursorShown: hidden < 0 || bytes.lastIndexOf('\x1b[?25h') > hidden,
    cursor: { column: active.cursorX, row: active.cursorY },
    terminal,
  }
}

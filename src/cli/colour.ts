/** Colours: only on a terminal, and NO_COLOR (no-color.org) has the last word. */

/** For what goes to a terminal. */
export function terminalColour(): 0 | 1 {
  const { NO_COLOR, TERM } = process.env
  return NO_COLOR || TERM === 'dumb' ? 0 : 1
}

export function stderrColour(): 0 | 1 {
  return stderrIsTerminal() ? terminalColour() : 0
}

/** The launcher says what stderr really is: in exec it relays ours, and node:tty loads node:net for the answer. */
export function stderrIsTerminal(): boolean {
  return process.env.MINDERBINDER_TERMINALS?.includes('2') === true
}

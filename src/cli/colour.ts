/** Colours: only on a terminal, and NO_COLOR (no-color.org) has the last word. */

import { colourOf } from '../view/charset.ts'

/** For what goes to a terminal. */
export function terminalColour(): 0 | 1 {
  return colourOf(process.env)
}

export function stderrColour(): 0 | 1 {
  return stderrIsTerminal() ? terminalColour() : 0
}

/** The launcher says what stderr really is: in exec it relays ours, and node:tty loads node:net for the answer. */
export function stderrIsTerminal(): boolean {
  return process.env.MINDERBINDER_TERMINALS?.includes('2') === true
}

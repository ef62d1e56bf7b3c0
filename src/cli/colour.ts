/** Colours for stderr: only on a terminal, and NO_COLOR (no-color.org) has the last word. */
export function stderrColour(): 0 | 1 {
  const { NO_COLOR, TERM, MINDERBINDER_TERMINALS } = process.env
  if (NO_COLOR || TERM === 'dumb') return 0
  // The launcher says what stderr really is: in exec it relays ours, and node:tty loads node:net for the answer.
  return MINDERBINDER_TERMINALS?.includes('2') ? 1 : 0
}

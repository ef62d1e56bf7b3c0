/** Colours for stderr: only on a terminal, and NO_COLOR (no-color.org) has the last word. */
export function stderrColour(): 0 | 1 {
  const { NO_COLOR, TERM, MINDERBINDER_STDERR_TTY } = process.env
  if (NO_COLOR || TERM === 'dumb') return 0
  // In exec the front relays our stderr and says what it really is.
  return MINDERBINDER_STDERR_TTY || process.stderr.isTTY ? 1 : 0
}

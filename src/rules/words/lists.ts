/** `a`, `a or b`, `a, b or c`; of more than `most` the last are counted: `a, b and 40 more`. */
export function listNames(
  names: readonly string[],
  conjunction: 'and' | 'or' = 'and',
  most = Number.POSITIVE_INFINITY,
): string {
  const shown = names.length > most ? names.slice(0, most - 1) : names
  const rest = names.length - shown.length
  const all = rest > 0 ? [...shown, `${rest} more`] : shown
  if (all.length <= 1) return all.join('')
  return `${all.slice(0, -1).join(', ')} ${conjunction} ${all.at(-1)}`
}

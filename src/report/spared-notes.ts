/** What was not hit because it had gained privileges: in words. Pure. */

/** A note, if there was any of what `names` calls one and several. */
export function sparedNotes(
  count: bigint,
  [one, several]: readonly [string, string],
): readonly string[] {
  if (count === 0n) return []
  return [
    `${count} ${count === 1n ? one : several} with more rights than the user ${count === 1n ? 'was' : 'were'} not faulted ` +
      '(set-user-ID, set-group-ID, file capabilities): --include-setuid faults them too',
  ]
}

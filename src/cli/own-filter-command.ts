/**
 * `minderbinder own-filter`: where the parts are that a test process outside node needs for a filter of its own. Its client was
 * installed apart from them, and PATH may lead to a script that leads to us.
 */
import { MinderbinderError } from '../errors.ts'
import { launcherPath, ownFilterPath } from '../launch/launcher-path.ts'

/** Of these fields, of the functions of src/own-filter/own-filter.h, and of `minderbinder join`. */
const VERSION = 1

export function ownFilterCommand(args: readonly string[]): string {
  if (args.length > 0)
    throw new MinderbinderError(
      'MB_USAGE',
      `own-filter: it takes no argument, and not ${args[0]}`,
      {
        hint: 'only the clients for tests call it: see docs/testing.md',
      },
    )
  const paths = { launcher: launcherPath(), library: ownFilterPath() }
  return `${JSON.stringify({ version: VERSION, ...paths })}\n`
}

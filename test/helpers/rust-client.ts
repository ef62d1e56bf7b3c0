/** clients/rust: its tests as programs. */
import assert from 'node:assert/strict'
import { basename, join } from 'node:path'
import { run } from './run.ts'
import { clientsFolder } from './transcript.ts'

/**
 * Builds them in a folder. No network is needed: there are no dependencies.
 *
 * @param flags for rustc
 * @returns where they are, by name; `minderbinder` has those of the library itself
 */
export async function buildRustTests(
  folder: string,
  ...flags: string[]
): Promise<Readonly<Record<string, string>>> {
  const done = await run(['cargo', 'test', '--offline', '--locked', '--no-run', '--tests'], {
    cwd: join(clientsFolder, 'rust'),
    env: {
      CARGO_TARGET_DIR: folder,
      CARGO_INCREMENTAL: '0',
      CARGO_PROFILE_DEV_DEBUG: '0',
      RUSTFLAGS: ['-D', 'warnings', ...flags].join(' '),
    },
    timeout: 240_000,
  })
  assert.equal(done.status, 0, done.stderr)
  const paths = [...done.stderr.matchAll(/^ +Executable .* \((.*)\)$/gm)].map(([, path]) => path!)
  return Object.fromEntries(paths.map((path) => [basename(path).replace(/-\w+$/, ''), path]))
}

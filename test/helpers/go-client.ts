/** The tests of clients/go as a program. It needs no network: there are no dependencies. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { run } from './run.ts'
import { clientsFolder } from './transcript.ts'

export const goClient = join(clientsFolder, 'go')

export async function compiledGoClient(folder: string): Promise<string> {
  const program = join(folder, 'go.test')
  const done = await run(['go', 'test', '-vet=all', '-c', '-o', program, '.'], {
    cwd: goClient,
    env: { CGO_ENABLED: '0', GOFLAGS: '', GOPROXY: 'off' },
    timeout: 120_000,
  })
  assert.equal(done.status, 0, done.stderr)
  return program
}

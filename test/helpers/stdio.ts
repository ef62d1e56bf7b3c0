/** Programs that start `minderbinder serve --stdio` for themselves (stdio_client.py). */
import { readFileSync } from 'node:fs'
import { client, linesOf } from './control.ts'
import { minderbinder, type Running, start } from './run.ts'

const parent = client + readFileSync(new URL('stdio_client.py', import.meta.url), 'utf8')

export function startParent(program: string): Running {
  const env = { CONTROL_CLIENT: parent, MINDERBINDER: minderbinder }
  return start(['/usr/bin/python3', '-S', '-c', parent + program], { env, timeout: 120_000 })
}

/** What the program has said, line by line. @throws {Error} it failed */
export async function runParent(program: string): Promise<unknown[]> {
  const { status, stdout, stderr } = await startParent(program).result
  if (status !== 0 || stderr !== '') throw new Error(`status ${status}\n${stdout}${stderr}`)
  return linesOf(stdout)
}

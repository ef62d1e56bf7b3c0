/** A control socket that its caller may not connect to: what each library says. */
import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const root = new URL('../..', import.meta.url).pathname
const programs = {
  Node: [
    process.execPath,
    '--input-type=module',
    '--eval',
    `import { failures } from '${root}dist/testing.js'
     await failures('openat=EIO').catch(({ code, message, hint }) => console.log(code, message, hint))`,
  ],
  Python: [
    '/usr/bin/python3',
    '-c',
    `import sys
sys.path.insert(0, '${root}clients/python')
sys.dont_write_bytecode = True
from minderbinder import Error, failures
try:
    with failures('openat=EIO'): pass
except Error as error:
    print(error.code, error)`,
  ],
}

/** Listens, with this mode. */
async function socketOf(t: TestContext, mode: number): Promise<string> {
  const path = join(scratch(t), 'control')
  const server = createServer((client) => client.destroy())
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(() => server.close())
  chmodSync(path, mode)
  return path
}

for (const [language, program] of Object.entries(programs)) {
  const says = async (path: string) =>
    (await run(program, { ...unprivileged.options, env: { MINDERBINDER_CONTROL: path } })).stdout

  test(`${language}: a socket of another user, or of a group, and not one that has ended`, async (t) => {
    if (language === 'Python' && !requires(t, 'python3')) return
    const forbidden = await says(await socketOf(t, 0))
    assert.match(forbidden, /^MB_CONTROL cannot connect to \S+: .*\b(EACCES|Permission denied)\b/)
    assert.match(forbidden, /another user's, or its group's.*serve --group/)
    const open = await says(await socketOf(t, 0o666))
    assert.match(open, /^MB_CONTROL minderbinder has closed the connection/)
    assert.match(open, /exec --control or serve that made the socket has ended/)
    assert.doesNotMatch(open, /another user's/)
  })
}

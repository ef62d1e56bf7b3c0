/** clients/rust as root, without minderbinder in front: the process of the tests starts `serve --stdio`. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import test, { after, type TestContext } from 'node:test'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run } from '../helpers/run.ts'
import { buildRustTests } from '../helpers/rust-client.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'

const target = mkdtempSync(join(tmpdir(), 'mb-test-'))
after(() => rmSync(target, { recursive: true }))
let built: ReturnType<typeof buildRustTests> | undefined

/** Runs a part, which succeeds, or ends with that status; nothing is left of it. */
async function passes(t: TestContext, part: string, env = {}, expected = 0): Promise<string> {
  if (!requires(t, 'cargo', 'root', 'linux:6.1', 'libbpf', 'cgroup2')) return ''
  built ??= buildRustTests(target)
  const { own_serve } = await built
  const before = systemState()
  const { status, signal, stdout, stderr } = await run(
    [own_serve!, '--ignored', '--exact', '--nocapture', part],
    {
      env: {
        MINDERBINDER_CONTROL: undefined,
        PATH: `${dirname(minderbinder)}${delimiter}${process.env.PATH}`,
        ...env,
      },
      timeout: 60_000,
    },
  )
  assert.equal(status, expected, `${signal} ${stdout}${stderr}`)
  if (expected === 0) assert.match(stdout, /^test result: ok\. 1 passed/m)
  await nothingLeft(before)
  return stdout
}

for (const [what, part, env] of [
  ['packets are lost in the block, of the process and what it starts, and of no other', 'network'],
  ['one block has faults of both kinds, in any order, and counts them in that order', 'both'],
  ['if one fault of a block cannot be injected, none is', 'all_or_none'],
  ['a thread’s calls and connections fail by the filter', 'thread'],
  ['faults of the filter hit neither the connection to serve nor serve', 'channel'],
  ['serve is killed: the block fails, and another serve takes its place', 'killed'],
  [
    'serve is killed, and the process has a filter: system calls go on to fail in blocks',
    'killed',
    { FILTER: 'yes' },
  ],
  [
    'threads that begin at the same moment share one serve, and it comes before the filter',
    'threads',
  ],
] as const)
  test(what, async (t) => {
    await passes(t, part, env)
  })

test('serve faults system calls where the kernel lets it, and leaves threads to the filter', async (t) => {
  if (!requires(t, 'linux:hook')) return
  await passes(t, 'calls')
})

test('a process that exits in a block leaves nothing', async (t) => {
  if (!requires(t, 'cargo', 'root')) return
  assert.match(await passes(t, 'exits', {}, 3), /arrives: false/)
})

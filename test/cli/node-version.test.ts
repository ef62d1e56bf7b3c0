/** The wrong node, or none: one line that says so, 125, and nothing has run. */
import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { identities } from '../helpers/identity.ts'
import { minderbinder, run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const found = process.execPath

for (const { title, options } of identities)
  for (const [command, args] of [
    ['exec', ['exec', '--', 'touch']],
    ['doctor', ['doctor']],
  ] as const) {
    test(`${command} with a node that is too old, ${title}`, async (t) => {
      const folder = scratch(t)
      const witness = join(folder, 'witness')
      // This node, that says it is another one: the real one of Debian 12 is tried in test/package/clean-root.test.ts.
      const old = join(folder, 'old.cjs')
      const versions = JSON.stringify({ ...process.versions, node: '18.19.0' })
      writeFileSync(
        old,
        `Object.defineProperty(process, 'versions', { value: ${versions} })
         Object.defineProperty(process, 'version', { value: 'v18.19.0' })`,
      )
      writeFileSync(join(folder, 'node'), `#!/bin/sh\nexec ${found} -r ${old} "$@"\n`)
      chmodSync(join(folder, 'node'), 0o755)
      const done = await runMinderbinder([...args, ...(command === 'exec' ? [witness] : [])], {
        ...options,
        env: { PATH: `${folder}:${process.env.PATH}` },
      })
      assert.equal(
        done.stderr,
        `minderbinder: it needs Node.js 20 or newer, and the first in PATH, ${found} is v18.19.0\n`,
      )
      assert.deepEqual([done.status, done.stdout, existsSync(witness)], [125, '', false])
    })

    test(`${command} without node, ${title}`, async (t) => {
      const witness = join(scratch(t), 'witness')
      const line = [minderbinder, ...args, ...(command === 'exec' ? [witness] : [])]
      const done = await run(['env', 'PATH=/nonexistent', ...line], options)
      assert.match(done.stderr, /^minderbinder: cannot run node.*Node\.js 20.*PATH.*\n$/)
      assert.deepEqual([done.status, done.stdout, existsSync(witness)], [125, '', false])
    })
  }

test('compiled code is for the node that made it, and for no other', async (t) => {
  const cli = new URL('../../dist/cli.cjs', import.meta.url).pathname
  const ask = `process.argv = ['node', '${cli}', '--version']
    console.error(require('${cli}').script.cachedDataRejected)`
  assert.equal((await run([process.execPath, '-e', ask])).stderr, 'false\n')
  // Another build of the same version: it could take the code and crash (src/cli/start.cjs).
  const other = join(scratch(t), 'node')
  copyFileSync(process.execPath, other)
  appendFileSync(other, 'x')
  const done = await run([other, '-e', ask])
  assert.deepEqual([done.stderr, done.status], ['undefined\n', 0])
})

test('a run of exec loads nothing of node that takes milliseconds', async (t) => {
  const folder = scratch(t)
  const [loaded, hook] = [join(folder, 'loaded'), join(folder, 'hook.cjs')]
  // Exec's last act is to kill its own process.
  writeFileSync(
    hook,
    `const before = new Set(process.moduleLoadList)
     const { kill } = process
     process.kill = (...args) => {
       const list = process.moduleLoadList.filter((name) => !before.has(name))
       require('node:fs').writeFileSync('${loaded}', list.join())
       return kill.apply(process, args)
     }`,
  )
  writeFileSync(join(folder, 'node'), `#!/bin/sh\nexec ${found} -r ${hook} "$@"\n`)
  chmodSync(join(folder, 'node'), 0o755)
  const done = await runMinderbinder(['exec', '--syscall', 'openat=ENOENT@0%', '--', 'true'], {
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
  })
  assert.equal(done.status, 0, done.stderr)
  const list = readFileSync(loaded, 'utf8').split(',')
  assert.ok(list.includes('NativeModule vm'), list.join())
  for (const name of ['net', 'tty', 'stream', 'child_process', 'perf_hooks'])
    assert.ok(!list.includes(`NativeModule ${name}`), name)
  assert.ok(!list.includes('NativeModule internal/perf/performance'), 'performance')
})

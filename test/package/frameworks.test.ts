/** `minderbinder/testing` in vitest and jest, from the installed package: test files that run at the same time. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, type TestContext } from 'node:test'
import { type Need, requires } from '../helpers/requires.ts'
import { run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { repository, tarball } from './tarball.ts'

const needs: readonly Need[] = ['npm', 'cross-compilers', 'registry']
const parent = mkdtempSync(join(tmpdir(), 'mb-test-'))
after(() => rmSync(parent, { recursive: true }))
let installed: Promise<string> | undefined

/** A folder node_modules, once for the whole file. The repository's vitest will do; jest is too much to have there. */
async function install(): Promise<string> {
  writeFileSync(join(parent, 'package.json'), '{}')
  const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund']
  const line = ['npm', 'install', ...options, tarball(), 'jest@29']
  const done = await run(line, { cwd: parent, timeout: 300_000 })
  assert.equal(done.status, 0, done.stderr)
  const packages = join(parent, 'node_modules')
  symlinkSync(join(repository, 'node_modules/vitest'), join(packages, 'vitest'))
  return packages
}

/**
 * Two test files that wait for each other: one looks at the other's file, and at its own, while the faults of both are in force.
 * What it imports differs, and whether the fault of the one hits the other.
 */
function testFile(from: string, mine: string, others: string, scope: string, hits: boolean) {
  const read = (file: string) => `() => readFileSync('/etc/${file}')`
  return `import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from '${from}'
import { withFailures } from 'minderbinder/testing'
const meet = async (name) => {
  writeFileSync('${mine}-' + name, '')
  while (!existsSync('${others}-' + name)) await setTimeout(5)
}
test('${mine}', async () => {
  const { injections } = await withFailures('openat=EIO,path=/etc/${mine}', async () => {
    await meet('in-force')
    expect(${read(mine)}).toThrow('EIO')
    expect(${read(others)})${hits ? '' : '.not'}.toThrow()
    await meet('looked')
  }, { scope: '${scope}' })
  expect(injections).toBe(${hits ? 2 : 1})
  expect(${read(mine)}).not.toThrow()
})
`
}

interface Framework {
  readonly title: string
  readonly from: string
  readonly command: readonly string[]
  readonly scope?: string
  readonly hits?: boolean
}

const vitest = (pool: string) => [
  ...['node', 'node_modules/vitest/vitest.mjs', 'run', `--pool=${pool}`],
  ...['--minWorkers=2', '--maxWorkers=2'],
]
const frameworks: readonly Framework[] = [
  { title: 'vitest, forks', from: 'vitest', command: vitest('forks') },
  { title: 'vitest, threads', from: 'vitest', command: vitest('threads'), scope: 'thread' },
  {
    title: 'vitest, threads that share the faults of their process',
    from: 'vitest',
    command: vitest('threads'),
    hits: true,
  },
  {
    title: 'jest',
    from: '@jest/globals',
    command: ['node', '--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '-w', '2'],
  },
]

async function project(t: TestContext, { from, scope = 'tree', hits = false }: Framework) {
  installed ??= install()
  const folder = scratch(t)
  symlinkSync(await installed, join(folder, 'node_modules'))
  mkdirSync(join(folder, 'cache'))
  const jest = {
    transform: {},
    testMatch: ['**/*.test.mjs'],
    cacheDirectory: join(folder, 'cache'),
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ jest }))
  writeFileSync(join(folder, 'a.test.mjs'), testFile(from, 'hostname', 'passwd', scope, hits))
  writeFileSync(join(folder, 'b.test.mjs'), testFile(from, 'passwd', 'hostname', scope, hits))
  return folder
}

// Vitest colours its output where CI is set, whatever stdout is.
const env = { NO_COLOR: '1', FORCE_COLOR: undefined, MINDERBINDER_CONTROL: undefined }

for (const framework of frameworks) {
  test(`${framework.title}: faults are in force in their block, and hit what they should`, async (t) => {
    if (!requires(t, ...needs)) return
    const cwd = await project(t, framework)
    const prefix = ['node_modules/.bin/minderbinder', 'exec', '--control', '--']
    const command = [...prefix, ...framework.command]
    const { status, stdout, stderr } = await run(command, { cwd, env, timeout: 60_000 })
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout + stderr, /Tests:? +2 passed/)
    assert.match(stderr, /--control: 2 clients injected 2 faults, which fired [24] times$/m)
  })

  test(`${framework.title}, with nothing in front: the same`, async (t) => {
    if (!requires(t, ...needs)) return
    const cwd = await project(t, framework)
    const { status, stdout, stderr } = await run(framework.command, { cwd, env, timeout: 60_000 })
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout + stderr, /Tests:? +2 passed/)
  })
}

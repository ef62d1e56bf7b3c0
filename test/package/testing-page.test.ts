/** docs/testing.md: the first example of each language passes in an empty folder, with the package that npm installed. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import test, { after } from 'node:test'
import { type Need, requires } from '../helpers/requires.ts'
import { run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { examples, writeFiles } from './recipes.ts'
import { install } from './tarball.ts'

const prefix = mkdtempSync(join(tmpdir(), 'mb-test-'))
after(() => rmSync(prefix, { recursive: true }))
let installed: Promise<string> | undefined

const needs: readonly Need[] = ['npm', 'cross-compilers', 'registry']

/** Each says that it ran its tests, and fails if its error handling is gone: `from` is replaced by `to`. */
for (const [title, need, passed, file, from, to] of [
  ['Python', 'pytest', / 2 passed in /, 'test_greeting.py', 'return "no greeting"', 'raise'],
  ['Go', 'go', /^ok\s+greeting/m, 'greeting.go', 'return "no greeting"', 'return ""'],
  ['Rust', 'cargo', / 1 passed; 0 failed;/, 'src/lib.rs', '"no greeting".into()', 'String::new()'],
] as const)
  test(`${title}: the example passes, and fails if the code forgets the error`, async (t) => {
    if (!requires(t, ...needs, need)) return
    installed ??= install(prefix)
    const cwd = scratch(t)
    const { files, lines } = examples.get(title)!
    writeFiles(files, cwd)
    const env = {
      PATH: `${dirname(await installed)}${delimiter}/usr/bin${delimiter}${process.env.PATH}`,
      npm_config_prefix: prefix,
      GOFLAGS: '',
      GOPROXY: 'off',
      CARGO_PROFILE_DEV_DEBUG: '0',
    }
    const types = (line: string) => run(['sh', '-e', '-c', line], { cwd, env, timeout: 240_000 })
    const done = await types(lines[0]!)
    assert.equal(done.status, 0, done.stdout + done.stderr)
    assert.match(done.stdout, passed)
    const careless = files.get(file)!.replace(from, to)
    assert.notEqual(careless, files.get(file))
    writeFileSync(join(cwd, file), careless)
    const last = lines[0]!.trim().split('\n').at(-1)!
    assert.notEqual((await types(last)).status, 0)
  })

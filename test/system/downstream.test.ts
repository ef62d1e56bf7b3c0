/**
 * The example that the project goes back to, in each language: a test loses what its handler sends to a service, which is in
 * another network namespace and speaks HTTPS on port 443, and the handler answers 502.
 */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { type Namespace, openPair } from '../helpers/network-namespace.ts'
import { type Need, requires } from '../helpers/requires.ts'
import { minderbinder, type RunResult, run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { clientsFolder } from '../helpers/transcript.ts'

const fixtures = new URL('../fixtures/downstream/', import.meta.url).pathname
const repository = new URL('../../', import.meta.url).pathname
const authority = join(fixtures, 'authority.pem')
/** How each language's TLS learns whom to trust. */
const trust = {
  SSL_CERT_FILE: authority,
  NODE_EXTRA_CA_CERTS: authority,
  CURL_CA_BUNDLE: authority,
}
/** The clients find it there. */
const onPath = { PATH: `${dirname(minderbinder)}${delimiter}${process.env.PATH}` }
const needs: readonly Need[] = ['root', 'cgroup2', 'libbpf', 'netns', 'ip', 'unshare', 'python3']

/** A namespace from which the service can be reached. */
async function openNamespace(t: TestContext): Promise<Namespace> {
  const { near, far } = await openPair(t)
  await far.serve(
    t,
    '/usr/bin/python3',
    join(fixtures, 'service.py'),
    join(fixtures, 'service.pem'),
  )
  return near
}

interface Example {
  readonly command: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** What it prints once its tests have passed. */
  readonly passed: RegExp
}

/** Makes an example in an empty folder. */
type Preparation = (folder: string) => Promise<Example>

async function go(folder: string): Promise<Example> {
  copyFileSync(join(fixtures, 'handler_test.go'), join(folder, 'handler_test.go'))
  const client = join(clientsFolder, 'go')
  const module = `module downstream\n\ngo 1.19\n\nrequire minderbinder v0.0.0\n\nreplace minderbinder v0.0.0 => ${client}\n`
  writeFileSync(join(folder, 'go.mod'), module)
  const program = join(folder, 'go.test')
  await built(['go', 'test', '-c', '-o', program, '.'], {
    cwd: folder,
    env: { CGO_ENABLED: '0', GOFLAGS: '', GOPROXY: 'off' },
  })
  return { command: [program, '-test.v'], passed: /^--- PASS: TestYourAPIHandler[\s\S]*^PASS$/m }
}

async function node(folder: string): Promise<Example> {
  copyFileSync(join(fixtures, 'handler.test.mjs'), join(folder, 'handler.test.mjs'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(repository, join(folder, 'node_modules/minderbinder'))
  const command = [process.execPath, '--test', '--test-reporter=tap', folder]
  return {
    command,
    passed: /^# pass 2\n# fail 0$/m,
  }
}

async function python(): Promise<Example> {
  return {
    command: ['/usr/bin/python3', '-m', 'unittest', 'discover', '-s', fixtures],
    env: { PYTHONPATH: join(clientsFolder, 'python'), PYTHONDONTWRITEBYTECODE: '1' },
    passed: /^Ran 2 tests[\s\S]*^OK$/m,
  }
}

async function rust(folder: string): Promise<Example> {
  mkdirSync(join(folder, 'tests'))
  copyFileSync(join(fixtures, 'handler.rs'), join(folder, 'tests/handler.rs'))
  const client = join(clientsFolder, 'rust')
  const manifest = `[package]\nname = "downstream"\nversion = "0.1.0"\nedition = "2021"\n\n[lib]\npath = "/dev/null"\n\n[dev-dependencies]\nminderbinder = { path = "${client}" }\n\n[workspace]\n`
  writeFileSync(join(folder, 'Cargo.toml'), manifest)
  const { stderr } = await built(['cargo', 'test', '--offline', '--no-run', '--tests'], {
    cwd: folder,
    env: { CARGO_TARGET_DIR: join(folder, 'target'), CARGO_PROFILE_DEV_DEBUG: '0' },
  })
  const [, program] = /^ +Executable tests\/handler.rs \((.*)\)$/m.exec(stderr) ?? []
  assert.ok(program, stderr)
  return {
    command: [program],
    cwd: folder,
    passed: /^test result: ok\. 1 passed; 0 failed/m,
  }
}

async function built(command: string[], options: Parameters<typeof run>[1]): Promise<RunResult> {
  const done = await run(command, { ...options, timeout: 240_000 })
  assert.equal(done.status, 0, done.stdout + done.stderr)
  return done
}

for (const [language, need, prepare] of [
  ['Go', ['go'], go],
  ['Node', [], node],
  ['Python', [], python],
  ['Rust', ['cargo', 'curl'], rust],
] as [string, Need[], Preparation][])
  test(`${language}: the handler answers 502 while nothing reaches the service`, async (t) => {
    if (!requires(t, ...needs, ...need)) return
    const { command, passed, ...where } = await prepare(scratch(t))
    const namespace = await openNamespace(t)
    const before = systemState()
    const env = { ...onPath, ...where.env, ...trust }
    const faulted = [minderbinder, 'exec', '--control', '--', ...command]
    const { status, stdout, stderr } = await run(namespace.inside(...faulted), { ...where, env })
    assert.equal(status, 0, stdout + stderr)
    assert.match(stdout + stderr, passed)
    await nothingLeft(before)
    // With nothing in front they start serve --stdio.
    const bare = await run(namespace.inside(...command), { ...where, env })
    assert.equal(bare.status, 0, bare.stdout + bare.stderr)
    assert.match(bare.stdout + bare.stderr, passed)
    await nothingLeft(before)
  })

/** What `npm pack` makes: everything that is needed, and nothing else. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { requires } from '../helpers/requires.ts'
import { run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { machines, repository, tarball } from './tarball.ts'

/** Packs, or takes what is packed, and unpacks it: the package's folder. */
function unpacked(t: TestContext, file: string): string {
  const folder = scratch(t)
  execFileSync('tar', ['-xzf', file, '-C', folder])
  return join(folder, 'package')
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(folder, path)).isFile())
    .sort()
}

const expected: readonly RegExp[] = [
  /^(README|CHANGELOG)\.md$/,
  /^package\.json$/,
  /^LICENSE$/,
  /^LICENSES\/(MIT|GPL-2\.0-only|LGPL-2\.1-or-later)\.txt$/,
  /^config\.yaml$/,
  /^bin\/minderbinder\.sh$/,
  /^build\/launcher-(x86_64|aarch64)$/,
  /^build\/own-filter-(x86_64|aarch64)\.so$/,
  /^clients\/(README\.md|transcript\.jsonl)$/,
  /^clients\/go\/([a-z0-9_]+\.(go|s)|go\.mod|README\.md)$/,
  /^clients\/python\/(((tests|minderbinder)\/)?[a-z_]+\.py|pyproject\.toml|README\.md)$/,
  /^clients\/rust\/((src|tests)\/(common\/)?[a-z_]+\.rs|Cargo\.(toml|lock)|README\.md)$/,
  /^completions\/(_minderbinder|minderbinder\.(bash|fish))$/,
  /^man\/minderbinder\.(1|yaml\.5)$/,
  /^dist\/(cli|minderbinder|view|exposition)\.cjs$/,
  /^dist\/(index|errors|testing)\.js$/,
  /^dist\/(index|errors)\.d\.ts$/,
  // Only what the entries name, directly or not.
  /^dist\/(rules|library|report|launch|testing)\/([a-z-]+\/)*[a-z-]+\.d\.ts$/,
  /^docs\/[a-z.-]+\.(md|json|yaml|svg|service)$/,
  // What is not MIT comes with its source, and what makes the one of the other.
  /^bpf\/[a-z-]+\.(bpf\.c|bpf\.o|bpf\.h|h)$/,
  /^src\/launcher\/([a-z]+\/)?[a-z-]+\.[ch]$/,
  /^src\/own-filter\/([a-z-]+\.[ch]|exports\.map)$/,
  /^scripts\/build-(bpf|launcher|launchers|own-filter)\.sh$/,
]

test('npm pack builds all that the package needs, and leaves no more behind', async (t) => {
  if (!requires(t, 'npm', 'cc', 'cross-compilers')) return
  const folder = scratch(t)
  const pack = ['npm', 'pack', '--silent', '--pack-destination', folder]
  const done = await run(pack, { cwd: repository, timeout: 240_000 })
  assert.equal(done.status, 0, done.stderr)
  const content = unpacked(t, join(folder, done.stdout.trim().split('\n').at(-1)!))
  const files = filesOf(content)
  for (const file of files)
    assert.ok(
      expected.some((each) => each.test(file)),
      file,
    )
  for (const each of expected)
    assert.ok(
      files.some((file) => each.test(file)),
      `${each}`,
    )
  for (const object of readdirSync(join(repository, 'bpf')))
    assert.ok(files.includes(`bpf/${object}`), object)
  assert.ok(statSync(join(content, 'bin/minderbinder.sh')).mode & 0o111)
})

test('the launchers are static programs of their machines, without symbols', (t) => {
  if (!requires(t, 'npm', 'cross-compilers')) return
  const folder = unpacked(t, tarball())
  const numbers = { x86_64: 62, aarch64: 183 } // elf(5): e_machine
  for (const machine of machines) {
    const path = join(folder, 'build', `launcher-${machine}`)
    assert.ok(statSync(path).mode & 0o111)
    const bytes = readFileSync(path)
    assert.equal(bytes.readUInt16LE(18), numbers[machine])
    const headers = execFileSync('readelf', ['--wide', '--segments', '--sections', path], {
      encoding: 'utf8',
    })
    assert.doesNotMatch(headers, /INTERP|\.symtab|\.debug/)
  }
})

test('the libraries for tests need a C library of 2017, and are each for their machine', (t) => {
  if (!requires(t, 'npm', 'cross-compilers')) return
  const folder = unpacked(t, tarball())
  const [numbers, oldest] = [
    { x86_64: 62, aarch64: 183 },
    { x86_64: ['GLIBC_2.2.5', 'GLIBC_2.3.2'], aarch64: ['GLIBC_2.17'] },
  ]
  for (const machine of machines) {
    const path = join(folder, 'build', `own-filter-${machine}.so`)
    assert.equal(readFileSync(path).readUInt16LE(18), numbers[machine])
    const text = execFileSync('readelf', ['--wide', '--dynamic', '--version-info', path], {
      encoding: 'utf8',
    })
    const needed = [...text.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name)
    assert.ok(
      needed.every((name) => /^(libc|ld-linux-aarch64)\.so/.test(name!)),
      needed.join(),
    )
    const versions = [...text.matchAll(/Name: (GLIBC_[\d.]+)/g)].map(([, name]) => name)
    assert.deepEqual([...new Set(versions)].sort(), oldest[machine])
    assert.match(text, /NODELETE/)
  }
})

test('with this machine’s compiler alone there is this machine’s launcher, and a release is refused', async (t) => {
  if (!requires(t, 'cc')) return
  const folder = scratch(t)
  const [machine = '', other = ''] =
    process.arch === 'arm64' ? ['aarch64', 'x86_64'] : ['x86_64', 'aarch64']
  const tools = ['sh', 'dirname', 'uname', 'tr', 'mkdir', 'mv', 'rm', 'cc', 'as', 'ld']
  for (const tool of tools) {
    const path = execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' })
    symlinkSync(path.trim(), join(folder, tool))
  }
  const build = (...args: string[]) =>
    run(['sh', join(repository, 'scripts/build-launchers.sh'), ...args], {
      env: { PATH: folder },
      timeout: 120_000,
    })
  writeFileSync(join(folder, `launcher-${other}`), 'an old one')
  writeFileSync(join(folder, `own-filter-${other}.so`), 'an old one')
  const alone = await build(folder)
  assert.equal(alone.status, 0, alone.stderr)
  assert.match(alone.stderr, new RegExp(`no launcher for ${other}: .* is not installed`))
  assert.deepEqual(
    readdirSync(folder).filter((name) => /^(launcher|own-filter)/.test(name)),
    [`launcher-${machine}`, `own-filter-${machine}.so`],
  )
  const release = await build('--all', folder)
  assert.equal(release.status, 2)
  assert.match(release.stderr, new RegExp(`no launcher for ${other}`))
})

test('every file that the manual names is in it', (t) => {
  if (!requires(t, 'npm', 'cross-compilers')) return
  const folder = unpacked(t, tarball())
  const text = ['man/minderbinder.1', 'man/minderbinder.yaml.5', 'README.md']
    .map((page) => readFileSync(join(folder, page), 'utf8'))
    .join('\n')
    .replaceAll('\\-', '-') // man(7): a hyphen that can be copied
  const named = text.match(/\b(docs|bpf|completions)\/[\w.-]*\w/g) ?? []
  assert.ok(named.length >= 5)
  for (const file of named) assert.ok(statSync(join(folder, file)), file)
})

for (const [what, command] of [
  ['publint', ['publint', '--strict']],
  // The library is an ES module; Node 20 and newer have no other.
  ['are-the-types-wrong', ['attw', '--profile', 'esm-only']],
] as const)
  test(`${what} finds nothing`, async (t) => {
    if (!requires(t, 'npm', 'cross-compilers')) return
    const [program, ...options] = command
    const path = join(repository, 'node_modules/.bin', program)
    const done = await run([path, ...options, tarball()])
    assert.equal(done.status, 0, done.stdout + done.stderr)
    assert.doesNotMatch(done.stdout, /warning|suggestion/i)
  })

test('a program can use the library, and TypeScript knows its types', async (t) => {
  if (!requires(t, 'npm', 'cross-compilers', 'registry')) return
  const folder = scratch(t)
  const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund']
  const installed = await run(['npm', 'install', ...options, tarball()], {
    cwd: folder,
    timeout: 120_000,
  })
  assert.equal(installed.status, 0, installed.stderr)
  const program = (kind: string) => `import { parseSyscallFault } from 'minderbinder'
    const { outcome } = parseSyscallFault('openat=ENOENT@5%', { arch: 'x86_64' })
    if (outcome.kind !== '${kind}') throw outcome\n`
  const runs = (source: string) =>
    run([process.execPath, '--input-type=module', '-e', source], { cwd: folder })
  assert.equal((await runs(program('errno'))).stderr, '')
  assert.notEqual((await runs(program('return'))).status, 0)
  const command = `import { run } from 'minderbinder'
    const { end, rules } = await run({ command: ['cat', '/dev/null'], faults: ['read=EIO'] })
    console.log(JSON.stringify([end, rules[0].fired > 0]))`
  const ran = await runs(command)
  assert.deepEqual(
    [ran.stdout, ran.stderr],
    ['[{"kind":"exited","status":1},true]\n', 'cat: /dev/null: Input/output error\n'],
  )

  const compile = (kind: string, file = 'program.mts') => {
    writeFileSync(join(folder, 'program.mts'), program(kind))
    const strict = ['--noEmit', '--strict', '--module', 'nodenext', '--skipLibCheck', 'false']
    return run([join(repository, 'node_modules/.bin/tsc'), ...strict, file], {
      cwd: folder,
      timeout: 120_000,
    })
  }
  assert.equal((await compile('errno')).stdout, '')
  assert.match((await compile('erno')).stdout, /program\.mts\(3,/)

  const tested = `import { MinderbinderError } from 'minderbinder'
    import { withFailures } from 'minderbinder/testing'
    const empty = () => withFailures('openat=EIO,path=/nowhere', () => 5).then(({ value }) => value.toFixed())
    const error: unknown = await empty().catch((reason: unknown) => reason)
    if (!(error instanceof MinderbinderError) || error.code !== 'MB_NEVER_FIRED') throw error\n`
  writeFileSync(join(folder, 'tested.mts'), tested)
  assert.equal((await compile('errno', 'tested.mts')).stdout, '')
  const script = tested.replace(/: unknown/g, '')
  const node = [process.execPath, '--input-type=module', '-e', script]
  const control = ['node_modules/.bin/minderbinder', 'exec', '-q', '--control', '--', ...node]
  assert.equal((await run(control, { cwd: folder })).stderr, '')
})

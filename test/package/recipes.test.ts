/** docs/recipes.md does what it says, as it stands there, with the package that npm installed. */
import assert from 'node:assert/strict'
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import test, { after, type TestContext } from 'node:test'
import { parse } from 'yaml'
import { unprivileged } from '../helpers/identity.ts'
import { type Need, requires } from '../helpers/requires.ts'
import { run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { inContainer } from './container.ts'
import { layOut, recipes } from './recipes.ts'
import { install, repository, tarball } from './tarball.ts'

const parent = mkdtempSync(join(tmpdir(), 'mb-test-'))
after(() => rmSync(parent, { recursive: true }))

let installed: Promise<string> | undefined

async function pathWithCommand(): Promise<string> {
  installed ??= run(['chmod', '755', parent]).then(() => install(parent))
  return `${dirname(await installed)}${delimiter}${process.env.PATH}`
}

const needs: readonly Need[] = ['npm', 'cross-compilers', 'registry']

interface Project {
  readonly folder: string
  readonly lines: readonly string[]
  types(line: string, env?: NodeJS.ProcessEnv, user?: string): ReturnType<typeof run>
}

/** A folder with the recipe's files; lines are typed there. */
async function project(t: TestContext, title: string): Promise<Project> {
  const folder = scratch(t)
  const { lines } = layOut(title, folder)
  const PATH = await pathWithCommand()
  return {
    folder,
    lines,
    types: (line, env = {}, user = undefined) =>
      run(['sh', '-e', '-c', line], {
        ...(user === undefined ? {} : { user }),
        ...{ cwd: folder, env: { PATH, ...env }, timeout: 120_000 },
      }),
  }
}

/** The recipe's tests pass; with an app that ignores the error, or never comes to it, they fail. */
async function tells(project: Project, line: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const good = await project.types(line, env)
  assert.equal(good.status, 0, good.stdout + good.stderr)
  writeFileSync(join(project.folder, 'app'), '#!/bin/sh\ncat app.conf\nexit 0\n')
  assert.notEqual((await project.types(line, env)).status, 0, 'an app that ignores the error')
  writeFileSync(join(project.folder, 'app'), '#!/bin/sh\nexit 0\n')
  assert.notEqual((await project.types(line, env)).status, 0, 'an app that reads nothing')
}

test('every recipe is tried here', () => {
  assert.deepEqual(
    [...recipes.keys()],
    [
      ...['', 'Shell script', 'Makefile', 'go test', 'cargo test', 'pytest', 'node:test', 'vitest'],
      ...['DNS', 'Without root', 'GitHub Actions', 'Docker', 'systemd'],
    ],
  )
})

test('shell script', async (t) => {
  if (!requires(t, ...needs)) return
  await tells(await project(t, 'Shell script'), './test.sh')
})

test('Makefile, in parallel, with its jobserver', async (t) => {
  if (!requires(t, ...needs, 'make')) return
  const here = await project(t, 'Makefile')
  const [line = ''] = here.lines
  const done = await here.types(line)
  assert.equal(done.status, 0, done.stderr)
  assert.match(done.stdout, /^one$/m)
  assert.match(done.stdout, /^two$/m)
  assert.doesNotMatch(done.stderr, /jobserver/)
  await tells(here, line)
})

test('go test -exec', async (t) => {
  if (!requires(t, ...needs, 'go')) return
  const here = await project(t, 'go test')
  const [line = ''] = here.lines
  const env = { GOCACHE: join(here.folder, '.cache'), GOFLAGS: '' }
  const done = await here.types(line, env)
  assert.equal(done.status, 0, done.stdout + done.stderr)
  const without = await here.types('go test -count=1 ./...', env)
  assert.match(without.stdout, /FAIL: TestSaysThatItIsNotAllowed/)
})

test('cargo’s runner', async (t) => {
  if (!requires(t, ...needs, 'cargo')) return
  const here = await project(t, 'cargo test')
  const [line = ''] = here.lines
  const done = await here.types(line)
  assert.equal(done.status, 0, done.stdout + done.stderr)
  assert.match(done.stdout, /1 passed/)
  assert.notEqual((await here.types('cargo test --lib')).status, 0)
})

test('pytest', async (t) => {
  if (!requires(t, ...needs, 'pytest')) return
  const here = await project(t, 'pytest')
  await tells(here, here.lines[0] ?? '')
})

test('node:test', async (t) => {
  if (!requires(t, ...needs)) return
  const here = await project(t, 'node:test')
  await tells(here, here.lines[0] ?? '', { NODE_TEST_CONTEXT: undefined })
})

test('vitest', async (t) => {
  if (!requires(t, ...needs)) return
  const here = await project(t, 'vitest')
  symlinkSync(join(repository, 'node_modules'), join(here.folder, 'node_modules'))
  await tells(here, here.lines[0] ?? '', { NODE_TEST_CONTEXT: undefined })
})

for (const [title, user, need] of [
  ['DNS', undefined, 'libbpf'],
  ['Without root', unprivileged.options.user, 'curl'],
] as const)
  test(`${title}: the fault happens, and the program sees it`, async (t) => {
    if (!requires(t, ...needs, need)) return
    if (title === 'DNS' && !requires(t, 'root', 'cgroup2')) return
    const here = await project(t, title)
    const done = await here.types(here.lines[0] ?? '', {}, user)
    assert.equal(done.status, 0, done.stderr)
    const summary = readFileSync(join(here.folder, 'summary'), 'utf8')
    assert.match(summary, /^minderbinder: (refuse-net|connect).* [1-9]\d*$/m)
  })

test('GitHub Actions: the shape of the file, and its lines but for sudo’s', async (t) => {
  if (!requires(t, ...needs)) return
  const here = await project(t, 'GitHub Actions')
  copyFileSync(tarball(), join(here.folder, 'minderbinder-0.0.0.tgz'))
  const file = recipes.get('GitHub Actions')?.files.get('.github/workflows/faults.yml') ?? ''
  const workflow = parse(file)
  assert.deepEqual(Object.keys(workflow), ['name', 'on', 'jobs'])
  const steps: { run?: string; uses?: string }[] = workflow.jobs.faults.steps
  assert.match(steps[0]?.uses ?? '', /^actions\/checkout@v\d+$/)
  const lines = steps.flatMap(({ run: line }) => line ?? [])
  assert.equal(lines.length, 4)
  const prefix = join(here.folder, 'prefix')
  // Each step is a shell of its own: bash -e {0}.
  for (const line of lines.filter((each) => !each.startsWith('sudo '))) {
    const done = await here.types(line, {
      PATH: `${prefix}/bin:${process.env.PATH}`,
      npm_config_prefix: prefix,
      npm_config_prefer_offline: 'true',
    })
    assert.equal(done.status, 0, `${line}: ${done.stderr}`)
  }
})

test('GitHub Actions: what stands behind sudo, as root', async (t) => {
  if (!requires(t, ...needs, 'root', 'libbpf', 'cgroup2')) return
  const here = await project(t, 'GitHub Actions')
  const file = recipes.get('GitHub Actions')?.files.get('.github/workflows/faults.yml') ?? ''
  const line = /run: sudo (env .*)/.exec(file)?.[1] ?? ''
  const done = await here.types(line, { USER: 'nobody' })
  assert.equal(done.status, 0, done.stderr)
  assert.equal(done.stdout, 'colour = blue\n')
})

const added = {
  capabilities: ['BPF', 'PERFMON', 'NET_ADMIN'],
  unconfined: true,
  cgroups: true,
}
const containerNeeds = [...needs, 'root', 'runc', 'docker-profile', 'unshare', 'libbpf'] as const

for (const user of [0, 65534])
  for (const [what, options] of [
    ['as Docker starts it', {}],
    ['with the options', added],
  ] as const) {
    test(`Docker, ${what}, as user ${user}: system call faults work`, async (t) => {
      if (!requires(t, ...containerNeeds)) return
      const here = await project(t, 'Docker')
      const fault = ['--syscall', 'openat=EACCES,path=app.conf']
      const command = [join(parent, 'bin/minderbinder'), 'exec', ...fault, '--', './app']
      const done = await inContainer(scratch(t), here.folder, command, { ...options, user })
      assert.equal(done.status, 3, done.stderr)
      assert.match(done.stderr, /(?:ptrace|seccomp) +\d+ +1 +1$/m)
    })

    const works = user === 0 && options === added
    test(`Docker, ${what}, as user ${user}: network faults ${works ? 'work' : 'are refused'}`, async (t) => {
      if (!requires(t, ...containerNeeds)) return
      const here = await project(t, 'Docker')
      const command = [
        join(parent, 'bin/minderbinder'),
        'exec',
        '--drop-net',
        '100%',
        '--',
        './app',
      ]
      const done = await inContainer(scratch(t), here.folder, command, { ...options, user })
      assert.equal(done.status, works ? 0 : 125, done.stderr)
      assert.equal(done.stdout, works ? 'colour = blue\n' : '')
      if (!works) assert.match(done.stderr, /^minderbinder: hint: /m)
    })
  }

const connects = `require('net').connect(1, '127.0.0.1').on('error', ({ syscall, code }) => console.log(syscall, code))`

for (const user of [0, 65534])
  test(`Docker, as Docker starts it, as user ${user}: connections are refused`, async (t) => {
    if (!requires(t, ...containerNeeds)) return
    const here = await project(t, 'Docker')
    const command = ['exec', '--refuse-net', '100%', '--', process.execPath, '-e', connects]
    const line = [join(parent, 'bin/minderbinder'), ...command]
    const done = await inContainer(scratch(t), here.folder, line, { user })
    assert.equal(done.stdout, 'connect ECONNREFUSED\n', done.stderr)
    assert.match(done.stderr, /refuse-net 100% +(?:ptrace|seccomp) +1 +1 +1$/m)
  })

test('systemd: the unit is valid, and its command does what is meant', async (t) => {
  if (!requires(t, ...needs, 'systemd-analyze')) return
  const here = await project(t, 'systemd')
  const command = await pathWithCommand().then(() => join(parent, 'bin/minderbinder'))
  const unit = recipes.get('systemd')?.files.get('app.service.d/faults.conf') ?? ''
  const line = unit
    .replaceAll('/usr/local/bin/minderbinder', command)
    .replaceAll('/srv/app', here.folder)
  writeFileSync(join(here.folder, 'app.service.d/faults.conf'), line)
  const base = `[Unit]\nDescription=app\n[Service]\nExecStart=${here.folder}/app\n`
  writeFileSync(join(here.folder, 'app.service'), base)
  const verified = await here.types('systemd-analyze verify ./app.service')
  assert.equal(verified.stderr, '')
  const [start = ''] = /^ExecStart=(.+)$/m.exec(line.replace('ExecStart=\n', ''))?.slice(1) ?? []
  const done = await here.types(start.replaceAll('%%', '%').replace('@50%', '@100%'))
  assert.equal(done.status, 3, done.stderr)
})

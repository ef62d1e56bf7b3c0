/** run() of the library where its command cannot start, and where its program is killed while runs begin. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, rmdirSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import type { RunReport, RunRequest } from '../../src/index.ts'
import { ownCgroup } from '../../src/kernel/cgroup/place.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const library = minderbinder.replace(/bin\/minderbinder$/, 'dist/index.js')
const { run } = (await import(library)) as { run: (request: RunRequest) => Promise<RunReport> }

const command = ['true'] as const
const good = { command, faults: ['openat=EIO,path=/no/such/file'], stdio: 'ignore' } as const

test('a command that cannot be started as asked is an error that says why', async (t) => {
  const before = systemState()
  const folder = scratch(t)
  const file = join(folder, 'file')
  writeFileSync(file, '')
  for (const [wrong, code, message] of [
    [{ cwd: join(folder, 'gone') }, 'MB_USAGE', /in '.*gone': ENOENT/],
    [{ cwd: file }, 'MB_USAGE', /file': ENOTDIR/],
    [{ command: ['true', 'a\0b'] }, 'MB_USAGE', /NUL/],
    [{ env: { PATH: process.env.PATH, A: 'a\0b' } }, 'MB_USAGE', /NUL/],
    [{ stdio: ['ignore', 'ignore', 9999] }, 'MB_USAGE', /stdio/],
    // MAX_ARG_STRLEN of execve(2) is 128 KiB.
    [{ command: ['true', 'x'.repeat(1 << 17)] }, 'MB_EXEC_FAILED', /^true: .*E2BIG/],
  ] as const) {
    await assert.rejects(run({ ...good, ...wrong }), { code, message })
  }
  const { end } = await run({ ...good, cwd: folder, command: ['true', 'x'.repeat(1 << 16)] })
  assert.deepEqual(end, { kind: 'exited', status: 0 })
  await nothingLeft(before)
})

test('an interpreter is missed where the command is looked for, not where this process would look', async (t) => {
  const folder = scratch(t)
  const bad = join(folder, 'bad')
  const script = (path: string, interpreter: string) => {
    writeFileSync(path, `#!${interpreter}\n`)
    chmodSync(path, 0o755)
  }
  mkdirSync(bad)
  script(join(bad, 'it'), '/no/such/interpreter')
  script(join(folder, 'it'), '/bin/sh')
  const missing = { code: 'MB_EXEC_NOT_FOUND', message: /interpreter, '\/no\/such\/interpreter'/ }
  await assert.rejects(run({ ...good, command: ['it'], env: { PATH: bad } }), missing)
  await assert.rejects(run({ ...good, command: ['./it'], cwd: bad }), missing)
  await assert.rejects(run({ ...good, command: ['bad/it'], cwd: folder }), missing)
  const found = await run({ ...good, command: ['it'], env: { PATH: folder } })
  assert.deepEqual(found.end, { kind: 'exited', status: 0 })
  const none = { code: 'MB_EXEC_NOT_FOUND', message: 'it: command not found' }
  await assert.rejects(run({ ...good, command: ['it'], env: { PATH: '/no/such/folder' } }), none)
})

test('a program that is killed once a run has its cgroup, and no child yet, leaves no cgroup', async (t) => {
  if (!requires(t, 'root', 'libbpf', 'cgroup2')) return
  const before = systemState()
  const request = { ...good, command: ['sleep', '1000'], faults: ['--drop-net 0%'] }
  const body = `import { run } from ${JSON.stringify(library)}; await run(${JSON.stringify(request)})`
  // A cgroup of its own, where no other run sweeps what this one leaves.
  const place = join(ownCgroup().path, `killed-early-${process.pid}`)
  mkdirSync(place)
  t.after(() => rmdirSync(place))
  const enter = 'echo $$ > "$0/cgroup.procs" && exec "$1" --input-type=module -e "$2"'
  for (let round = 0; round < 3; round++) {
    // Its programs are loaded after the cgroup is made, for tens of milliseconds.
    let made: (path: string) => void
    const path = new Promise<string>((resolve) => {
      made = resolve
    })
    const victim = spawn('sh', ['-c', enter, place, process.execPath, body], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const ended = once(victim, 'exit')
    const watcher = watch(place, (_, name) => {
      if (!name?.startsWith('minderbinder-')) return
      victim.kill('SIGKILL')
      made(join(place, name))
    })
    const cgroup = await Promise.race([path, ended])
    watcher.close()
    assert.equal(typeof cgroup, 'string', 'it ended without a cgroup')
    await ended
    await until(() => !existsSync(`${cgroup}`), { what: `the end of ${cgroup}` })
  }
  await nothingLeft(before)
})

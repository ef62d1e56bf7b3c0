/** The exit status is the child's, exactly, and ours where there is no child. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { identities } from '../helpers/identity.ts'
import { pool } from '../helpers/pool.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const prefix = ['exec', '-q', '--syscall', 'openat=ENOENT@0%', '--']

/** Those whose default action is not to end the process: signal(7). */
const harmless = new Set(
  (
    [
      'SIGCHLD',
      'SIGCONT',
      'SIGSTOP',
      'SIGTSTP',
      'SIGTTIN',
      'SIGTTOU',
      'SIGURG',
      'SIGWINCH',
    ] as const
  ).map((name) => constants.signals[name]),
)
const fatalSignals = Array.from({ length: 64 }, (_, i) => i + 1).filter((n) => !harmless.has(n))

test('every exit status from 0 to 255 reaches the caller', async (t) => {
  if (!requires(t, 'cc')) return
  const end = fixture('end')
  const all = Array.from({ length: 256 }, (_, status) => status)
  const got = await pool(all, 3, async (status) => {
    const done = await runMinderbinder([...prefix, end, 'exit', `${status}`])
    return done.signal ?? done.status
  })
  assert.deepEqual(got, all)
})

for (const { title, options } of identities)
  test(`a child killed by a signal: the caller's wait status is the same, for every fatal signal, ${title}`, async (t) => {
    if (!requires(t, 'cc')) return
    const [wait, end] = [fixture('wait-status'), fixture('end')]
    const got = await pool(fatalSignals, 3, async (signal) => {
      const command = [wait, minderbinder, ...prefix, end, 'signal', `${signal}`]
      return (await run(command, options)).stdout.trim()
    })
    assert.deepEqual(
      got,
      fatalSignals.map((signal) => `signaled ${signal}`),
    )
  })

test('exit 128+N of a shell stays an exit, and does not become a death by signal', async (t) => {
  if (!requires(t, 'cc')) return
  const command = [fixture('wait-status'), minderbinder, ...prefix, 'sh', '-c', 'exit 137']
  assert.equal((await run(command)).stdout, 'exited 137\n')
})

for (const { title, options } of identities) {
  test(`an interpreter that is missing is named, and lines as on Windows are, ${title}`, async (t) => {
    const folder = scratch(t)
    const script = (name: string, text: string) => {
      writeFileSync(join(folder, name), text, { mode: 0o755 })
      return join(folder, name)
    }
    const crlf = await runMinderbinder(
      [...prefix, script('crlf', '#!/bin/sh\r\necho\r\n')],
      options,
    )
    assert.match(
      crlf.stderr,
      /^minderbinder: \S+: cannot be executed: its interpreter, '\/bin\/sh\\x0d', was not found \[MB_EXEC_NOT_FOUND\]\n/,
    )
    assert.match(crlf.stderr, /hint: its lines end as on Windows/)
    const onPath = await runMinderbinder([...prefix, 'orphan'], {
      ...options,
      env: { PATH: `${dirname(process.execPath)}:/usr/bin:${folder}` },
    })
    assert.match(onPath.stderr, /^minderbinder: orphan: command not found \[MB_EXEC_NOT_FOUND\]\n/)
    script('orphan', '#! /no/such/shell -e\n')
    const found = await runMinderbinder([...prefix, 'orphan'], {
      ...options,
      env: { PATH: `${dirname(process.execPath)}:/usr/bin:${folder}` },
    })
    assert.equal(
      found.stderr,
      "minderbinder: orphan: cannot be executed: its interpreter, '/no/such/shell', was not found [MB_EXEC_NOT_FOUND]\n",
    )
    assert.deepEqual([crlf.status, onPath.status, found.status], [127, 127, 127])
  })

  test(`a binary whose dynamic loader is missing says so, ${title}`, async (t) => {
    if (!requires(t, 'cc')) return
    const loader = /\/lib(?:64)?\/ld-linux[-.\w]+/
    const bytes = readFileSync(fixture('end')).toString('latin1')
    const found = loader.exec(bytes)?.[0] ?? ''
    const file = join(scratch(t), 'binary')
    writeFileSync(
      file,
      Buffer.from(bytes.replace(found, found.replace('/ld-', '/no-')), 'latin1'),
      {
        mode: 0o755,
      },
    )
    const done = await runMinderbinder([...prefix, file], options)
    assert.match(
      done.stderr,
      /cannot be executed: its interpreter, '\/lib\S*\/no-linux\S+', was not found \[MB_EXEC_NOT_FOUND\]\n$/,
    )
    assert.equal(done.status, 127)
  })
}

for (const { title, options } of identities)
  test(`commands that cannot be run end as under env, ${title}`, async (t) => {
    const folder = scratch(t)
    // A folder on PATH that may not be searched makes the missing command a forbidden one.
    const env = { PATH: '/usr/bin:/bin' }
    const file = (name: string, text: string, mode: number) => {
      writeFileSync(join(folder, name), text)
      chmodSync(join(folder, name), mode)
      return join(folder, name)
    }
    const cases: [string, string[], number][] = [
      ['no such command on PATH', ['mb-no-such-command'], 127],
      ['no such path', ['/nonexistent/command'], 127],
      ['the empty name', [''], 127],
      ['a directory', ['/'], 126],
      ['a path through a file', ['/etc/passwd/x'], 126],
      ['no permission', [file('plain', '#!/bin/sh\n', 0o644)], 126],
      [
        'an interpreter that is missing',
        [file('orphan', '#!/nonexistent/interpreter\n', 0o755)],
        127,
      ],
      ['a name that is too long', [`/${'x'.repeat(300)}`], 126],
      ['too many levels of links', ['/proc/self/fd/../fd/99999'], 127],
      ['a text without #!, which sh runs', [file('text', 'exit 3\n', 0o755)], 3],
      ['an empty file, which sh runs', [file('empty', '', 0o755)], 0],
      [
        'a program that is not for this machine, which sh runs',
        [file('foreign', '\x7fELF\x02\x01\x01', 0o755)],
        127,
      ],
    ]
    for (const [what, command, expected] of cases) {
      const plain = await run(['env', ...command], { ...options, env })
      const ours = await runMinderbinder([...prefix, ...command], { ...options, env })
      assert.deepEqual([ours.status, plain.status], [expected, expected], what)
      if (expected < 126 || what.includes('sh runs')) continue
      assert.match(ours.stderr, /^minderbinder: [^\n]+\n(minderbinder: [^\n]+\n)*$/, what)
      assert.equal(ours.stdout, '', what)
    }
  })

test('a command is found as execvp finds it: the first on PATH that can be run', async (t) => {
  const folder = scratch(t)
  writeFileSync(join(folder, 'mb-tool'), 'not executable')
  const second = scratch(t)
  writeFileSync(join(second, 'mb-tool'), '#!/bin/sh\nexit 9\n')
  chmodSync(join(second, 'mb-tool'), 0o755)
  const env = { PATH: `${folder}:${second}:${process.env.PATH}` }
  assert.equal((await runMinderbinder([...prefix, 'mb-tool'], { env })).status, 9)
  const only = { PATH: `${folder}:${process.env.PATH}` }
  assert.equal((await runMinderbinder([...prefix, 'mb-tool'], { env: only })).status, 126)
})

test('--help and --version are for stdout and end with 0', async () => {
  for (const option of ['--help', '--version']) {
    const done = await runMinderbinder([option])
    assert.equal(done.status, 0, option)
    assert.notEqual(done.stdout, '', option)
    assert.equal(done.stderr, '', option)
  }
  const done = await runMinderbinder(['exec', '--help'])
  assert.equal(done.status, 0)
  assert.match(done.stdout, /--syscall/)
})

/** An update takes the package away under a run: the run does not notice. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { identities } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { run, start } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { terminal } from '../helpers/terminal.ts'
import { until } from '../helpers/until.ts'
import { install, packageFolder, tarball } from './tarball.ts'

/** The same package with a higher version. */
function nextVersion(t: TestContext): string {
  const folder = scratch(t)
  execFileSync('tar', ['-xzf', tarball(), '-C', folder])
  const path = join(folder, 'package/package.json')
  const about = JSON.parse(readFileSync(path, 'utf8'))
  writeFileSync(path, JSON.stringify({ ...about, version: '99.0.0' }))
  const file = join(folder, 'minderbinder-99.0.0.tgz')
  execFileSync('tar', ['-czf', file, '-C', folder, 'package'])
  return file
}

/** Says that it runs, waits for the file `go`, and makes calls before and after. */
const waits = `cat /etc/hostname; echo started >&2
  until test -e go; do sleep 0.05; done; cat /etc/hostname; exit 7`

for (const { title, options } of identities)
  for (const how of ['npm installs a newer one', 'its folder is deleted'])
    test(`exec goes on to its summary while ${how}, ${title}`, async (t) => {
      if (!requires(t, 'npm', 'cross-compilers', 'registry')) return
      const prefix = scratch(t)
      const folder = scratch(t)
      const command = await install(prefix)
      const asRoot = options.user === undefined && process.geteuid?.() === 0
      const faults = [
        ...['--syscall', 'openat=ENOENT,path=/etc/hostname,when=2'],
        ...(asRoot ? ['--drop-net', '0%'] : []),
      ]
      const line = [command, 'exec', '--log', 'log', '--metrics', '0', ...faults, 'sh', '-c', waits]
      const running = start(line, { ...options, cwd: folder, timeout: 120_000 })
      await until(() => running.stderr().includes('started'), { what: 'the command runs' })
      if (how === 'npm installs a newer one') await install(prefix, nextVersion(t))
      else execFileSync('rm', ['-r', packageFolder(prefix)])
      writeFileSync(join(folder, 'go'), '')
      const done = await running.result
      assert.equal(done.status, 7, done.stderr)
      assert.match(done.stderr, /^cat: \/etc\/hostname: No such file/m)
      assert.match(done.stderr, /when=2 +(?:ptrace|seccomp) +\d+ +2 +1$/m)
      assert.match(done.stderr, /to repeat this run: --seed \d+\n$/)
      assert.match(readFileSync(join(folder, 'log'), 'utf8'), /ENOENT.*\n$/)
      if (how !== 'npm installs a newer one') return
      const updated = await run([command, '--version'], options)
      assert.equal(updated.stdout, 'minderbinder 99.0.0\n')
    })

test('graphs go on, and give the terminal back, while the folder is deleted', async (t) => {
  if (!requires(t, 'npm', 'cross-compilers', 'registry', 'pty', 'cc')) return
  const prefix = scratch(t)
  const folder = scratch(t)
  const command = await install(prefix)
  const faults = ['--graph', '--syscall', 'openat=ENOENT,path=/etc/hostname']
  const script = `"$@" </dev/null >out 2>&1; echo "status $?"`
  const session = terminal(
    ['sh', '-c', script, 'sh', command, 'exec', ...faults, 'sh', '-c', waits],
    { cwd: folder, env: { TERM: 'xterm' } },
  )
  t.after(() => session.hangUp())
  // The alternate screen (xterm's 1049), with the first line of what is drawn.
  await session.sees('\x1b[?1049h')
  await until(() => /started/.test(readFileSync(join(folder, 'out'), 'utf8')), { what: 'it runs' })
  execFileSync('rm', ['-r', packageFolder(prefix)])
  writeFileSync(join(folder, 'go'), '')
  await session.sees('\x1b[?1049l')
  await session.sees('status 7')
})

/** Many threads and processes at once, and commands that another process stops: under each engine of the supervisor. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { ownCgroup } from '../../src/kernel/cgroup/place.ts'
import { fixture } from '../helpers/fixture.ts'
import { alive, stateOf } from '../helpers/processes.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, runMinderbinder, start } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { until } from '../helpers/until.ts'

const engines = ['ptrace', 'seccomp'] as const
const THREADS = 5000
const CHILDREN = 300

for (const engine of engines) {
  const exec = (...faults: string[]) => [
    ...['exec', '--engine', engine],
    ...faults.flatMap((fault) => ['--syscall', fault]),
    '--',
  ]

  test(`${THREADS} threads at once, the second call of each fails, ${engine}`, async (t) => {
    if (!requires(t, 'cc')) return
    const args = exec('getpgid=EIO,when=2,scope=thread')
    const program = [fixture('many-threads'), `${THREADS}`]
    const done = await runMinderbinder([...args, ...program])
    assert.equal(done.stdout, `${THREADS} 0\n`, done.stderr)
    const counts = new RegExp(` ${engine} +${5 * THREADS} +${5 * THREADS} +${THREADS}$`, 'm')
    assert.match(done.stderr, counts)
  })

  test(`${CHILDREN} processes started at once: each is seen, ${engine}`, async () => {
    const script = `for i in {1..${CHILDREN}}; do { cat /etc/hostname 2>/dev/null || echo fails; } & done; wait`
    const done = await runMinderbinder([
      ...exec('openat=EIO,path=/etc/hostname'),
      ...['bash', '-c', script],
    ])
    assert.equal(done.stdout, 'fails\n'.repeat(CHILDREN))
    assert.match(done.stderr, new RegExp(` ${engine} +\\d+ +${CHILDREN} +${CHILDREN}$`, 'm'))
  })

  /** A shell that counts to 2,000 by calls that wait a moment, started; `count` is where it is. */
  function counting(t: TestContext) {
    const file = join(scratch(t), 'count')
    const script = `echo $$ >${file}; trap 'exit 3' TERM; n=0; while [ $n -lt 2000 ]; do read x </etc/hostname; n=$((n+1)); echo $n; done`
    const faults = exec('openat=delay:100us,path=/etc/hostname')
    const running = start([minderbinder, ...faults, 'bash', '-c', script])
    t.after(() => running.child.kill('SIGKILL'))
    const pid = () => Number(existsSync(file) && readFileSync(file, 'utf8'))
    const count = () => running.stdout().split('\n').length
    return { running, pid: () => until(pid, { what: 'the shell’s pid' }), count }
  }

  test(`another program stops the command, and lets it go on, ${engine}`, async (t) => {
    const { running, pid, count } = counting(t)
    const shell = await pid()
    await until(() => count() > 10, { what: 'the shell counting' })
    process.kill(shell, 'SIGSTOP')
    // A stop is a job's: minderbinder stops with it, and goes on with it.
    await until(() => stateOf(running.pid) === 'T', { what: 'minderbinder stopped' })
    process.kill(running.pid, 'SIGCONT')
    const done = await running.result
    assert.equal(done.status, 0, done.stderr)
    assert.match(done.stderr, new RegExp(` ${engine} +\\d+ +2000 +2000$`, 'm'))
  })

  for (const end of ['thawed', 'killed'] as const)
    test(`the command is frozen in a cgroup, then ${end}, ${engine}`, async (t) => {
      if (!requires(t, 'root', 'cgroup2')) return
      const cgroup = join(ownCgroup().path, `mb-frozen-${process.pid}`)
      const file = (name: string) => join(cgroup, `cgroup.${name}`)
      mkdirSync(cgroup)
      t.after(() => until(() => rmdirSync(cgroup) === undefined, { what: 'the cgroup empty' }))
      const { running, pid, count } = counting(t)
      const shell = await pid()
      writeFileSync(file('procs'), `${shell}`)
      await until(() => count() > 10, { what: 'the shell counting' })
      writeFileSync(file('freeze'), '1')
      await until(() => readFileSync(file('events'), 'utf8').includes('frozen 1'), {
        what: 'the shell frozen',
      })
      if (end === 'killed') {
        running.child.kill('SIGKILL')
        await running.exited
        await until(() => !alive(shell), { what: 'the end of the shell' })
        return
      }
      writeFileSync(file('freeze'), '0')
      const done = await running.result
      assert.equal(done.status, 0, done.stderr)
      assert.match(done.stderr, new RegExp(` ${engine} +\\d+ +2000 +2000$`, 'm'))
    })
}

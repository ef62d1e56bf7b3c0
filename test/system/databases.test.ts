/** Databases whose disk is full for one file of theirs: what they do with that file fails, and everything else goes on. */
import assert from 'node:assert/strict'
import { chmodSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { identities } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run, runMinderbinder, start } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { until } from '../helpers/until.ts'

/** Two databases in one process; what the program has of each afterwards. */
const sqlite = `
import sqlite3
for name in ('a.db', 'b.db'):
    db = sqlite3.connect(name)
    try:
        with db:
            db.execute('create table t (x)')
            db.executemany('insert into t values (?)', [('y' * 900,)] * 40)
        print(name, db.execute('select count(*) from t').fetchone()[0], 'rows')
    except sqlite3.OperationalError as error:
        print(name, error)
    print(name, *db.execute('pragma integrity_check').fetchone())
`

for (const { title, options } of identities)
  for (const engine of ['ptrace', 'seccomp'])
    test(`sqlite, its disk full for one database of two, ${title}, ${engine}`, async (t) => {
      if (!requires(t, 'python3')) return
      for (const [rate, first] of [
        ['100%', ['a.db database or disk is full', 'a.db ok']],
        ['0%', ['a.db 40 rows', 'a.db ok']],
      ] as const) {
        const cwd = scratch(t)
        chmodSync(cwd, 0o777)
        const fault = `write+pwrite64=ENOSPC@${rate},path=*/a.db`
        const args = ['exec', '-q', '--engine', engine, '--syscall', fault, '--']
        const command = ['/usr/bin/python3', '-c', sqlite]
        const done = await runMinderbinder([...args, ...command], { ...options, cwd })
        const lines = [...first, 'b.db 40 rows', 'b.db ok', '']
        assert.deepEqual(done.stdout.split('\n'), lines, done.stderr)
        assert.deepEqual(readdirSync(cwd).sort(), ['a.db', 'b.db'])
      }
    })

for (const engine of ['ptrace', 'seccomp'])
  test(`redis-server, its disk full for its log: it refuses writes, answers reads and saves, ${engine}`, async (t) => {
    if (!requires(t, 'redis', 'redis-cli')) return
    const folder = scratch(t)
    const socket = join(folder, 'socket')
    const cli = async (...command: string[]) =>
      (await run(['redis-cli', '-s', socket, ...command])).stdout.trim()
    // Of its two files of that name the first is written as it starts.
    const fault = ['--engine', engine, '--syscall', 'write=ENOSPC,path=*.incr.aof,when=3+']
    const options = `--port 0 --appendonly yes --appendfsync everysec --dir ${folder}`.split(' ')
    const server = ['redis-server', '--unixsocket', socket, ...options, '--save', '']
    const running = start([minderbinder, 'exec', ...fault, '--', ...server])
    t.after(() => running.child.kill('SIGKILL'))
    await until(async () => (await cli('ping')) === 'PONG', { what: 'redis answers' })
    assert.equal(await cli('set', 'a', '1'), 'OK')
    const refused = await until(
      async () => {
        const answer = await cli('set', 'a', '2')
        return answer !== 'OK' && answer
      },
      { what: 'redis refuses to write' },
    )
    assert.match(refused, /^MISCONF .*AOF file: No space left on device$/)
    assert.match(await cli('get', 'a'), /^[12]$/)
    assert.equal(await cli('save'), 'OK')
    await cli('shutdown', 'nosave', 'force')
    const done = await running.result
    assert.equal(done.status, 0, done.stderr)
    assert.match(done.stdout, /Error writing to the AOF file: No space left on device/)
    assert.match(done.stderr, new RegExp(` ${engine} +\\d+ +\\d+ +[1-9]\\d*$`, 'm'))
  })

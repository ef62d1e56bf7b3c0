/** Which of the named calls fail: after, when, times, scope, path, fd. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const { options } = unprivileged
const under = (fault: string, ...command: readonly string[]) =>
  runMinderbinder(['exec', '--syscall', fault, '--', ...command], options)

/** `FAILED of CALLS` of a tree of 3 processes with 4 threads each, 50 opens a thread. */
async function tree(keys: string): Promise<string> {
  const done = await under(`openat=ENOENT,path=/dev/null,${keys}`, fixture('loop'), '50', '3', '4')
  assert.equal(done.status, 0, done.stderr)
  return done.stdout.trim()
}

test('when= and times= count over the whole tree, exactly, with threads at work', async (t) => {
  if (!requires(t, 'cc')) return
  assert.equal(await tree('when=1..100'), '100 of 600')
  assert.equal(await tree('times=7'), '7 of 600')
  assert.equal(await tree('when=2+2'), '300 of 600')
})

test('scope=process counts in each process for itself', async (t) => {
  if (!requires(t, 'cc')) return
  assert.equal(await tree('when=1..100,scope=process'), '300 of 600')
  assert.equal(await tree('times=7,scope=process'), '21 of 600')
})

test('after= counts from the start of each process: a late child begins anew', async () => {
  const script = 'sleep 0.6; cat /etc/hostname >/dev/null && echo fine'
  const done = await under('openat=EIO,path=/etc/hostname,after=500ms', 'sh', '-c', script)
  assert.equal(done.stdout, 'fine\n', done.stderr)
})

test('path=: only calls with that path, as the program passes it', async (t) => {
  const folder = scratch(t)
  for (const name of ['a.db', 'b.txt']) writeFileSync(join(folder, name), name)
  const cat = (glob: string, ...files: readonly string[]) =>
    runMinderbinder(['exec', '-q', '--syscall', `openat=EIO,path=${glob}`, '--', 'cat', ...files], {
      ...options,
      cwd: folder,
    })
  assert.equal((await cat('*.db', 'a.db', 'b.txt')).stdout, 'b.txt')
  assert.equal((await cat('?.txt', 'a.db', 'b.txt')).stdout, 'a.db')
  assert.equal((await cat('[ab].*', 'a.db', 'b.txt')).stdout, '')
  assert.equal((await cat('[!b].*', 'a.db', 'b.txt')).stdout, 'b.txt')
  // Not resolved: another spelling of the same file is another path.
  assert.equal((await cat('a.db', './a.db')).stdout, 'a.db')
  assert.equal((await cat(`${folder}/*`, 'a.db')).stdout, 'a.db')
  assert.equal((await cat('/*', join(folder, 'a.db'))).stdout, '')
})

test('fd=: only calls on that descriptor', async (t) => {
  const copy = join(scratch(t), 'copy')
  const done = await under('write=EIO,fd=1', 'sh', '-c', `tee ${copy} </etc/passwd`)
  assert.equal(done.stdout, '')
  assert.match(done.stderr, /^tee: .*: Input\/output error$/m)
  assert.equal(readFileSync(copy, 'utf8'), readFileSync('/etc/passwd', 'utf8'))
})

test('a list and a family name every member', async () => {
  const list = await under('mkdir+mkdirat+rmdir=EROFS', 'sh', '-c', 'mkdir x; rmdir /x')
  assert.equal(list.stderr.match(/Read-only file system/g)?.length, 2, list.stderr)
  const family = await under(
    '%file=EIO,path=/etc/host*',
    'sh',
    '-c',
    'cat /etc/hostname; ls -l /etc/hosts',
  )
  assert.equal(family.stderr.match(/Input\/output error/g)?.length, 2, family.stderr)
})

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

/** The numbers of the opens of /dev/null that failed, of twelve. */
async function failing(keys: string): Promise<string> {
  const done = await under(`openat=ENOENT,path=/dev/null,${keys}`, fixture('loop'), '12')
  assert.equal(done.status, 0, done.stderr)
  return done.stdout.trim()
}

for (const [keys, expected] of [
  ['when=1', '1'],
  ['when=3', '3'],
  ['when=10+', '10 11 12'],
  ['when=2+4', '2 6 10'],
  ['when=4..6', '4 5 6'],
  ['when=2..9+3', '2 5 8'],
  ['when=13', ''],
  ['times=2', '1 2'],
  ['when=3+3,times=2', '3 6'],
  ['when=5..7,times=9', '5 6 7'],
] as const)
  test(`${keys}: the calls ${expected || 'none'} of twelve fail`, async (t) => {
    if (!requires(t, 'cc')) return
    assert.equal(await failing(keys), expected)
  })

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

test('after=: no fault before, faults afterwards', async (t) => {
  if (!requires(t, 'python3')) return
  const script = [
    'import os, time',
    'start = time.monotonic()',
    'def ok():',
    '  try: os.close(os.open("/dev/null", 0)); return True',
    '  except OSError: return False',
    'early = ok()',
    'while ok() and time.monotonic() - start < 20: time.sleep(0.01)',
    'print(early, 0.5 < time.monotonic() - start < 20)',
  ].join('\n')
  const done = await under('openat=EIO,path=/dev/null,after=1s', '/usr/bin/python3', '-c', script)
  assert.equal(done.stdout, 'True True\n', done.stderr)
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

test('path=: either path of a call with two', async (t) => {
  const folder = scratch(t)
  writeFileSync(join(folder, 'a'), '', { mode: 0o666 })
  for (const glob of ['a', 'b']) {
    const fault = `rename+renameat+renameat2=EIO,path=${glob}`
    const done = await runMinderbinder(['exec', '-q', '--syscall', fault, 'mv', 'a', 'b'], {
      ...options,
      cwd: folder,
    })
    assert.match(done.stderr, /Input\/output error/)
  }
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

test('a rate with decimals: about as many as it says, with a fixed seed', async (t) => {
  if (!requires(t, 'cc')) return
  const fault = ['exec', '-q', '--seed', '5', '--syscall', 'openat=ENOENT@12.5%,path=/dev/null']
  const done = await runMinderbinder([...fault, fixture('loop'), '4000', '1', '1'], options)
  const failed = Number(done.stdout.split(' ')[0])
  // 500 expected, standard deviation 21.
  assert.ok(failed > 400 && failed < 600, done.stdout)
})

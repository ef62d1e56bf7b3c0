/** Which of the named calls fail: after, when, times, scope, path, fd. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import test from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { callsHere } from '../helpers/syscall-number.ts'

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

test('path=: only calls with that path, as the program passes it or made absolute', async (t) => {
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
  assert.equal((await cat('a.db', './a.db')).stdout, 'a.db')
  assert.equal((await cat(`${folder}/*`, 'a.db')).stdout, '')
  assert.equal((await cat(`${folder}/a.db`, './/a.db', `../${basename(folder)}/a.db`)).stdout, '')
  assert.equal((await cat(`${folder}/a.db`, 'b.txt', '../a.db')).stdout, 'b.txt')
  assert.equal((await cat('/*', join(folder, 'a.db'))).stdout, '')
})

/** Calls on two files, by descriptors and by paths, and what each comes to. */
const onFiles = `
import errno, os, sys
os.chdir(sys.argv[1])
def show(name, call, *args, **more):
    try: call(*args, **more); print(name, 'ok')
    except OSError as error: print(name, errno.errorcode[error.errno])
folder = os.open('.', os.O_RDONLY)
hit, other = (os.open(name, os.O_RDWR) for name in ('a.db', 'b.txt'))
for name, fd in ('hit', hit), ('other', other), ('pipe', os.pipe()[1]):
    show(name + ' write', os.write, fd, b'x')
    show(name + ' fsync', os.fsync, fd)
    show(name + ' fstat', os.fstat, fd)
show('copy', os.write, os.dup(hit), b'x')
os.close(hit)
show('reused', os.write, os.dup2(other, hit), b'x')
show('stat', os.stat, 'a.db', dir_fd=folder)
show('other stat', os.stat, 'b.txt', dir_fd=folder)
hit = os.open('a.db', os.O_RDWR)
os.unlink('a.db')
show('deleted', os.write, hit, b'x')
`

for (const engine of ['seccomp', 'ptrace'])
  test(`${engine}: path= of calls on a descriptor is that of its file`, async (t) => {
    if (!requires(t, 'python3')) return
    const folder = scratch(t)
    for (const name of ['a.db', 'b.txt']) {
      writeFileSync(join(folder, name), name)
      chmodSync(join(folder, name), 0o666)
    }
    const done = await runMinderbinder(
      [
        ...[
          'exec',
          '-q',
          '--engine',
          engine,
          '--syscall',
          `write+fsync+fstat+newfstatat=ENOSPC,path=${folder}/a.db`,
        ],
        ...['--', '/usr/bin/python3', '-c', onFiles, folder],
      ],
      options,
    )
    assert.deepEqual(done.stdout.split('\n').slice(0, -1), [
      ...['hit write ENOSPC', 'hit fsync ENOSPC', 'hit fstat ENOSPC'],
      ...['other write ok', 'other fsync ok', 'other fstat ok'],
      ...['pipe write ok', 'pipe fsync EINVAL', 'pipe fstat ok'],
      ...['copy ENOSPC', 'reused ok', 'stat ENOSPC', 'other stat ok', 'deleted ENOSPC'],
    ])
    assert.equal(done.status, 0, done.stderr)
  })

/** Many calls in a row on one number, which means another file each time: what all of them came to. */
const onOneNumber = `
import ctypes, errno, os, sys, threading
os.chdir(sys.argv[1])
hit, other = (os.open(name, os.O_RDWR) for name in ('a.db', 'b.txt'))
FD = 77
def write(name):
    lines = set()
    for i in range(30):
        try: os.pwrite(FD, b'x', 0); lines.add('ok')
        except OSError as error: lines.add(errno.errorcode[error.errno])
    print(name, *sorted(lines))
for turn in 'first', 'again':
    os.dup2(hit, FD); write('hit ' + turn)
    os.dup2(other, FD); write('other ' + turn)
    os.close(FD); write('closed ' + turn)
os.dup2(other, FD); write('before its new name')
os.rename('b.txt', 'a.db'); write('renamed')
os.rename('a.db', 'b.txt'); write('renamed back')
def in_thread():
    write('thread, shared')
    assert ctypes.CDLL(None).unshare(0x400) == 0 # CLONE_FILES
    os.dup2(hit, FD); write('thread, its own')
    done.set(); go_on.wait()
    write('thread, still')
done, go_on = threading.Event(), threading.Event()
thread = threading.Thread(target=in_thread)
thread.start(); done.wait()
write('the first thread')
go_on.set(); thread.join()
`

for (const engine of ['seccomp', 'ptrace'])
  test(`${engine}: path= looks anew at each call what a descriptor means`, async (t) => {
    if (!requires(t, 'python3')) return
    const folder = scratch(t)
    for (const name of ['a.db', 'b.txt']) {
      writeFileSync(join(folder, name), name)
      chmodSync(join(folder, name), 0o666)
    }
    chmodSync(folder, 0o777)
    const fault = ['--engine', engine, '--syscall', `pwrite64=ENOSPC,path=${folder}/a.db`]
    const done = await runMinderbinder(
      ['exec', '-q', ...fault, '--', '/usr/bin/python3', '-c', onOneNumber, folder],
      options,
    )
    const turn = (name: string) => [
      `hit ${name} ENOSPC`,
      `other ${name} ok`,
      `closed ${name} EBADF`,
    ]
    assert.deepEqual(done.stdout.split('\n').slice(0, -1), [
      ...[...turn('first'), ...turn('again')],
      ...['before its new name ok', 'renamed ENOSPC', 'renamed back ok'],
      ...['thread, shared ok', 'thread, its own ENOSPC'],
      ...['the first thread ok', 'thread, still ENOSPC'],
    ])
    assert.equal(done.status, 0, done.stderr)
  })

const onDatabases = `
import os, sqlite3, sys
os.chdir(sys.argv[1])
for name in 'full.db', 'fine.db':
    try:
        with sqlite3.connect(name) as db: db.execute('create table t (x)')
        print(name, 'ok')
    except sqlite3.Error as error: print(name, error)
`

test('path=: the disk is full for one database of SQLite, and not for another', async (t) => {
  if (!requires(t, 'python3')) return
  const folder = scratch(t)
  const done = await under(
    `pwrite64+write=ENOSPC,path=${folder}/full.db`,
    ...['/usr/bin/python3', '-c', onDatabases, folder],
  )
  assert.equal(done.stdout, 'full.db database or disk is full\nfine.db ok\n', done.stderr)
})

test('fd=: only calls on that descriptor', async (t) => {
  const copy = join(scratch(t), 'copy')
  const done = await under('write=EIO,fd=1', 'sh', '-c', `tee ${copy} </etc/passwd`)
  assert.equal(done.stdout, '')
  assert.match(done.stderr, /^tee: .*: Input\/output error$/m)
  assert.equal(readFileSync(copy, 'utf8'), readFileSync('/etc/passwd', 'utf8'))
})

test('a list and a family name every member', async () => {
  const list = await under(
    `${callsHere('mkdir', 'mkdirat', 'rmdir', 'unlinkat')}=EROFS`,
    'sh',
    '-c',
    'mkdir x; rmdir /x',
  )
  assert.equal(list.stderr.match(/Read-only file system/g)?.length, 2, list.stderr)
  const family = await under(
    '%file=EIO,path=/etc/host*',
    'sh',
    '-c',
    'cat /etc/hostname; ls -l /etc/hosts',
  )
  assert.equal(family.stderr.match(/Input\/output error/g)?.length, 2, family.stderr)
})

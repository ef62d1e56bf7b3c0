/** Programs that people run, under faults: they fail the way they do when the disk or the network does. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test from 'node:test'
import { identities, unprivileged } from '../helpers/identity.ts'
import { type Need, requires } from '../helpers/requires.ts'
import { runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

interface Case {
  readonly what: string
  readonly needs: readonly Need[]
  readonly fault: string
  readonly command: readonly string[]
  /** What it says of the failure. */
  readonly says: RegExp
  readonly status: number
}

const cases: readonly Case[] = [
  {
    what: 'cat cannot open',
    needs: [],
    fault: 'openat=EACCES,path=/etc/hostname',
    command: ['cat', '/etc/hostname'],
    says: /^cat: \/etc\/hostname: Permission denied$/m,
    status: 1,
  },
  {
    what: 'cat cannot read',
    needs: [],
    fault: 'read=EIO',
    command: ['cat', '/etc/hostname'],
    says: /^cat: \/etc\/hostname: Input\/output error$/m,
    status: 1,
  },
  {
    what: 'cp runs out of space',
    needs: [],
    // Descriptor 4: its messages go out by write() too.
    fault: 'write+copy_file_range=ENOSPC,fd=4',
    command: ['cp', '/etc/passwd', 'copy'],
    says: /^cp: error (writing|copying).*: No space left on device$/m,
    status: 1,
  },
  {
    what: 'mkdir on a read-only file system',
    needs: [],
    fault: 'mkdir+mkdirat=EROFS',
    command: ['mkdir', 'folder'],
    says: /^mkdir: cannot create directory .*: Read-only file system$/m,
    status: 1,
  },
  {
    what: 'ls cannot stat',
    needs: [],
    fault: 'statx+newfstatat=EIO,path=file',
    command: ['ls', '-l', 'file'],
    says: /^ls: cannot access 'file': Input\/output error$/m,
    status: 2,
  },
  {
    what: 'sync fails',
    needs: [],
    fault: 'fsync=EIO',
    command: ['sync', 'file'],
    says: /^sync: error syncing 'file': Input\/output error$/m,
    status: 1,
  },
  {
    what: 'the shell cannot fork',
    needs: [],
    fault: 'clone+clone3+fork+vfork=EAGAIN',
    command: ['dash', '-c', '/bin/true; true'],
    says: /Cannot fork$/m,
    status: 2,
  },
  {
    what: 'busybox, static, cannot open',
    needs: ['busybox'],
    fault: 'open+openat=ENOENT',
    command: ['busybox', 'cat', '/etc/hostname'],
    says: /^cat: can't open '\/etc\/hostname': No such file or directory$/m,
    status: 1,
  },
  {
    what: 'python cannot open',
    needs: ['python3'],
    fault: 'openat=EMFILE,path=/etc/hostname',
    command: ['/usr/bin/python3', '-c', 'open("/etc/hostname")'],
    says: /^OSError: \[Errno 24\] Too many open files: '\/etc\/hostname'$/m,
    status: 1,
  },
  {
    what: 'python’s socket does not connect',
    needs: ['python3'],
    fault: 'connect=ETIMEDOUT',
    command: [
      '/usr/bin/python3',
      '-c',
      'import socket; socket.create_connection(("127.0.0.1", 9))',
    ],
    says: /^TimeoutError: \[Errno 110\] Connection timed out$/m,
    status: 1,
  },
  {
    what: 'node cannot open',
    needs: [],
    fault: 'openat=EMFILE,path=/etc/hostname',
    command: [process.execPath, '-e', "require('fs').readFileSync('/etc/hostname')"],
    says: /^Error: EMFILE: too many open files, open '\/etc\/hostname'$/m,
    status: 1,
  },
  {
    what: 'git cannot rename its files into place',
    needs: ['git'],
    fault: 'rename+renameat+renameat2+link+linkat=EDQUOT',
    command: ['git', 'init', '-q', 'repository'],
    says: /^error: unable to write .*: Disk quota exceeded$/m,
    status: 1,
  },
]

for (const { title, options } of identities)
  for (const { what, needs, fault, command, says, status } of cases)
    test(`${what}, ${title}`, async (t) => {
      if (!requires(t, ...needs)) return
      const folder = scratch(t)
      writeFileSync(join(folder, 'file'), 'text\n', { mode: 0o666 })
      const run = (rate: string) =>
        runMinderbinder(
          ['exec', '-q', '--syscall', fault.replace(/(,|$)/, `@${rate}$1`), '--', ...command],
          {
            ...options,
            cwd: folder,
            env: { LC_ALL: 'C', HOME: folder },
          },
        )
      const failed = await run('100%')
      assert.match(failed.stderr, says)
      assert.equal(failed.status, status, failed.stderr)
      if (what.includes('connect')) return
      // The twin: the same run with the fault at 0% works, so it was the fault that failed it.
      const fine = await run('0%')
      assert.equal(fine.status, 0, fine.stderr)
    })

test('curl cannot connect, and with a fault elsewhere it can', async (t) => {
  if (!requires(t, 'curl')) return
  const server = createServer((_request, response) => response.end('hello'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const curl = (fault: string) =>
    runMinderbinder(
      ['exec', '-q', '--syscall', fault, '--', 'curl', '-sS', '--noproxy', '*', url],
      unprivileged.options,
    )
  const failed = await curl('connect=ECONNREFUSED')
  assert.equal(failed.status, 7, failed.stderr)
  assert.match(failed.stderr, /Failed to connect/)
  const late = await curl('recvfrom+read+recvmsg=ECONNRESET,when=1+')
  assert.notEqual(late.status, 0)
  const fine = await curl('accept=EPERM')
  assert.deepEqual([fine.status, fine.stdout], [0, 'hello'], fine.stderr)
})

test('git commits nothing where its object store is full', async (t) => {
  if (!requires(t, 'git')) return
  const folder = scratch(t)
  mkdirSync(join(folder, 'r'))
  const env = { HOME: folder, GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' }
  const git = (fault: string, ...args: string[]) =>
    runMinderbinder(['exec', '-q', '--syscall', fault, 'git', ...args], {
      cwd: join(folder, 'r'),
      env,
    })
  assert.equal((await git('chroot=EPERM', 'init', '-q')).status, 0)
  writeFileSync(join(folder, 'r', 'a'), 'text')
  assert.equal((await git('chroot=EPERM', 'add', 'a')).status, 0)
  const failed = await git(
    'openat+mkdir+link+rename=ENOSPC,path=*objects/*',
    '-c',
    'user.name=a',
    '-c',
    'user.email=a',
    'commit',
    '-qm',
    'm',
  )
  assert.notEqual(failed.status, 0)
  assert.match(failed.stderr, /No space left on device|unable to write/)
})

test('redis-server cannot write its pid file or bind, and says so', async (t) => {
  if (!requires(t, 'redis')) return
  const folder = scratch(t)
  const server = ['redis-server', '--port', '0', '--unixsocket', join(folder, 's'), '--dir', folder]
  const failed = await runMinderbinder([
    'exec',
    '-q',
    '--syscall',
    'bind=EADDRINUSE',
    '--',
    ...server,
  ])
  assert.notEqual(failed.status, 0)
  assert.match(failed.stdout, /Address already in use/)
})

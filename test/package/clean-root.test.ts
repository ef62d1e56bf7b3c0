/** What a new user does, as it is typed, on a Debian 12 that has node and npm, and no compiler. */
import assert from 'node:assert/strict'
import { basename } from 'node:path'
import test from 'node:test'
import { requires } from '../helpers/requires.ts'
import { CleanRoot } from './clean-root.ts'
import { tarball } from './tarball.ts'

const fault = '--syscall openat=ENOENT,path=/etc/hostname'

test('on a clean Debian', { timeout: 400_000 }, async (t) => {
  const needs = ['root', 'debootstrap', 'debian-mirror', 'unshare', 'npm', 'registry'] as const
  if (!requires(t, ...needs, 'cross-compilers', 'setpriv', 'cgroup2')) return
  const root = new CleanRoot()
  t.after(() => root.remove())
  root.copyIn(tarball(), `root/${basename(tarball())}`)

  await t.test('npm i -g installs it, where there is no compiler', async () => {
    const compilers = await root.types('command -v cc gcc clang make python3')
    assert.equal(compilers.stdout, '')
    const done = await root.types('cd && npm i -g ./minderbinder-*.tgz')
    assert.equal(done.status, 0, done.stderr)
    assert.match(done.stdout, /added \d+ packages/)
  })

  for (const user of ['root', 'nobody']) {
    await t.test(`exec makes a call fail, as ${user}`, async () => {
      const done = await root.types(`minderbinder exec ${fault} -- cat /etc/hostname`, user)
      assert.equal(done.status, 1)
      assert.match(done.stderr, /^cat: \/etc\/hostname: No such file or directory$/m)
      assert.match(done.stderr, /hostname +(?:ptrace|seccomp) +\d+ +1 +1$/m)
    })

    await t.test(`doctor says what works, and that libbpf is missing, as ${user}`, async () => {
      const done = await root.types('minderbinder doctor', user)
      assert.match(done.stdout, /^system call faults: yes/, done.stderr)
      assert.match(done.stdout, /no +libbpf[\s\S]*?apt install libbpf1/)
    })
  }

  await t.test('a network fault without libbpf says what to install', async () => {
    const done = await root.types('minderbinder exec --drop-net 100% -- touch /root/witness')
    assert.equal(done.status, 125)
    assert.match(done.stderr, /libbpf\.so\.1/)
    assert.match(done.stderr, /apt install libbpf1/)
    assert.equal((await root.types('test -e /root/witness')).status, 1)
  })

  await t.test('with libbpf1 from Debian it works', async () => {
    const installed = await root.types('apt-get install -y libbpf1')
    assert.equal(installed.status, 0, installed.stderr)
    const probe = `require('net').connect(1, '127.0.0.1').on('error', (e) => console.log(e.code))`
    const done = await root.types(
      `minderbinder exec --refuse-net 100% -- node -e "${probe}"; exit $?`,
    )
    assert.equal(done.stdout, 'ECONNREFUSED\n')
    assert.match(done.stderr, /refuse-net 100% +cgroup +1 +1 +1$/m)
  })

  await t.test('the manual is where man looks', async () => {
    const done = await root.types('ls /usr/local/share/man/man1 /usr/local/share/man/man5')
    assert.match(done.stdout, /^minderbinder\.1$[\s\S]*^minderbinder\.yaml\.5$/m, done.stderr)
  })

  await t.test('Debian’s own node, which is too old, is named in one line', async () => {
    const installed = await root.types('apt-get install -y --no-install-recommends nodejs')
    assert.equal(installed.status, 0, installed.stderr)
    const command = '/usr/local/bin/minderbinder exec -- touch /root/witness'
    const done = await root.types(`PATH=/usr/bin:/bin; ${command}`)
    assert.match(
      done.stderr,
      /^minderbinder: it needs Node\.js 20 or newer, and the first in PATH, \/usr\/bin\/node is v18\.\S+\n$/,
    )
    assert.equal(done.status, 125)
    assert.equal((await root.types('test -e /root/witness')).status, 1)
  })

  await t.test('npm uninstall -g takes all of it away', async () => {
    const done = await root.types(
      'npm uninstall -g minderbinder && find / -xdev -name "*minderbinder*"',
    )
    assert.equal(done.status, 0, done.stderr)
    const left = done.stdout.split('\n').filter((line) => line.startsWith('/'))
    assert.deepEqual(left, [`/root/${basename(tarball())}`])
  })
})

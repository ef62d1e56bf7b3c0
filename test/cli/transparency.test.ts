/** A transparent prefix: what a process inherits is what it would under env. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { identities } from '../helpers/identity.ts'
import { compare, type Row, rows } from '../helpers/inheritance.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const prefix = [minderbinder, 'exec', '-q', '--syscall', 'openat=ENOENT@0%', '--']

for (const identity of identities)
  for (const [title, script, shows] of rows)
    test(`the same as under env, ${identity.title}: ${title}`, async (t) => {
      if (!requires(t, 'cc')) return
      const report = await compare(t, prefix, script, identity)
      // The row would prove nothing if the probe did not show what it is about.
      assert.ok(shows.test(report), `${shows} in the probe's report`)
    })

for (const [title, script, shows] of [
  ['a smaller bounding set', 'setpriv --bounding-set=-net_raw,-sys_time -- "$@"', /^CapBnd:/m],
  [
    'ambient capabilities',
    'setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=+net_bind_service --ambient-caps=+net_bind_service -- "$@"',
    /^CapAmb:\t0+400$/m,
  ],
  ['groups', 'setpriv --groups=4,20 -- "$@"', /^Groups:\t4 20/m],
  ['securebits', 'setpriv --securebits=+noroot,+noroot_locked -- "$@"', /securebits 3$/m],
] as readonly Row[])
  test(`the same as under env, as root: ${title}`, async (t) => {
    if (!requires(t, 'cc', 'root')) return
    const report = await compare(t, prefix, script, { title, options: {} })
    assert.ok(shows.test(report), `${shows} in the probe's report`)
  })

for (const { title, options } of identities)
  test(`a parent-death signal is the command’s where it has no cgroup of its own, ${title}`, async (t) => {
    if (!requires(t, 'cc')) return
    const script = 'cat /proc/self/cgroup; exec "$0"'
    const done = await run([...prefix, 'sh', '-c', script, fixture('state')], options)
    // For an ordinary user that depends on whether a cgroup was delegated to it.
    const signal = /^0::.*\/minderbinder-/m.test(done.stdout) ? 0 : 9
    assert.match(done.stdout, new RegExp(`^parent-death-signal ${signal}$`, 'm'))
  })

test('minderbinder itself can start with every signal ignored and every stream closed, and the child’s status arrives', async () => {
  const script = 'env --ignore-signal -- "$@" <&- >&- 2>&-; exit $?'
  const done = await run(['bash', '-c', script, 'bash', ...prefix, 'sh', '-c', 'exit 42'])
  assert.equal(done.status, 42)
})

test('without room for more descriptors than the child may have, it still works', async () => {
  const done = await run([
    'bash',
    '-c',
    'ulimit -n 32; "$@"',
    'bash',
    ...prefix,
    'sh',
    '-c',
    'ulimit -n',
  ])
  assert.equal(done.stdout, '32\n', done.stderr)
})

test('bytes pass from stdin to stdout as they are: a megabyte of them', async () => {
  const bytes = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 31 + (i >> 8)) & 255))
  const done = await run([...prefix, 'cat'], { input: bytes })
  assert.ok(done.stdoutBytes.equals(bytes))
})

test('the rest of a script on stdin is left for whoever reads next', async () => {
  const script = `read a; "$@" sh -c 'read b; echo "child $b"'; read c; echo "shell $c"`
  const done = await run(['sh', '-c', script, 'sh', ...prefix], { input: 'one\ntwo\nthree\n' })
  assert.equal(done.stdout, 'child two\nshell three\n')
})

test('make’s jobserver passes through', async (t) => {
  if (!requires(t, 'make')) return
  const folder = scratch(t)
  writeFileSync(join(folder, 'sub.mk'), 'all: a b\na b:\n\t@echo $@\n')
  writeFileSync(join(folder, 'Makefile'), `all:\n\t+@${prefix.join(' ')} $(MAKE) -f sub.mk\n`)
  const done = await run(['make', '-j2'], { cwd: folder })
  assert.equal(done.status, 0, done.stderr)
  // "jobserver unavailable: using -j1" is what make says where the descriptors are gone.
  assert.doesNotMatch(done.stderr, /jobserver/)
  assert.deepEqual(
    done.stdout
      .split('\n')
      .filter((line) => /^[ab]$/.test(line))
      .sort(),
    ['a', 'b'],
  )
})

test('a whole parallel make runs under it', async (t) => {
  if (!requires(t, 'make')) return
  const folder = scratch(t)
  const targets = Array.from({ length: 30 }, (_, i) => `t${i}`).join(' ')
  writeFileSync(
    join(folder, 'Makefile'),
    `all: ${targets}\n${targets}:\n\t@cat /etc/hostname >$@\n`,
  )
  const done = await run([...prefix, 'make', '-j8'], { cwd: folder })
  assert.equal(done.status, 0, done.stderr)
})

test('root gets no NO_NEW_PRIVS: setuid programs go on working', async (t) => {
  if (!requires(t, 'root')) return
  const status = ['grep', 'NoNewPrivs', '/proc/self/status']
  assert.match((await run([...prefix, ...status])).stdout, /NoNewPrivs:\t0/)
})

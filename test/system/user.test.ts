/** --user: the command runs as another user, with the same faults. */
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { requires } from '../helpers/requires.ts'
import { run, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const fault = ['--syscall', 'openat=EIO,path=/etc/hostname']

test('the command has the user’s ids, groups and no capabilities', async (t) => {
  if (!requires(t, 'root', 'user:nobody')) return
  const script = 'id -u; id -g; grep -E "^Cap(Prm|Eff|Amb)" /proc/self/status'
  const done = await runMinderbinder(['exec', '-q', '-u', 'nobody', ...fault, 'sh', '-c', script])
  const ids =
    (await run(['id', '-u', 'nobody'])).stdout + (await run(['id', '-g', 'nobody'])).stdout
  const none = ['Prm', 'Eff', 'Amb'].map((set) => `Cap${set}:\t0000000000000000\n`).join('')
  assert.equal(done.stdout, ids + none)
})

test('it is faulted, and setuid programs go on working for it', async (t) => {
  if (!requires(t, 'root', 'user:nobody')) return
  const script = 'cat /etc/hostname; grep NoNewPrivs /proc/self/status'
  const done = await runMinderbinder(['exec', '-q', '--user=nobody', ...fault, 'sh', '-c', script])
  assert.match(done.stderr, /^cat: \/etc\/hostname: Input\/output error$/m)
  assert.equal(done.stdout, 'NoNewPrivs:\t0\n')
})

test('programs with more rights than the user are spared, and counted; --include-setuid faults them, too', async (t) => {
  if (!requires(t, 'root', 'user:nobody')) return
  const folder = scratch(t)
  const setuid = join(folder, 'cat')
  copyFileSync('/bin/cat', setuid)
  chmodSync(setuid, 0o4755)
  // What such a program starts under its own rights is spared as well.
  const script = [
    `cat /etc/hostname; ${setuid} /etc/hostname; unshare -r cat /etc/hostname`,
    `perl -e 'open(F, "</etc/hostname") or print "failed\\n"'`,
  ]
  const under = (...more: readonly string[]) =>
    runMinderbinder(['exec', '-u', 'nobody', ...more, ...fault, 'sh', '-c', script.join('; ')])
  const name = readFileSync('/etc/hostname', 'utf8')
  const spared = await under()
  assert.equal(spared.stdout, `${name}failed\n`, spared.stderr)
  assert.match(
    spared.stderr,
    /^minderbinder: openat=EIO,path=\/etc\/hostname +(?:seccomp|ptrace) +\d+ +3 +3$/m,
  )
  assert.match(
    spared.stderr,
    /^minderbinder: \d+ calls? of programs with more rights than the user/m,
  )
  const all = await under('--include-setuid')
  assert.equal(all.stdout, 'failed\n', all.stderr)
  assert.match(all.stderr, / +(?:seccomp|ptrace) +\d+ +4 +4$/m)
  assert.doesNotMatch(all.stderr, /more rights/)
})

test('a set-user-ID program whose setuid() only pretends to work does not become root’s for the user', async (t) => {
  if (!requires(t, 'root', 'user:nobody', 'cc')) return
  const program = join(scratch(t), 'drops')
  copyFileSync(fixture('drops'), program)
  chmodSync(program, 0o4755)
  const under = (...more: readonly string[]) =>
    runMinderbinder([
      'exec',
      '-q',
      '-u',
      'nobody',
      ...more,
      '--syscall',
      'setuid=ret:0',
      program,
      'id',
      '-u',
    ])
  assert.notEqual((await under()).stdout, '0\n')
  assert.equal((await under('--include-setuid')).stdout, '0\n')
})

test('a user that does not exist, or that we may not become: 125', async (t) => {
  if (!requires(t, 'root', 'user:nobody')) return
  const unknown = await runMinderbinder(['exec', '-u', 'mb-nobody-at-all', 'true'])
  assert.equal(unknown.status, 125)
  assert.match(unknown.stderr, /mb-nobody-at-all/)
  const denied = await runMinderbinder(['exec', '-u', 'root', 'true'], { user: 'nobody' })
  assert.equal(denied.status, 125)
  assert.match(denied.stderr, /root/)
})

/** Why a rule did nothing, said of real runs: one for each reason that needs no privilege. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { architecture } from '../../src/kernel/architecture.ts'
import { syscallNumber } from '../../src/rules/names/syscalls.ts'
import { requires } from '../helpers/requires.ts'
import { type RunOptions, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

/** What the summary says after its table. */
async function reasons(args: readonly string[], options: RunOptions = {}): Promise<string[]> {
  const done = await runMinderbinder(['exec', '--engine', 'seccomp', ...args], options)
  return done.stderr
    .split('\n')
    .filter((line) => /never fired|hint:/.test(line))
    .map((line) => line.replace('minderbinder: ', ''))
}

const whole = 'path= is compared with the whole path'

test('a path that no call passed', async () => {
  const [reason, hint] = await reasons([
    '--syscall',
    'openat=EIO,path=/etc/nothing',
    'cat',
    '/etc/hostname',
  ])
  assert.match(
    reason!,
    /^openat=EIO,path=\/etc\/nothing never fired: \d+ calls?, none with path=\/etc\/nothing/,
  )
  assert.ok(
    hint === undefined || hint === `hint: ${whole}: path=*nothing matches in any folder`,
    hint,
  )
})

test('an expression of which nothing was called', async () => {
  if (syscallNumber('chroot', architecture) === undefined) return
  assert.deepEqual(await reasons(['--inject', 'chroot,mount,umount2:error=EIO', 'true']), [
    'chroot,mount,umount2:error=EIO never fired: nothing in chroot,mount,umount2 was called',
  ])
})

test('an expression that names nothing here says so, alone and beside others', async () => {
  const empty = ['--inject', '?nonesuch:error=EIO', '--inject', 'none:error=EIO']
  const alone = await runMinderbinder(['exec', ...empty, 'true'])
  assert.equal(
    alone.stderr,
    'minderbinder: --inject ?nonesuch:error=EIO names no system call here; --inject none:error=EIO names no system call here: the command ran as it is\n',
  )
  const beside = await runMinderbinder(['exec', ...empty, '--syscall', 'fsync=EIO', 'true'])
  assert.match(beside.stderr, /^minderbinder: --inject none:error=EIO names no system call here$/m)
  const explained = await runMinderbinder(['explain', ...empty])
  assert.equal(explained.status, 0)
  assert.match(explained.stdout, /^--inject \?nonesuch:error=EIO names no system call here$/m)
  const read = await runMinderbinder([
    'exec',
    '-q',
    '--inject',
    '?read:error=EIO',
    'cat',
    '/etc/hostname',
  ])
  assert.notEqual(read.status, 0)
})

test('an expression of which one call fired has no other line', async () => {
  assert.deepEqual(await reasons(['--inject', 'file:error=EIO:when=999', 'true']), [
    'file:error=EIO:when=999 never fired: nothing in file was called',
  ])
  assert.deepEqual(await reasons(['--inject', 'file:error=EIO', 'cat', '/etc/hostname']), [])
})

test('a hint names nothing that the rule has', async () => {
  assert.deepEqual(await reasons(['--syscall', 'fsync+fdatasync=EIO', 'true']), [
    'fsync+fdatasync=EIO never fired: nothing in fsync+fdatasync was called',
    'hint: system call faults never hit what a program does through io_uring',
  ])
})

test('targets: what is not certain is not said', async (t) => {
  const file = join(scratch(t), 'targets.yaml')
  const rule = (name: string, call: string) =>
    `    - {name: ${name}, syscall: ${call}, ret_code: EIO, targets: [{process_name: mb-none}]}\n`
  writeFileSync(
    file,
    `agents_of_chaos:\n  syscall:\n${rule('one', 'open')}${rule('two', 'getsid')}`,
  )
  for (const [at, line] of (await reasons(['--config', file, 'true'])).entries()) {
    if (line.startsWith('hint')) assert.match(line, /^hint: if one ran: /, `${at}`)
    else assert.match(line, /by processes named mb-none, or none of them ran$/)
  }
})

test('connections and packets: what was not seen, and where', async (t) => {
  if (!requires(t, 'root', 'libbpf')) return
  const network = ['--drop-net', '100%', '--refuse-net', '100%,proto=tcp', '--drop-net', 'dir=in']
  assert.deepEqual(await reasons([...network, 'true']), [
    'drop-net 100% never fired: no packet of the command left through an interface of this network namespace',
    'refuse-net 100%,proto=tcp never fired: no connect() of the command was seen',
    'drop-net dir=in never fired: no packet for the command was seen',
  ])
})

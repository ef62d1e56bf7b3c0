/** What is told of running processes, of such as a test starts. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import test, { type TestContext } from 'node:test'
import { readStat } from '../../../src/kernel/process/proc-stat.ts'
import { processIds, processInfo } from '../../../src/targets/process-info.ts'
import { scratch } from '../../helpers/scratch.ts'
import { until } from '../../helpers/until.ts'

/** A shell that waits, under that name: it has said that it runs. */
async function waiting(t: TestContext, program: string, argv0: string): Promise<ChildProcess> {
  const child = spawn(program, ['-c', 'echo on; read _'], {
    argv0,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => child.stdin.end())
  await once(child.stdout, 'data')
  return child
}

function shellCalled(t: TestContext, name: string): string {
  const path = join(scratch(t), name)
  copyFileSync('/bin/sh', path)
  return path
}

for (const name of ['a) S 1 2 3 (b', ') (', '((', 'two words', ') R 1'])
  test(`a program called ${JSON.stringify(name)}: its comm and its fields are told apart`, async (t) => {
    const child = await waiting(t, shellCalled(t, name), 'argv0')
    const { comm, field } = readStat(child.pid!)
    assert.deepEqual([comm, field(4), field(1000)], [name, `${process.pid}`, ''])
    assert.match(field(3), /^[RSDI]$/)
    const info = processInfo(child.pid!)
    assert.equal(info?.parent, process.pid)
    assert.equal(info?.birth, BigInt(field(22)))
    assert.deepEqual(info?.names, new Set([name, 'argv0']))
  })

test('names: comm, cut at 15 bytes, and argv[0] and the executable, whole', async (t) => {
  const long = 'a-name-of-more-than-15-bytes'
  const path = shellCalled(t, long)
  const child = await waiting(t, path, '/nowhere/called-otherwise')
  const info = () => processInfo(child.pid!)!
  assert.equal(info().comm, 'a-name-of-more-')
  const names = new Set(['a-name-of-more-', long, 'called-otherwise'])
  assert.deepEqual(info().names, names)
  unlinkSync(path)
  assert.deepEqual(info().names, names, 'an executable that was deleted keeps its name')
})

test('names of a script: its own, whole, and its interpreter’s', async (t) => {
  const script = join(scratch(t), 'a-script-of-more-than-15-bytes')
  writeFileSync(script, '#!/bin/sh -u\necho on; read _\n')
  chmodSync(script, 0o755)
  const child = spawn(script, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.stdin.end())
  await once(child.stdout, 'data')
  const { names, comm } = processInfo(child.pid!)!
  assert.equal(comm, 'a-script-of-mor')
  assert.ok(names.has('a-script-of-more-than-15-bytes') && names.has('sh'), [...names].join(' '))
})

test('names that are no UTF-8 are one character a byte', async (t) => {
  const child = await waiting(t, shellCalled(t, 'größe'), 'x')
  assert.ok(processInfo(child.pid!)?.names.has(Buffer.from('größe').toString('latin1')))
})

test('uid and cgroup are ours', async (t) => {
  const child = await waiting(t, '/bin/sh', 'sh')
  const [own, its] = [processInfo(process.pid)!, processInfo(child.pid!)!]
  assert.equal(its.uid, process.getuid!())
  assert.equal(its.cgroup, own.cgroup)
})

test('of an endless command line its first arguments count, and of a name its first 255 bytes', async (t) => {
  const name = 'n'.repeat(300)
  const child = spawn(
    '/bin/sh',
    ['-c', 'echo on; read _', ...Array(15).fill('x'.repeat(131_000))],
    {
      argv0: `/a/${name}`,
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  t.after(() => child.stdin.end())
  await once(child.stdout, 'data')
  assert.deepEqual(processInfo(child.pid!)?.names, new Set(['sh', name.slice(0, 255), 'dash']))
})

test('zombies, processes that are gone, and kernel threads are none', async (t) => {
  // Its parent has become a program that does not ask for it when it ends.
  const parent = spawn('/bin/sh', ['-c', 'cat <&3 >&2 & echo $!; exec sleep 600 3<&-'], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  })
  t.after(() => parent.kill('SIGKILL'))
  const [data] = await once(parent.stdout!, 'data')
  const pid = Number(String(data))
  await until(() => readStat(parent.pid!).comm === 'sleep', { what: 'the parent’s exec' })
  ;(parent.stdio[3] as Writable).end()
  await until(() => readStat(pid).field(3) === 'Z', { what: 'a zombie' })
  assert.equal(processInfo(pid), undefined)
  parent.kill('SIGKILL')
  await once(parent, 'exit')
  assert.equal(processInfo(parent.pid!), undefined)
  const running = processIds().flatMap((pid) => processInfo(pid) ?? [])
  assert.ok(running.some((each) => each.pid === process.pid))
  // 2 is kthreadd on the machine itself, and its children are the others.
  const names = running.map(({ comm }) => comm)
  assert.ok(!names.includes('kthreadd'), names.join(' '))
})

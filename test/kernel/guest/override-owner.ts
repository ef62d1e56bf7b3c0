/**
 * Run in virtual machines only, by kernels.test.ts. What override leaves behind when its owner is killed: nothing;
 * and what it says when its tables are full.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { loadKoffi } from '../../../src/kernel/ffi.ts'
import { RULES_MAX } from '../../../src/rules/encode.ts'
import { PROCESSES_MAX } from '../../../src/targets/limits.ts'
import { fixture } from '../../helpers/fixture.ts'
import { descendants, killed, program } from '../../helpers/processes.ts'
import { requires } from '../../helpers/requires.ts'
import { type Running, runMinderbinder, startMinderbinder } from '../../helpers/run.ts'
import { scratch } from '../../helpers/scratch.ts'
import { nothingLeft, systemState } from '../../helpers/system-state.ts'
import { directCalls, secondProgram } from '../../helpers/tracing.ts'
import { until } from '../../helpers/until.ts'

const needs = ['root', 'bpftool'] as const
const timeout = 180_000
const held = fixture('steps')

function ours(front: number): number[] {
  return [front, ...descendants(front).filter((pid) => /launcher|\/node$/.test(program(pid)))]
}

const victims = {
  front: (front: number) => front,
  supervisor: (front: number) => descendants(front).find((pid) => /launcher/.test(program(pid))),
  node: (front: number) => descendants(front).find((pid) => /\/node$/.test(program(pid))),
}

/** Calls by fmod_ret (two, one of them with path=, so with a program that brings the path in), and by kprobe. */
const ways = {
  fmod_ret: {},
  kprobe: { MINDERBINDER_NO_FEATURE: 'fmod_ret' },
}

function start(more: readonly string[], steps: readonly string[], env = {}): Running {
  return startMinderbinder(
    ['exec', '--engine', 'override', '--syscall', 'fsync+dup=EIO', ...more, '--', held, ...steps],
    { timeout, env },
  )
}

for (const [who, pick] of Object.entries(victims))
  test(`SIGKILL of the ${who} while override is attached: no program, link or map is left`, async (t) => {
    if (!requires(t, ...needs)) return
    const before = systemState()
    const file = join(scratch(t), 'go-on')
    const path = secondProgram && directCalls
    const paths = path ? ['--syscall', 'openat=EIO,path=/nowhere'] : []
    const running = start(paths, ['1 fsync -1', `hold ${file}`])
    await until(() => running.stdout().includes('fsync: -5'), { what: 'the fault', bound: timeout })
    const links = [...systemState()].filter((each) => /^bpf link/.test(each) && !before.has(each))
    // exec, exit, two calls, and two programs for openat.
    assert.equal(links.length, path ? 6 : 4, `${links}`)
    const victim = pick(running.pid)
    assert.ok(victim !== undefined && killed(victim), `no ${who}`)
    const { status, signal } = await running.exited
    if (who === 'front') assert.equal(signal, 'SIGKILL')
    else assert.equal(status, 125, running.stderr())
    await nothingLeft(before)
  })

for (const [way, env] of Object.entries(ways))
  test(`deaths at random moments of a random one of ours, by ${way}`, async (t) => {
    if (!requires(t, ...needs)) return
    const able = way === 'kprobe' ? secondProgram : directCalls
    if (!able) return t.skip(`override makes no use of ${way} on this kernel`)
    const before = systemState()
    let seed = 4242
    // A linear congruential generator (Numerical Recipes): the same moments in each run, as far as that goes.
    const random = (below: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
      return Math.floor((seed / 2 ** 32) * below)
    }
    const survivors: string[] = []
    for (let i = 0; i < 6; i++) {
      const file = join(scratch(t), 'never')
      const running = start([], [`hold ${file}`], env)
      // The longest that a start takes here, and a while of attached programs.
      await pause(random(3_000))
      const all = ours(running.pid)
      killed(all[random(all.length)] ?? running.pid)
      const done = await running.result
      if (done.signal !== 'SIGKILL' && done.status !== 125)
        survivors.push(`run ${i}: ended with ${done.signal ?? done.status}: ${done.stderr}`)
    }
    assert.deepEqual(survivors, [])
    await nothingLeft(before)
  })

/** Room for none. */
async function fill(name: string): Promise<void> {
  const list = spawnSync('bpftool', ['-j', 'map', 'list'])
  const maps = JSON.parse(list.stdout.toString()) as Record<string, number | string>[]
  // The newest: one of the test before may not be gone yet.
  const map = maps.findLast((each) => each.name === name)
  assert.ok(map, `no map ${name}`)
  const [size, entries] = [Number(map.bytes_value), Number(map.max_entries)]
  const koffi = await loadKoffi()
  const libbpf = koffi.load('libbpf.so.1')
  const fd = libbpf.func('int bpf_map_get_fd_by_id(uint32_t id)')(map.id) as number
  assert.ok(fd >= 0)
  // No process has such an id.
  const keys = Uint32Array.from({ length: entries }, (_, i) => 2 ** 30 + i)
  const count = Uint32Array.of(entries)
  const update = libbpf.func(
    'int bpf_map_update_batch(int fd, void *keys, void *values, void *count, void *options)',
  )
  // Fails for want of room when the map is full: the command's own entry is there already.
  update(
    fd,
    Buffer.from(keys.buffer),
    Buffer.alloc(size * entries),
    Buffer.from(count.buffer),
    null,
  )
}

test(`a table of ${PROCESSES_MAX} processes that is full: faults go on, and the summary names the limit`, async (t) => {
  if (!requires(t, ...needs)) return
  const file = join(scratch(t), 'go-on')
  const running = start([], ['1 fsync -1', `hold ${file}`, 's{', '2 fsync -1', '}', '1 dup -1'])
  await until(() => running.stdout().includes('fsync'), { what: 'the program', bound: timeout })
  await fill('processes')
  assert.ok(!existsSync(file))
  writeFileSync(file, '')
  const { status, stdout, stderr } = await running.result
  assert.deepEqual([status, stdout], [0, 'fsync: -5\nholding\nfsync: -5*2\ndup: -5\n'], stderr)
  assert.match(
    stderr,
    new RegExp(`override: 1 times a process could not be tracked .*${PROCESSES_MAX} at a time`),
  )
})

test('a full table, and a program that is to be spared: faults end, and the summary says so', async (t) => {
  if (!requires(t, ...needs)) return
  const folder = scratch(t)
  const [file, setuid] = [join(folder, 'go-on'), join(folder, 'setuid')]
  copyFileSync(held, setuid)
  chmodSync(setuid, 0o4755)
  const gains = [`=${setuid}{`, '1 fsync -1', '}']
  const running = start(['-u', 'nobody'], ['1 fsync -1', `hold ${file}`, ...gains, '1 dup -1'])
  await until(() => running.stdout().includes('holding'), { what: 'the program', bound: timeout })
  await fill('processes')
  writeFileSync(file, '')
  const { status, stdout, stderr } = await running.result
  assert.deepEqual([status, stdout], [0, 'fsync: -5\nholding\nfsync: -9\ndup: -9\n'], stderr)
  assert.match(stderr, /^minderbinder: override: the faults ended early: /m)
})

test(`${RULES_MAX} rules of one call: each has its turn, and the last one fires`, async (t) => {
  if (!requires(t, 'root')) return
  const idle = Array.from({ length: RULES_MAX - 1 }, () => ['--syscall', 'dup=EIO@0%']).flat()
  const { status, stdout, stderr } = await runMinderbinder(
    [
      ...['exec', '--engine', 'override', ...idle, '--syscall', 'dup=EPERM,name=last'],
      ...['--', held, '2 dup -1', '1 fsync -1'],
    ],
    { timeout },
  )
  assert.deepEqual([status, stdout], [0, 'dup: -1*2\nfsync: -9\n'], stderr.slice(0, 1000))
  const idleRows = [...stderr.matchAll(/^minderbinder: dup=EIO@0% +override +2 +2 +0$/gm)]
  assert.equal(idleRows.length, RULES_MAX - 1)
  assert.match(stderr, /^minderbinder: last +override +2 +2 +2$/m)
})

/** By which mechanism override meets each call, and why there is none. */
import assert from 'node:assert/strict'
import test from 'node:test'
import {
  type AvailableWays,
  chooseWays,
  type EntryWay,
  MODIFIED_MAX,
  waysServe,
} from '../../../../src/engines/override/ways.ts'
import { parseSyscallFault } from '../../../../src/rules/grammar.ts'
import type { SyscallRule } from '../../../../src/rules/rule.ts'

const all: AvailableWays = { modify: true, kprobe: true, second: true }

function ways(
  faults: readonly string[],
  available: Partial<AvailableWays> = {},
  taken: Readonly<Record<string, EntryWay>> = {},
) {
  const rules = faults.map((fault) => parseSyscallFault(fault, { arch: 'x86_64' }) as SyscallRule)
  const names = [...new Set(rules.flatMap(({ syscalls }) => syscalls))]
  const chosen = chooseWays(rules, names, { ...all, ...available }, new Map(Object.entries(taken)))
  return typeof chosen === 'string' ? chosen : Object.fromEntries(chosen)
}

/** So many calls with a descriptor. */
const many = (count: number) => {
  const calls = [
    ...[
      'fsync',
      'fdatasync',
      'fchdir',
      'ftruncate',
      'dup',
      'fstatfs',
      'listen',
      'shutdown',
      'lseek',
    ],
    ...[
      'getsockname',
      'getpeername',
      'getdents64',
      'fchmod',
      'fchown',
      'readahead',
      'bind',
      'flock',
    ],
  ]
  return `${calls.slice(0, count).join('+')}=EIO`
}

test('a program of its own for each call, as long as there are enough', () => {
  assert.deepEqual(ways(['fsync+dup=EIO']), { fsync: 'modify', dup: 'modify' })
  const full = ways([many(MODIFIED_MAX)])
  assert.deepEqual(new Set(Object.values(full)), new Set(['modify']))
})

test('one call too many takes all of them to the kprobe, which costs the same for each', () => {
  const over = ways([many(MODIFIED_MAX + 1)])
  assert.deepEqual(new Set(Object.values(over)), new Set(['kprobe']))
  assert.match(
    String(ways([many(MODIFIED_MAX + 1)], { kprobe: false })),
    /can watch 16 system calls/,
  )
})

test('ret:0, which means "go on" to a program of the call’s own, takes the kprobe', () => {
  assert.deepEqual(ways(['fsync=ret:0']), { fsync: 'kprobe' })
  assert.deepEqual(ways(['fsync=ret:1']), { fsync: 'modify' })
  // All or none, as above; a call that has a path= rule stays.
  assert.deepEqual(ways(['fsync=ret:0', 'dup=EIO', 'openat=EIO,path=x']), {
    ...{ fsync: 'kprobe', dup: 'kprobe', openat: 'modify' },
  })
  assert.match(String(ways(['fsync=ret:0'], { kprobe: false })), /ret:0 needs a kprobe on fsync/)
})

test('path= takes a program of the call’s own, and a second one beside it', () => {
  const path = ['openat=EIO,path=x']
  assert.deepEqual(ways(path), { openat: 'modify' })
  assert.match(String(ways(path, { modify: false })), /path= needs fmod_ret/)
  assert.match(String(ways(path, { second: false })), /two programs on openat/)
  assert.deepEqual(ways(['openat=EIO'], { second: false }), { openat: 'modify' })
  assert.match(String(ways([...path, 'openat=ret:0'])), /path= and ret:0 .* openat/)
})

test('path= on more calls than there are programs for', () => {
  const calls =
    'open+openat+creat+stat+lstat+access+truncate+chdir+mkdir+rmdir+unlink+readlink+chmod+chown'
  const two = [`${calls}=EIO,path=x`, 'lchown+mknod=EIO,path=x']
  assert.equal(Object.keys(ways(two)).length, MODIFIED_MAX)
  assert.equal(ways([...two, 'statfs=EIO,path=x']), 'path= can watch 16 system calls here')
  // One that is full leaves nothing to the others, but for the kprobe.
  const full = ways([...two, 'dup=EIO'])
  assert.equal(Object.entries(full).find(([name]) => name === 'dup')?.[1], 'kprobe')
  assert.match(
    String(ways([...two, 'dup=EIO'], { kprobe: false })),
    /^fmod_ret programs can watch 16/,
  )
})

test('without fmod_ret everything else takes the kprobe; without both there is no way', () => {
  assert.deepEqual(ways(['fsync+dup=EIO'], { modify: false }), { fsync: 'kprobe', dup: 'kprobe' })
  assert.equal(typeof ways(['fsync=EIO'], { modify: false, kprobe: false }), 'string')
})

test('beside what is attached already, the same way is taken, or none', () => {
  const byProgram = { fsync: 'modify' } as const
  assert.deepEqual(ways(['fsync+dup=EIO'], {}, byProgram), { fsync: 'modify', dup: 'modify' })
  const split = ways([many(MODIFIED_MAX + 1)], {}, byProgram)
  assert.deepEqual(
    Object.entries(split).filter(([, way]) => way === 'modify'),
    [['fsync', 'modify']],
  )
  assert.match(String(ways(['fsync=ret:0'], {}, byProgram)), /ret:0 needs .* no effect beside/)
  assert.match(String(ways(['fsync=EIO'], { modify: false }, byProgram)), /no effect beside/)
  const byProbe = { fsync: 'kprobe', openat: 'kprobe' } as const
  assert.deepEqual(ways(['fsync+dup=EIO'], {}, byProbe), { fsync: 'kprobe', dup: 'kprobe' })
  assert.deepEqual(ways(['fsync=ret:0'], {}, byProbe), { fsync: 'kprobe' })
  assert.match(String(ways(['fsync=EIO'], { kprobe: false }, byProbe)), /would cancel the kprobe/)
  assert.match(String(ways(['openat=EIO,path=x'], {}, byProbe)), /path= .* would cancel the kprobe/)
  // Elsewhere it makes no difference.
  assert.deepEqual(ways(['dup=ret:0'], {}, byProgram), { dup: 'kprobe' })
  assert.deepEqual(ways(['dup=EIO'], {}, byProbe), { dup: 'modify' })
})

test('what is attached serves other rules on the same calls, if they need nothing more', () => {
  const attached = new Map([
    ['fsync', { way: 'modify', touches: false }],
    ['openat', { way: 'modify', touches: true }],
    ['dup', { way: 'kprobe', touches: false }],
  ] as const)
  const serves = (...faults: string[]) => {
    const rules = faults.map((fault) => parseSyscallFault(fault, { arch: 'x86_64' }) as SyscallRule)
    return waysServe(attached, rules, [...new Set(rules.flatMap(({ syscalls }) => syscalls))])
  }
  const enough = [['fsync=EIO'], ['fsync+dup=EACCES@5%', 'openat=EIO,path=/x'], ['dup=ret:0']]
  const more = [['fsync=EIO', 'flock=EIO'], ['fsync=ret:0'], ['open=EIO,path=/x']]
  for (const faults of enough) assert.ok(serves(...faults), faults.join())
  for (const faults of more) assert.ok(!serves(...faults), faults.join())
})

import assert from 'node:assert/strict'
import test from 'node:test'
import { families } from '../../../../src/rules/names/families.ts'
import { callShape } from '../../../../src/rules/names/shapes.ts'
import { syscallNames } from '../../../../src/rules/names/syscalls.ts'

const members = (name: string) => families('x86_64').get(name)?.members ?? []

test('every call that strace says takes a path name has one, but for those whose path is no plain argument', () => {
  const without = members('file').filter((name) => callShape(name).paths.length === 0)
  assert.deepEqual(without, ['getcwd', 'fsconfig'])
})

test('every call that strace says takes a descriptor has one, but for those that only return one', () => {
  const without = members('desc').filter((name) => callShape(name).fds.length === 0)
  assert.deepEqual(without.sort(), [
    'bpf',
    'creat',
    'epoll_create',
    'epoll_create1',
    'eventfd',
    'eventfd2',
    'fanotify_init',
    'fsopen',
    'inotify_init',
    'inotify_init1',
    'io_uring_setup',
    'landlock_create_ruleset',
    'memfd_create',
    'memfd_secret',
    'mq_open',
    'open',
    'pidfd_open',
    'pipe',
    'pipe2',
    'poll',
    'ppoll',
    'pselect6',
    'select',
    'timerfd_create',
    'userfaultfd',
  ])
})

test('a path or a descriptor is found in no call that strace gives none', () => {
  const classed = new Set([...members('file'), ...members('desc'), ...members('net'), 'dup'])
  const strays = syscallNames('x86_64').filter((name) => {
    const { paths, fds, sockaddrs } = callShape(name)
    return paths.length + fds.length + sockaddrs.length > 0 && !classed.has(name)
  })
  assert.deepEqual(strays, [])
})

test('arguments are where the manual pages say', () => {
  const none = { paths: [], fds: [], sockaddrs: [], files: [], sockets: [] }
  const shapes = [
    ['openat', { paths: [1], fds: [0], files: [0] }],
    ['renameat2', { paths: [1, 3], fds: [0, 2], files: [0, 2] }],
    ['symlinkat', { paths: [0, 2], fds: [1], files: [1] }],
    ['fanotify_mark', { paths: [4], fds: [0, 3], files: [3] }],
    ['sendto', { fds: [0], sockaddrs: [4], sockets: [0], length: { by: 'count', argument: 2 } }],
    ['connect', { fds: [0], sockaddrs: [1], sockets: [0] }],
    ['bind', { fds: [0], sockaddrs: [1] }],
    ['accept', { fds: [0] }],
    ['close', { fds: [0], files: [0], sockets: [0] }],
    ['fsync', { fds: [0], files: [0] }],
    ['epoll_ctl', { fds: [0, 2], files: [2], sockets: [2] }],
    ['mmap', { fds: [4], files: [4] }],
    ['dup2', { fds: [0, 1], files: [0, 1], sockets: [0, 1] }],
    // Without any, or unknown.
    ['getpid', {}],
    ['toString', {}],
  ] as const
  for (const [name, shape] of shapes) assert.deepEqual(callShape(name), { ...none, ...shape }, name)
})

test('what says how much a call moves is where the manual pages say', () => {
  const lengths = (names: string) => names.split(' ').map((name) => callShape(name).length)
  const is = (names: string, by: string, argument: number) =>
    assert.deepEqual(
      lengths(names),
      names.split(' ').map(() => ({ by, argument })),
    )
  is('read write pread64 pwrite64 recvfrom sendto', 'count', 2)
  is('sendfile', 'count', 3)
  is('copy_file_range splice', 'count', 4)
  is('readv writev preadv pwritev preadv2 pwritev2', 'vector', 1)
  is('sendmsg recvmsg', 'message', 1)
  // None of these may do a part, or none in bytes.
  for (const name of ['getdents64', 'sendmmsg', 'recvmmsg', 'mq_timedsend', 'fallocate', 'openat'])
    assert.equal(callShape(name).length, undefined)
})

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
  assert.deepEqual(callShape('openat'), { paths: [1], fds: [0], sockaddrs: [] })
  assert.deepEqual(callShape('renameat2'), { paths: [1, 3], fds: [0, 2], sockaddrs: [] })
  assert.deepEqual(callShape('symlinkat'), { paths: [0, 2], fds: [1], sockaddrs: [] })
  assert.deepEqual(callShape('fanotify_mark'), { paths: [4], fds: [0, 3], sockaddrs: [] })
  assert.deepEqual(callShape('sendto'), { paths: [], fds: [0], sockaddrs: [4] })
  assert.deepEqual(callShape('connect'), { paths: [], fds: [0], sockaddrs: [1] })
  assert.deepEqual(callShape('mmap'), { paths: [], fds: [4], sockaddrs: [] })
  assert.deepEqual(callShape('splice'), { paths: [], fds: [0, 2], sockaddrs: [] })
})

test('a call without any, or unknown, has an empty shape', () => {
  assert.deepEqual(callShape('getpid'), { paths: [], fds: [], sockaddrs: [] })
  assert.deepEqual(callShape('toString'), { paths: [], fds: [], sockaddrs: [] })
})

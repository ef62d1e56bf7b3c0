/** Finding our own cgroup in what /proc says, for hosts and containers of all kinds. */
import assert from 'node:assert/strict'
import test from 'node:test'
import {
  levelOf,
  parseCgroupFile,
  parseMountinfo,
  within,
} from '../../../../src/kernel/cgroup/place.ts'

const line = (root: string, point: string, type = 'cgroup2') =>
  `41 31 0:38 ${root} ${point} rw,relatime shared:9 master:1 - ${type} ${type} rw,nsdelegate\n`

test('mounts: v2 only, hybrid, none', () => {
  assert.deepEqual(parseMountinfo(line('/', '/sys/fs/cgroup')), [
    { root: '/', point: '/sys/fs/cgroup' },
  ])
  const hybrid =
    line('/', '/sys/fs/cgroup', 'tmpfs') +
    line('/', '/sys/fs/cgroup/cpu', 'cgroup') +
    line('/', '/sys/fs/cgroup/unified')
  assert.deepEqual(parseMountinfo(hybrid), [{ root: '/', point: '/sys/fs/cgroup/unified' }])
  assert.deepEqual(parseMountinfo(line('/', '/sys/fs/cgroup/cpu', 'cgroup')), [])
  assert.deepEqual(parseMountinfo(''), [])
})

test('mounts: no optional fields, octal escapes, the latest first', () => {
  const mounts = parseMountinfo(
    `41 31 0:38 / /a\\040b\\134c rw - cgroup2 none rw\n${line('/x', '/later')}`,
  )
  assert.deepEqual(mounts, [
    { root: '/x', point: '/later' },
    { root: '/', point: '/a b\\c' },
  ])
})

test('the own cgroup: its v2 line among v1 lines', () => {
  assert.equal(
    parseCgroupFile('9:name=systemd:/x\n4:memory:/y\n0::/user.slice/a b\n'),
    '/user.slice/a b',
  )
  assert.equal(parseCgroupFile('0::/\n'), '/')
  assert.equal(parseCgroupFile('0::/gone (deleted)\n'), '/gone')
  assert.equal(parseCgroupFile('4:memory:/y\n'), undefined)
})

const places: readonly [root: string, own: string, path: string | undefined][] = [
  ['/', '/', '/m'],
  ['/', '/a/b', '/m/a/b'],
  // A subtree was mounted (a bind mount into a container without a cgroup namespace).
  ['/docker/c1', '/docker/c1', '/m'],
  ['/docker/c1', '/docker/c1/x', '/m/x'],
  ['/docker/c1', '/docker/c10', undefined],
  ['/docker/c1', '/', undefined],
  // Mounted before the cgroup namespace was made: what is between is not to be seen.
  ['/..', '/', undefined],
  ['/../..', '/a', undefined],
  // We were moved out of our namespace's root.
  ['/', '/../x', undefined],
]

for (const [root, own, path] of places) {
  test(`with ${root} mounted, cgroup ${own} is ${path ?? 'out of sight'}`, () => {
    assert.equal(within({ root, point: '/m' }, own), path)
  })
}

test('levels', () => {
  assert.deepEqual(['/', '/a', '/a/b'].map(levelOf), [0, 1, 2])
})

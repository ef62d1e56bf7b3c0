import assert from 'node:assert/strict'
import test from 'node:test'
import { notFaultable } from '../../../../src/rules/faultable.ts'
import { families, familiesOf } from '../../../../src/rules/names/families.ts'
import { definitions } from '../../../../src/rules/names/family-table.ts'
import { syscallNames, syscallNumber } from '../../../../src/rules/names/syscalls.ts'
import { refusesOutcome } from '../../../../src/rules/outcomes/index.ts'

const architectures = ['x86_64', 'arm64'] as const
const outcomes = {
  errno: { kind: 'errno', name: 'EIO', errno: 5 },
  return: { kind: 'return', value: 0n },
  delay: { kind: 'delay', ns: 1n },
  signal: { kind: 'signal', name: 'SIGTERM', signal: 15 },
} as const

test('the tables name system calls only, and none twice', () => {
  for (const { name, calls } of definitions) {
    const members = calls!.trim().split(/\s+/)
    for (const call of members) assert.ok(syscallNumber(call, 'x86_64') !== undefined, call)
    assert.equal(new Set(members).size, members.length, name)
  }
})

for (const arch of architectures) {
  test(`${arch}: every member exists here and can have every outcome; the others are named`, () => {
    for (const { name, members, leftOut } of families(arch).values()) {
      for (const call of [...members, ...leftOut])
        assert.ok(syscallNumber(call, arch) !== undefined, call)
      for (const call of members) {
        assert.equal(notFaultable(call, arch), undefined, `%${name}: ${call}`)
        for (const outcome of Object.values(outcomes))
          assert.equal(refusesOutcome(call, outcome), undefined)
      }
      for (const call of leftOut)
        assert.ok(
          notFaultable(call, arch) ?? refusesOutcome(call, outcomes.errno),
          `%${name}: ${call}`,
        )
    }
  })

  test(`${arch}: %all is everything, without what would leave a program no way out`, () => {
    const { members, leftOut } = families(arch).get('all')!
    assert.deepEqual([...members, ...leftOut].sort(), [...syscallNames(arch)].sort())
    for (const call of ['exit', 'exit_group', 'rt_sigreturn', 'restart_syscall'])
      assert.ok(leftOut.includes(call) && !members.includes(call), call)
  })
}

test('a call that an architecture lacks is in no family there', () => {
  assert.deepEqual(families('x86_64').get('open')?.members, ['open', 'creat', 'openat', 'openat2'])
  assert.deepEqual(families('arm64').get('open')?.members, ['openat', 'openat2'])
  assert.deepEqual(families('arm64').get('stat')?.members, [])
})

test('%net is %network, and %sync is what brings data to the disk', () => {
  const { members: net } = families('x86_64').get('net')!
  assert.deepEqual(net, families('x86_64').get('network')?.members)
  assert.deepEqual(families('x86_64').get('sync')?.members.toSorted(), [
    'fdatasync',
    'fsync',
    'msync',
    'sync',
    'sync_file_range',
    'syncfs',
  ])
  assert.ok(families('x86_64').get('write')?.members.includes('copy_file_range'))
})

test('%rename is every way to rename, on each architecture those that it has', () => {
  assert.deepEqual(families('x86_64').get('rename')?.members, ['rename', 'renameat', 'renameat2'])
  assert.deepEqual(families('arm64').get('rename')?.members, ['renameat', 'renameat2'])
  for (const arch of architectures)
    for (const { name, members } of families(arch).values())
      assert.ok(members.length > 0 || ['stat', 'lstat'].includes(name), `${arch}: %${name}`)
})

test('familiesOf names where a call belongs, without %all', () => {
  assert.deepEqual(familiesOf('openat', 'x86_64'), ['open', 'file', 'desc'])
  assert.deepEqual(familiesOf('getcpu', 'arm64'), [])
  assert.deepEqual(familiesOf('open', 'arm64'), [])
  assert.deepEqual(familiesOf('exit', 'x86_64'), [])
})

test('calls that pass every hook are refused with the reason, where they do', () => {
  for (const call of ['clock_gettime', 'clock_getres', 'gettimeofday', 'time', 'getcpu'])
    assert.match(notFaultable(call, 'x86_64')!, /vDSO/)
  assert.equal(notFaultable('getcpu', 'arm64'), undefined)
  assert.match(notFaultable('gettimeofday', 'arm64')!, /vDSO/)
  assert.match(notFaultable('rt_sigreturn', 'arm64')!, /signal handler/)
  assert.match(notFaultable('restart_syscall', 'x86_64')!, /name that call/)
  assert.equal(notFaultable('openat', 'x86_64'), undefined)
})

test('exit takes a delay or a signal, and neither an error nor a value', () => {
  for (const call of ['exit', 'exit_group']) {
    assert.equal(notFaultable(call, 'x86_64'), undefined)
    assert.match(refusesOutcome(call, outcomes.errno)!, /never returns/)
    assert.match(refusesOutcome(call, outcomes.return)!, /never returns/)
    assert.equal(refusesOutcome(call, outcomes.delay), undefined)
    const fails = { kind: 'combined', parts: [outcomes.delay, outcomes.errno] } as const
    assert.match(refusesOutcome(call, fails)!, /never returns/)
    const late = { kind: 'delay-exit', ns: 1n } as const
    assert.match(refusesOutcome(call, late)!, /never returns/)
    assert.equal(refusesOutcome(call, outcomes.signal), undefined)
  }
  assert.equal(refusesOutcome('openat', outcomes.errno), undefined)
})

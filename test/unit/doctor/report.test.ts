/** What `doctor` prints, from checks that are made up here. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type Check, no, type Question, unknown, yes } from '../../../src/doctor/check.ts'
import type { Facts } from '../../../src/doctor/facts.ts'
import { toJson } from '../../../src/doctor/json.ts'
import { firstLine, toText } from '../../../src/doctor/text.ts'
import { exitStatusOf, verdicts } from '../../../src/doctor/verdict.ts'

function question(id: string): Question {
  return { id, group: 'network', title: `title of ${id}`, cost: `cost of ${id}`, remedy: 'root' }
}

const ids = [
  ...[
    'override',
    'hook',
    'seccomp-listener',
    'ptrace',
    'tcx',
    'drop-out',
    'drop-in',
    'refuse',
    'bpf-load',
  ],
]

/** All yes but those given. */
function checks(others: Readonly<Record<string, Check>> = {}): Check[] {
  return ids.map((id) => others[id] ?? yes(question(id), 'seen'))
}

const refusedFor = (id: string, reason: string) => no(question(id), 'a long story', { reason })
const nothing = Object.fromEntries(ids.map((id) => [id, refusedFor(id, 'needs root')]))

const facts: Facts = {
  kernel: '6.18.44',
  architecture: 'x86_64',
  uid: 1000,
  euid: 1000,
  capabilities: [],
  initialUserNamespace: true,
  noNewPrivileges: true,
  seccompMode: 2,
  containerSigns: ['/.dockerenv'],
  lockdown: null,
  unprivilegedBpfDisabled: 2,
  ptraceScope: 1,
  ioUring: true,
  securityModules: ['yama', 'bpf'],
  kernelConfig: { file: '/proc/config.gz', options: { CONFIG_KPROBES: 'n', CONFIG_BPF: 'y' } },
  turnedOff: [],
}

test('the first line says which faults work and by which engine', () => {
  assert.equal(
    firstLine(verdicts(checks())),
    'system call faults: yes (override, ptrace, seccomp, hook)   packet loss: yes (tc/tcx)   incoming loss: yes (cgroup)   refused connections: yes (cgroup, ptrace, seccomp)',
  )
})

test('the first line says why a fault does not work', () => {
  const line = firstLine(verdicts(checks(nothing)))
  assert.match(line, /^system call faults: no: needs root {3}packet loss: no: needs root/)
})

test('without tcx, packets are lost by clsact', () => {
  const line = firstLine(verdicts(checks({ tcx: refusedFor('tcx', 'too old') })))
  assert.match(line, /packet loss: yes \(tc\/clsact\)/)
})

test('one engine is enough for system call faults, and only the working one is named', () => {
  const line = firstLine(verdicts(checks({ override: refusedFor('override', 'no kprobes') })))
  assert.match(line, /^system call faults: yes \(ptrace, seccomp, hook\) /)
  const untraced = checks({
    override: refusedFor('override', 'x'),
    ptrace: refusedFor('ptrace', 'y'),
    hook: refusedFor('hook', 'z'),
  })
  assert.match(firstLine(verdicts(untraced)), /^system call faults: yes \(seccomp\) /)
})

test('what could not be told is neither yes nor no', () => {
  const open = unknown(question('seccomp-listener'), 'the probe did not run')
  const refused = {
    override: refusedFor('override', 'x'),
    ptrace: refusedFor('ptrace', 'x'),
    hook: refusedFor('hook', 'y'),
  }
  const all = verdicts(checks({ ...refused, 'seccomp-listener': open }))
  assert.match(firstLine(all), /^system call faults: could not tell: the probe did not run /)
})

test('a network fault that could not be tried cannot work where no program loads', () => {
  const open = unknown(question('drop-out'), 'not tried: loopback is down')
  const line = (loads: Check) =>
    firstLine(verdicts(checks({ 'drop-out': open, 'bpf-load': loads })))
  assert.match(
    line(refusedFor('bpf-load', 'a user namespace')),
    /packet loss: no: a user namespace /,
  )
  assert.match(line(yes(question('bpf-load'), 'seen')), /packet loss: could not tell: not tried/)
})

test('the exit status is 0 as long as one fault works', () => {
  assert.equal(exitStatusOf(verdicts(checks())), 0)
  assert.equal(exitStatusOf(verdicts(checks(nothing))), 1)
  const one = { ...nothing, refuse: yes(question('refuse'), 'seen') }
  assert.equal(exitStatusOf(verdicts(checks(one))), 0)
})

test('what could not be told does not make it 0', () => {
  const open = Object.fromEntries(ids.map((id) => [id, unknown(question(id), 'no probe')]))
  assert.equal(exitStatusOf(verdicts(checks(open))), 1)
})

test('a no in the text comes with its cost and its remedy, a yes with neither', () => {
  const all = checks({ tcx: refusedFor('tcx', 'too old') })
  const text = toText({ verdicts: verdicts(all), checks: all, facts })
  assert.match(
    text,
    /^ {2}no {3}title of tcx +a long story\n {7}costs you: {4}cost of tcx\n {7}to change it: root$/m,
  )
  assert.equal(text.match(/costs you/g)?.length, 1)
  assert.equal(text.match(/to change it/g)?.length, 1)
})

test('the text says that io_uring goes past the faults, and what is turned off', () => {
  const all = checks()
  const report = { verdicts: verdicts(all), checks: all, facts }
  assert.match(toText(report), /^ {2}io_uring .*bypasses every system call fault/m)
  assert.doesNotMatch(toText(report), /turned off/)
  const off = { ...report, facts: { ...facts, turnedOff: ['tcx'] } }
  assert.match(toText(off), /^ {2}turned off +tcx \(MINDERBINDER_NO_FEATURE\)$/m)
})

test('nothing from the machine reaches the terminal as a control character', () => {
  const all = checks({ tcx: no(question('tcx'), 'evil \u001b[2J') })
  const text = toText({ verdicts: verdicts(all), checks: all, facts })
  assert.ok(!text.includes('\u001b'))
})

test('the JSON has exactly the documented keys', () => {
  const all = checks({ tcx: refusedFor('tcx', 'too old') })
  const json = toJson({ verdicts: verdicts(all), checks: all, facts })
  assert.deepEqual(Object.keys(json), ['format', 'faults', 'checks', 'facts'])
  assert.deepEqual(json.faults[1], {
    ...{ id: 'packet-loss', works: 'yes', engines: ['tc/clsact'], reason: null },
  })
  assert.deepEqual(json.checks[4], {
    ...{ id: 'tcx', group: 'network', title: 'title of tcx', result: 'no' },
    ...{ detail: 'a long story', cost: 'cost of tcx', remedy: 'root' },
  })
  assert.deepEqual(json.checks[5], {
    ...{ id: 'drop-out', group: 'network', title: 'title of drop-out', result: 'yes' },
    ...{ detail: 'seen', cost: null, remedy: null },
  })
  assert.deepEqual(json.facts, facts)
})

test('the JSON has the reason of each fault that does not work', () => {
  const all = checks(nothing)
  const json = toJson({ verdicts: verdicts(all), checks: all, facts })
  for (const fault of json.faults)
    assert.deepEqual([fault.works, fault.engines, fault.reason], ['no', [], 'needs root'], fault.id)
})

/** What the doctor concludes from what it read and from what its probes answered. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { no, type Question, unknown, yes } from '../../../src/doctor/check.ts'
import type { Facts } from '../../../src/doctor/facts.ts'
import { explained } from '../../../src/doctor/override.ts'
import { privilegeChecks } from '../../../src/doctor/privileges.ts'
import {
  capabilities,
  chosen,
  configOption,
  containersInCgroups,
  isInitialUserNamespace,
  statusField,
} from '../../../src/doctor/proc-text.ts'
import { refused, whyForbidden } from '../../../src/doctor/refusal.ts'
import { hasIoUring, seccompChecks } from '../../../src/doctor/seccomp.ts'
import { MinderbinderError } from '../../../src/errors.ts'

const root: Facts = {
  kernel: '6.18.44',
  architecture: 'x86_64',
  uid: 0,
  euid: 0,
  capabilities: capabilities('1ffffffffff'),
  initialUserNamespace: true,
  noNewPrivileges: false,
  seccompMode: 0,
  containerSigns: [],
  lockdown: 'none',
  unprivilegedBpfDisabled: 2,
  ptraceScope: null,
  ioUring: null,
  securityModules: null,
  kernelConfig: null,
  turnedOff: [],
}
const nobody: Facts = { ...root, uid: 65534, euid: 65534, capabilities: [] }
const question: Question = {
  ...{ id: 'x', group: 'network', title: 'x', cost: 'c', remedy: 'the usual' },
}

const resultsOf = (answers: Readonly<Record<string, number>>) =>
  Object.fromEntries(
    seccompChecks(new Map(Object.entries(answers))).map((check) => [
      check.question.id,
      check.result,
    ]),
  )

test('capabilities have the names of capabilities(7)', () => {
  assert.deepEqual(capabilities('0000000000000000'), [])
  assert.deepEqual(capabilities('0000000000001000'), ['CAP_NET_ADMIN'])
  assert.deepEqual(capabilities('0000008000200000'), ['CAP_SYS_ADMIN', 'CAP_BPF'])
  assert.equal(capabilities('000001ffffffffff').length, 41)
})

test('fields of /proc and /sys', () => {
  const status = 'Name:\tnode\nCapEff:\t0000000000001000\nSeccomp:\t2\nSeccomp_filters:\t1\n'
  assert.equal(statusField(status, 'CapEff'), '0000000000001000')
  assert.equal(statusField(status, 'Seccomp'), '2')
  assert.equal(statusField(status, 'NoNewPrivs'), undefined)
  assert.equal(isInitialUserNamespace('         0          0 4294967295\n'), true)
  assert.equal(isInitialUserNamespace('         0       1000          1\n'), false)
  assert.equal(chosen('none [integrity] confidentiality\n'), 'integrity')
  assert.equal(chosen(''), undefined)
})

test('options of a kernel configuration', () => {
  const config = 'CONFIG_BPF=y\n# CONFIG_KPROBES is not set\nCONFIG_NET_CLS_BPF=m\n'
  assert.equal(configOption(config, 'CONFIG_BPF'), 'y')
  assert.equal(configOption(config, 'CONFIG_NET_CLS_BPF'), 'm')
  assert.equal(configOption(config, 'CONFIG_KPROBES'), 'n')
  assert.equal(configOption(config, 'CONFIG_BPF_KPROBE_OVERRIDE'), 'n')
})

test('cgroups of container runtimes are known by their names', () => {
  assert.deepEqual(containersInCgroups('0::/system.slice/docker-0f3a.scope'), ['docker'])
  assert.deepEqual(containersInCgroups('0::/kubepods.slice/cri-containerd-1.scope'), [
    'kubernetes',
    'containerd',
  ])
  assert.deepEqual(containersInCgroups('0::/user.slice/user-1000.slice'), [])
})

test('a seccomp listener that answered is a yes', () => {
  const all = { listener: 0, setuid: 0, wait_killable: 0, sync_wake_up: 0, memory: 0 }
  assert.deepEqual(resultsOf(all), {
    'seccomp-listener': 'yes',
    'seccomp-setuid': 'yes',
    'seccomp-wait-killable': 'yes',
    'seccomp-sync-wake-up': 'yes',
    'target-memory': 'yes',
  })
})

test('each errno of the seccomp probe is a no of its own', () => {
  const old = { listener: 0, setuid: 1, wait_killable: 22, sync_wake_up: 22, memory: 1 }
  assert.deepEqual(resultsOf(old), {
    'seccomp-listener': 'yes',
    'seccomp-setuid': 'no',
    'seccomp-wait-killable': 'no',
    'seccomp-sync-wake-up': 'no',
    'target-memory': 'no',
  })
})

test('what rests on a listener cannot be told without one', () => {
  const results = resultsOf({ listener: 22, setuid: 0, wait_killable: 22, memory: 0 })
  assert.equal(results['seccomp-listener'], 'no')
  assert.equal(results['seccomp-setuid'], 'unknown')
  assert.equal(results['seccomp-sync-wake-up'], 'unknown')
})

test('a process that is watched already hears that, not an errno', () => {
  const [listener] = seccompChecks(new Map([['listener', 16]]))
  assert.equal(listener?.reason, 'a seccomp listener is watching already')
})

test('a probe that did not run proves nothing', () => {
  assert.deepEqual([...new Set(Object.values(resultsOf({})))], ['unknown'])
  assert.equal(hasIoUring(new Map()), undefined)
  assert.equal(hasIoUring(new Map([['io_uring', 0]])), true)
  assert.equal(hasIoUring(new Map([['io_uring', 1]])), false)
})

test('why the kernel forbids: the nearest thing that the user can change', () => {
  assert.equal(whyForbidden(nobody), 'needs root')
  assert.equal(
    whyForbidden({ ...root, initialUserNamespace: false }),
    'needs root outside this user namespace',
  )
  const dropped = root.capabilities!.filter((name) => !/BPF|SYS_ADMIN/.test(name))
  assert.equal(whyForbidden({ ...root, capabilities: dropped }), 'needs CAP_BPF')
  const locked = { ...root, lockdown: 'confidentiality' }
  assert.equal(whyForbidden(locked), 'the kernel is locked down')
  assert.equal(whyForbidden(root), 'the kernel refuses it (EPERM)')
})

test("an error of ours is a no with the error's own hint, any other is no proof", () => {
  const error = new MinderbinderError('MB_LIBBPF', 'libbpf.so.1 cannot be used', { hint: 'apt' })
  const check = refused(question, error, root)
  assert.deepEqual([check.result, check.remedy], ['no', 'apt'])
  assert.equal(check.reason, 'libbpf cannot be used')
  assert.equal(refused(question, new TypeError('bug'), root).result, 'unknown')
})

test('privileges: everything for root, nothing for nobody', () => {
  assert.deepEqual([...new Set(privilegeChecks(root).map(({ result }) => result))], ['yes'])
  const without = privilegeChecks(nobody).filter(({ result }) => result === 'no')
  assert.ok(without.length >= 8)
  for (const { question: asked } of without) assert.ok(asked.cost && asked.remedy, asked.id)
})

test('privileges in a user namespace are none to BPF', () => {
  const inside = privilegeChecks({ ...root, initialUserNamespace: false })
  const refusedIds = inside.filter(({ result }) => result === 'no').map((each) => each.question.id)
  assert.deepEqual(refusedIds, [
    ...['initial-user-namespace', 'cap-bpf', 'cap-perfmon', 'cap-net-admin'],
  ])
})

test('CAP_SYS_ADMIN includes what was split off from it', () => {
  const old = privilegeChecks({ ...root, capabilities: ['CAP_SYS_ADMIN'] })
  const results = new Map(old.map((check) => [check.question.id, check.result]))
  assert.equal(results.get('cap-bpf'), 'yes')
  assert.equal(results.get('cap-net-admin'), 'no')
})

test('lockdown: unknown where it cannot be read, no only where it is in the way', () => {
  const resultAt = (facts: Facts) =>
    privilegeChecks(facts).find((check) => check.question.id === 'not-locked-down')?.result
  assert.equal(resultAt({ ...root, lockdown: null }), 'unknown')
  assert.equal(resultAt({ ...root, lockdown: 'integrity' }), 'yes')
  assert.equal(resultAt({ ...root, lockdown: 'confidentiality' }), 'no')
  const options = { CONFIG_SECURITY_LOCKDOWN_LSM: 'n' }
  const without = { ...root, lockdown: null, kernelConfig: { file: '', options } }
  assert.equal(resultAt(without), 'yes')
})

test('override: without error injection in the kernel it cannot work, and that is the reason', () => {
  const without = { file: '', options: { CONFIG_FUNCTION_ERROR_INJECTION: 'n' } }
  const built = { file: '', options: { CONFIG_FUNCTION_ERROR_INJECTION: 'y' } }
  const failed = no(question, 'EPERM', { reason: 'EPERM' })
  assert.match(explained(failed, { kernelConfig: without }).reason ?? '', /ERROR_INJECTION$/)
  assert.equal(explained(unknown(question, '?'), { kernelConfig: without }).result, 'no')
  for (const kernelConfig of [built, null])
    assert.deepEqual(explained(failed, { kernelConfig }), failed)
  const works = yes(question, 'seen')
  assert.deepEqual(explained(works, { kernelConfig: without }), works)
})

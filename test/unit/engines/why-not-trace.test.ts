/** When `auto` leaves a command to seccomp: the command, what is before us, and Yama. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type TracingFacts, whyNotTrace } from '../../../src/engines/supervised/why-not-trace.ts'

const free: TracingFacts = {
  status: 'Name:\tsh\nTracerPid:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n',
  scope: 1,
  root: false,
}

test('nothing speaks against tracing an ordinary command', () => {
  for (const command of ['sh', '/usr/bin/python3', './strace-my-app', undefined])
    assert.equal(whyNotTrace(command, free), undefined, command)
})

test('a command that traces others is left to seccomp, wherever it lies', () => {
  for (const command of ['strace', '/usr/bin/gdb', './rr'])
    assert.match(whyNotTrace(command, free) ?? '', /traces processes itself$/)
})

test('so is every command if we are traced, or filtered', () => {
  const traced = { ...free, status: free.status.replace('TracerPid:\t0', 'TracerPid:\t41') }
  assert.equal(whyNotTrace('sh', traced), 'this process is traced already')
  // Not Seccomp_filters, which only counts.
  const filtered = { ...free, status: free.status.replace('Seccomp:\t0', 'Seccomp:\t2') }
  assert.equal(whyNotTrace('sh', filtered), 'a seccomp filter is in force here')
})

test('Yama allows it to all at 1, to root at 2, to none at 3', () => {
  const why = (scope: number, root: boolean) => whyNotTrace('sh', { ...free, scope, root })
  assert.deepEqual([why(1, false), why(2, true)], [undefined, undefined])
  for (const [scope, root] of [
    [2, false],
    [3, true],
  ] as const)
    assert.equal(why(scope, root), `kernel.yama.ptrace_scope is ${scope}`)
})

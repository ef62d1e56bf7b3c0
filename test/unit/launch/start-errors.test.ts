/** Why the child did not start, in the user's terms. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { execFailure, stageFailure } from '../../../src/launch/start-errors.ts'
import type { StageError } from '../../../src/launch/supervisor.ts'

const { EACCES, EBUSY, EINVAL, ENOENT, ENOEXEC, ENOSYS, EPERM } = constants.errno

function stage(step: string, errno: number) {
  const error = stageFailure({ step, errno } as StageError, 'app')
  return [error.code, error.message, error.hint]
}

test('the step that failed decides the code', () => {
  const denied = 'EACCES (Permission denied)'
  assert.deepEqual(stage('user', EACCES), [
    'MB_NO_PERMISSION',
    `cannot become the user of --user: ${denied}`,
    'only root can run a command as another user',
  ])
  assert.deepEqual(stage('cgroup', EACCES), [
    'MB_CGROUP',
    `cannot start app in its cgroup: ${denied}`,
    undefined,
  ])
  for (const step of ['fork', 'limits', 'listener', 'thread', 'memory'])
    assert.deepEqual(stage(step, EACCES), [
      'MB_LAUNCHER',
      `cannot start app: ${step}: ${denied}`,
      undefined,
    ])
})

test('a listener that is refused: another one is there, the kernel has none, or something else', () => {
  const [code, message, hint] = stage('seccomp', EBUSY)
  assert.deepEqual(
    [code, hint],
    [
      'MB_SECCOMP',
      'start the outer minderbinder with exec --control: then this one uses its session; or put all faults into the outer one',
    ],
  )
  assert.match(message!, /already watched by a seccomp listener/)
  for (const errno of [EINVAL, ENOSYS])
    assert.match(stage('seccomp', errno)[2]!, /Linux 5\.9 with CONFIG_SECCOMP_FILTER/)
  assert.deepEqual(stage('seccomp', EPERM), [
    'MB_SECCOMP',
    'the kernel refuses a seccomp listener: EPERM (Operation not permitted)',
    undefined,
  ])
})

test('a command that is not there is 127; one that is, and cannot be executed, 126', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mb-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const script = (name: string, start: string) => {
    const file = join(folder, name)
    writeFileSync(file, `${start}\necho hello\n`)
    chmodSync(file, 0o755)
    return file
  }
  assert.equal(execFailure('none', ENOENT).code, 'MB_EXEC_NOT_FOUND')
  assert.equal(execFailure('none', ENOENT).message, 'none: command not found')
  for (const errno of [EACCES, ENOEXEC])
    assert.equal(execFailure('/etc/hostname', errno).code, 'MB_EXEC_FAILED')
  const lost = execFailure(script('lost', '#!/nonexistent/sh'), ENOENT)
  assert.equal(lost.code, 'MB_EXEC_NOT_FOUND')
  assert.match(lost.message, /its interpreter, '\/nonexistent\/sh', was not found$/)
  assert.equal(lost.hint, undefined)
  const windows = execFailure(script('windows', '#!/bin/sh\r'), ENOENT)
  assert.match(windows.hint!, /^its lines end as on Windows/)
})

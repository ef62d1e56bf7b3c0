/** Which engine does the faults that a command gets while it runs. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { controlledEngine } from '../../../src/engines/controlled.ts'
import type { Engine } from '../../../src/engines/engine.ts'
import { engines } from '../../../src/engines/engines.ts'

const asIf = (why: string | undefined): readonly Engine[] =>
  engines.map((engine) => (engine.leaves ? { ...engine, leaves: () => why } : engine))

test('the exact one, unless something speaks against tracing', () => {
  assert.deepEqual(controlledEngine('auto', asIf(undefined), 'node'), { name: 'ptrace' })
  assert.deepEqual(controlledEngine('auto', asIf('gdb traces'), 'gdb'), {
    name: 'seccomp',
    since: 'gdb traces',
  })
})

test('what the user names, whatever speaks against it', () => {
  for (const name of ['override', 'hook', 'seccomp', 'ptrace'] as const)
    assert.deepEqual(controlledEngine(name, asIf('a reason'), 'gdb'), { name })
})

import assert from 'node:assert/strict'
import test from 'node:test'
import { hasEvenAddress } from '../../../../src/kernel/tracing/ftrace-jump.ts'

// As Linux 7.2.13 and 6.12 print them; the last is a module's.
const symbols = `ffffffff81241b11 T kprobe_ftrace_handler
ffffffff812f1ac0 t ftrace_ops_assist_func
ffffffff812f4eb5 T arch_ftrace_ops_list_func
ffffffff812f4eb5 T ftrace_ops_list_func
ffffffff810e23b4 T other_ftrace_ops_list_func
ffffffff812400c0 T ftrace_stub
ffffffffc0001000 t of_a_module\t[module]
`

test('even and odd addresses of functions, by their whole names', () => {
  assert.equal(hasEvenAddress(symbols, 'ftrace_ops_assist_func'), true)
  assert.equal(hasEvenAddress(symbols, 'ftrace_stub'), true)
  assert.equal(hasEvenAddress(symbols, 'ftrace_ops_list_func'), false)
  // The first line of all.
  assert.equal(hasEvenAddress(symbols, 'kprobe_ftrace_handler'), false)
})

test('what is not there, or hidden, counts as odd', () => {
  assert.equal(hasEvenAddress(symbols, 'list_func'), false)
  assert.equal(hasEvenAddress('', 'ftrace_stub'), false)
  const hidden = symbols.replaceAll(/^f+[0-9a-f]+/gm, '0000000000000000')
  assert.equal(hasEvenAddress(hidden, 'ftrace_stub'), false)
})

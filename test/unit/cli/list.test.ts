import assert from 'node:assert/strict'
import test from 'node:test'
import {
  type ListedErrno,
  type ListedFamily,
  type ListedSyscall,
  list,
} from '../../../src/cli/list.ts'
import { MinderbinderError } from '../../../src/errors.ts'
import { syscallNames } from '../../../src/rules/names/syscalls.ts'

const lines = (what: string) => list(what, { json: false }, 'x86_64').split('\n')
const json = (what: string): unknown => JSON.parse(list(what, { json: true }, 'x86_64'))

test('each list has an item a line, its name first, without blanks at the end', () => {
  for (const what of ['syscalls', 'errnos', 'families']) {
    const text = list(what, { json: false }, 'arm64')
    assert.ok(text.endsWith('\n') && !text.endsWith('\n\n'))
    for (const line of text.trimEnd().split('\n'))
      assert.match(line, /^%{0,2}\w+ +\d+( {2,}\S.*)?(?<! )$/)
  }
})

test('columns line up', () => {
  const starts = new Set(lines('errnos').map((line) => /^\S+ +\d+ +/.exec(line)?.[0].length))
  starts.delete(undefined)
  assert.equal(starts.size, 1)
})

test('syscalls: number, families, and what cannot be faulted', () => {
  assert.equal(lines('syscalls').length - 1, syscallNames('x86_64').length)
  assert.ok(lines('syscalls').includes('openat                   257  %open %file %desc'))
  assert.ok(lines('syscalls').some((line) => /^time .*not faultable: the vDSO/.test(line)))
  assert.ok(
    lines('syscalls').some((line) => /^exit_group +231 {2}delay and signal only$/.test(line)),
  )
  const listed = json('syscalls') as ListedSyscall[]
  assert.deepEqual(
    listed.find(({ name }) => name === 'openat'),
    {
      name: 'openat',
      number: 257,
      families: ['%open', '%file', '%desc'],
      outcomes: ['errno', 'return', 'delay', 'delay-exit', 'signal'],
      notFaultable: null,
    },
  )
  const time = listed.find(({ name }) => name === 'time')
  assert.deepEqual(time?.outcomes, [])
  assert.match(time?.notFaultable ?? '', /vDSO/)
})

test('errnos: number, description, aliases', () => {
  assert.equal(lines('errnos')[1], 'ENOENT           2    No such file or directory')
  assert.ok(lines('errnos').some((line) => /^EAGAIN .*\(also EWOULDBLOCK\)$/.test(line)))
  assert.deepEqual((json('errnos') as ListedErrno[])[34], {
    name: 'EDEADLK',
    number: 35,
    description: 'Resource deadlock avoided',
    aliases: ['EDEADLOCK'],
  })
})

test('families: how many members, and in JSON which', () => {
  assert.ok(lines('families').some((line) => /^%process +14 .*not exit exit_group$/.test(line)))
  const sync = (json('families') as ListedFamily[]).find(({ name }) => name === '%sync')
  assert.equal(sync?.members.length, 6)
  assert.deepEqual(sync?.leftOut, [])
})

test('a list that does not exist is a wrong call, with the nearest name', () => {
  const refused = (what: string, hint: RegExp) =>
    assert.throws(
      () => list(what, { json: true }, 'x86_64'),
      (error) =>
        error instanceof MinderbinderError &&
        error.code === 'MB_USAGE' &&
        hint.test(error.hint ?? ''),
    )
  refused('syscal', /did you mean syscalls\?/)
  refused('ernos', /did you mean errnos\?/)
  refused('toString', /the lists are syscalls, errnos, families/)
  refused('', /the lists are/)
})

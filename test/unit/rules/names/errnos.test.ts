import assert from 'node:assert/strict'
import os from 'node:os'
import test from 'node:test'
import { getSystemErrorMap } from 'node:util'
import {
  errnoAliases,
  errnoByName,
  errnoMax,
  errnoName,
  errnoNames,
  errnos,
  errnoText,
} from '../../../../src/rules/names/errnos.ts'

test('every number from 1 to 133 but the unused 41 and 58 has one name', () => {
  const all = Array.from({ length: 133 }, (_, index) => index + 1)
  assert.deepEqual(
    errnos.map(({ number }) => number),
    all.filter((number) => number !== 41 && number !== 58),
  )
  for (const { name, number, description } of errnos) {
    assert.match(name, /^E[A-Z0-9]+$/)
    assert.match(description, /^[A-Z.].+/)
    assert.equal(errnoName(number), name)
    assert.equal(errnoByName(name)?.number, number)
  }
})

test('names have the numbers that node took from this machine’s <errno.h>', () => {
  for (const [name, number] of Object.entries(os.constants.errno))
    assert.equal(errnoByName(name)?.number, number, name)
  for (const [number, [name]] of getSystemErrorMap())
    if (number > -errnoMax && errnoByName(name))
      assert.equal(errnoByName(name)?.number, -number, name)
})

test('aliases and lower case lead to the canonical name', () => {
  assert.equal(errnoByName('EWOULDBLOCK')?.name, 'EAGAIN')
  assert.equal(errnoByName('EDEADLOCK')?.name, 'EDEADLK')
  assert.equal(errnoByName('ENOTSUP')?.name, 'EOPNOTSUPP')
  assert.equal(errnoByName('enoent')?.number, 2)
  assert.deepEqual(errnoAliases(errnoByName('EAGAIN')!), ['EWOULDBLOCK'])
  assert.deepEqual(errnoAliases(errnoByName('ENOENT')!), [])
  assert.ok(errnoNames().includes('ENOTSUP') && errnoNames().includes('EHWPOISON'))
})

test('what is no error has no entry, and a number without a name is shown as it is', () => {
  for (const name of ['', 'ENOENTT', 'NOENT', 'toString', '2'])
    assert.equal(errnoByName(name), undefined, name)
  assert.equal(errnoName(41), '41')
  assert.equal(errnoName(4095), '4095')
})

test('in messages an errno has its name and what it means; without a name, the number', () => {
  assert.equal(errnoText(2), 'ENOENT (No such file or directory)')
  assert.equal(errnoText(4000), '4000')
})

/** bpf/rule-set.h: a walk finds what two sets have in common, in the order of the rules. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { compileC } from '../../helpers/compile-c.ts'
import { Driver } from '../../helpers/driver.ts'
import { has, requires } from '../../helpers/requires.ts'

const RULES_MAX = 4096

let driver: Driver

before(() => {
  if (has('cc')) driver = new Driver(compileC('bpf/walk-rules.c', ['-fsanitize=address,undefined']))
})
after(() => driver?.end())

async function walk(a: readonly number[], b: readonly number[]): Promise<string> {
  const found = await driver.ask(`${a.join(' ')}\n${b.join(' ')}`)
  return found.trim()
}

test('every rule is found where both sets have it, and by itself', async (t) => {
  if (!requires(t, 'cc')) return
  const all = Array.from({ length: RULES_MAX }, (_, index) => index)
  assert.equal(await walk(all, all), all.join(' '))
  for (const index of all) assert.equal(await walk([index], all), `${index}`)
  assert.equal(await walk(all, []), '')
})

test('any two sets', async (t) => {
  if (!requires(t, 'cc')) return
  // Few words, so that many have bits of both sets, of one, and of none in common.
  const index = fc.oneof(
    fc.nat(RULES_MAX - 1),
    fc.nat(130),
    fc.integer({ min: 4030, max: RULES_MAX - 1 }),
  )
  const set = fc.uniqueArray(index, { maxLength: 60, size: 'max' })
  let found = 0
  const property = fc.asyncProperty(set, set, async (a, b) => {
    const common = a.filter((each) => b.includes(each)).sort((one, other) => one - other)
    found += common.length
    assert.equal(await walk(a, b), common.join(' '))
  })
  await fc.assert(property, { numRuns: 2_000 })
  assert.ok(found > 500, `${found} in common: the property says little`)
})

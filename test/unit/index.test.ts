/** The pages have what the package exports, and docs/library.md no more. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { parse } from '../helpers/modules.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

test('the page lists every name that the package exports', () => {
  const page = read('docs/library.md')
  const [, section = ''] = /^## What it exports\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(page) ?? []
  const listed = [...section.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)[^`]*`/g)].map(([, name]) => name),
  )
  const { exports: exported } = parse('src/index.ts', read('src/index.ts'))
  assert.deepEqual(listed.sort(), exported.map(({ name }) => name).sort())
})

test('the page of tests names every function that minderbinder/testing exports', () => {
  const page = read('docs/testing.md')
  const { exports: exported } = parse('src/testing/index.ts', read('src/testing/index.ts'))
  const values = exported.filter(({ isType }) => !isType).map(({ name }) => name)
  assert.ok(values.includes('withFailures') && values.includes('failures'))
  for (const name of values) assert.match(page, new RegExp(`\\b${name}\\b`), name)
})

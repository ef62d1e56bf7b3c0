/** Each export of src is there for another module. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type Export, type Module, parse, readModules } from '../helpers/modules.ts'

type Modules = ReadonlyMap<string, Module>

/** Programs start with these: nothing imports them. */
const entries = ['src/cli/main.ts', 'src/index.ts', 'src/testing/index.ts']

test('every value that a module of src exports, another one imports, or a test what its module uses itself', () => {
  assert.deepEqual(unused(readModules('src'), readModules('scripts'), readModules('test')), [])
})

function unused(own: Modules, scripts: Modules, tests: Modules): string[] {
  const imported = importedOf(new Map([...own, ...scripts]))
  const tested = importedOf(tests)
  const isUsed = (module: string, { name, isType }: Export) => {
    if (isIn(imported, module, name)) return true
    // A type may only be there for what an exported function takes or gives.
    const usedItself = (own.get(module)?.mentions.get(name) ?? 0) > 1
    return usedItself && (isType || isIn(tested, module, name))
  }
  return [...own]
    .filter(([module]) => !entries.includes(module))
    .flatMap(([module, { exports }]) =>
      exports.filter((each) => !isUsed(module, each)).map(({ name }) => `${module}: ${name}`),
    )
}

function isIn(imported: ReadonlyMap<string, Set<string>>, module: string, name: string): boolean {
  const names = imported.get(module)
  return names !== undefined && (names.has(name) || names.has('*'))
}

/** Which names others import of each module; `*` for all of them. */
function importedOf(modules: Modules): ReadonlyMap<string, Set<string>> {
  const imported = new Map<string, Set<string>>()
  for (const { imports } of modules.values())
    for (const { module, names } of imports) {
      const known = imported.get(module) ?? new Set()
      imported.set(module, known)
      for (const name of names ?? ['*']) known.add(name)
    }
  return imported
}

test('an export is found unused if nothing imports it, or only a test does', () => {
  const modules = (file: string, text: string) => new Map([[file, parse(file, text)]])
  const own = modules(
    'src/a.ts',
    `export interface Taken {}
    export interface Given {}
    export type Never = 1
    export const taken = (): Given => ({})
    export const lazily = 1
    export function recursive() { return recursive() }
    export function tested() {}
    export function testedAndUsed() {}
    testedAndUsed()`,
  )
  const other = modules(
    'src/b.ts',
    `import { type Taken, taken } from './a.ts'
    const { lazily } = await import('./a.ts')`,
  )
  const tests = modules('test/a.ts', "import { tested as other, testedAndUsed } from '../src/a.ts'")
  assert.deepEqual(unused(new Map([...own, ...other]), new Map(), tests), [
    'src/a.ts: Never',
    'src/a.ts: recursive',
    'src/a.ts: tested',
  ])
})

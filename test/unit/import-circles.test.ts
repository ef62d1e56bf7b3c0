/** No module of src needs itself by way of others. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type Module, parse, readModules } from '../helpers/modules.ts'

const source = readModules('src')

type Graph = ReadonlyMap<string, ReadonlySet<string>>

function graphOf(modules: ReadonlyMap<string, Module>, nodeOf: (module: string) => string): Graph {
  const graph = new Map<string, Set<string>>()
  for (const [from, { imports }] of modules)
    for (const { module } of imports) {
      const [node, other] = [nodeOf(from), nodeOf(module)]
      if (node !== other || from === module)
        graph.set(node, (graph.get(node) ?? new Set()).add(other))
    }
  return graph
}

/** The nodes of a circle, the first one again at the end; undefined if there is none. */
function circle(graph: Graph): string[] | undefined {
  const done = new Set<string>()
  const follow = (node: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node]
    if (done.has(node)) return undefined
    for (const next of graph.get(node) ?? []) {
      const found = follow(next, [...path, node])
      if (found) return found
    }
    done.add(node)
    return undefined
  }
  for (const node of graph.keys()) {
    const found = follow(node, [])
    if (found) return found
  }
  return undefined
}

const folderOf = (module: string) => module.split('/').slice(0, 2).join('/')

test('no imports go round in a circle, those of types included', () => {
  assert.equal(circle(graphOf(source, (module) => module))?.join(' > '), undefined)
})

test('nor do those of the folders of src', () => {
  assert.equal(circle(graphOf(source, folderOf))?.join(' > '), undefined)
})

test('a circle is found, however its modules import each other', () => {
  const modules = (texts: Record<string, string>) =>
    new Map(Object.entries(texts).map(([file, text]) => [file, parse(file, text)]))
  const round = modules({
    'src/a/start.ts': "import { b } from '../b/b.ts'",
    'src/b/b.ts': "import type { C } from './c.ts'\nexport const b = 1",
    'src/b/c.ts': "export type { D } from './d.ts'",
    'src/b/d.ts': "export const d = async () => (await import('./b.ts')).b",
  })
  assert.deepEqual(
    circle(graphOf(round, (module) => module)),
    ['b', 'c', 'd', 'b'].map((name) => `src/b/${name}.ts`),
  )
  assert.equal(circle(graphOf(round, folderOf)), undefined)
  const folders = modules({
    'src/a/one.ts': "import '../b/one.ts'",
    'src/b/two.ts': "import '../a/two.ts'",
  })
  assert.equal(circle(graphOf(folders, (module) => module)), undefined)
  assert.deepEqual(circle(graphOf(folders, folderOf)), ['src/a', 'src/b', 'src/a'])
})

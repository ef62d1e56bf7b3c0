/** CONTRIBUTING.md: every folder of src is on its map, and every file that it names is there. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'

const root = new URL('../..', import.meta.url).pathname
const page = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
const quoted = [...page.matchAll(/`([^`\n]+)`/g)].map(([, text]) => text!)

test('all that lies in src is on the map', () => {
  const [, map = ''] = /^## The map[^\n]*\n([\s\S]*?)^## /m.exec(page) ?? []
  const rows = [...map.matchAll(/^\| (.+?) \|/gm)].map(([, cell]) => cell!)
  const entries = readdirSync(join(root, 'src'), { withFileTypes: true })
  const places = entries.map((each) => `\`src/${each.name}${each.isDirectory() ? '/' : ''}\``)
  assert.deepEqual(
    places.filter((place) => !rows.some((row) => row.includes(place))),
    [],
  )
})

test('the files that it names are there', () => {
  const folders = [
    '.ci',
    'bin',
    'bpf',
    'clients',
    'completions',
    'docs',
    'man',
    'scripts',
    'src',
    'test',
  ]
  const files = folders.flatMap((folder) => [
    `/${folder}`,
    ...readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(
      (file) => `/${folder}/${file}`,
    ),
  ])
  const isThere = (name: string) => files.some((file) => file.endsWith(`/${name}`))
  const isPath = (text: string) =>
    /^\w[\w.-]*(\/[\w.-]+)*\/?$/.test(text) &&
    (text.includes('/') || /\.(ts|js|c|h|sh)$/.test(text))
  // NAME stands for any; builds make what is in the others.
  const named = quoted.filter((text) => isPath(text) && !/NAME|^(dist|build)\//.test(text))
  assert.ok(named.length > 40, `${named.length}`)
  assert.deepEqual(
    named.filter((name) => !isThere(name.replace(/\/$/, ''))),
    [],
  )
})

/** Which of koffi's packages is loaded, by where a package manager has put them. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type * as Ffi from '../../../src/kernel/ffi.ts'
import { scratch } from '../../helpers/scratch.ts'

const root = new URL('../../..', import.meta.url).pathname
const prebuilt = `@koromix/koffi-${process.platform}-${process.arch}`

/** What a package is: that of this repository, or its code. */
type Package = 'installed' | { readonly code: string }

/** src/kernel/ffi.ts where it finds these packages and no others. */
async function ffiWith(
  t: TestContext,
  packages: Readonly<Record<string, Package>>,
): Promise<typeof Ffi> {
  const folder = scratch(t)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const [name, what] of Object.entries(packages)) {
    const place = join(folder, 'node_modules', name)
    mkdirSync(dirname(place), { recursive: true })
    if (what === 'installed') {
      symlinkSync(realpathSync(join(root, 'node_modules', name)), place)
      continue
    }
    mkdirSync(place)
    writeFileSync(join(place, 'package.json'), '{ "exports": "./index.cjs" }')
    writeFileSync(join(place, 'index.cjs'), what.code)
  }
  const copy = join(folder, 'ffi.ts')
  copyFileSync(join(root, 'src/kernel/ffi.ts'), copy)
  return import(copy)
}

async function ownPid({ loadKoffi }: typeof Ffi): Promise<number> {
  const koffi = await loadKoffi()
  return koffi.load('libc.so.6').func('int getpid(void)')()
}

const unwanted = { code: "throw new Error('this package is not to be loaded')" }

test('the prebuilt library alone is loaded where it lies beside koffi', async (t) => {
  const ffi = await ffiWith(t, { [prebuilt]: 'installed', koffi: unwanted })
  assert.equal(await ownPid(ffi), process.pid)
})

test('koffi is loaded where it keeps its library to itself, as pnpm has it', async (t) => {
  assert.equal(await ownPid(await ffiWith(t, { koffi: 'installed' })), process.pid)
})

test('koffi is loaded where the prebuilt package breaks, or is something else', async (t) => {
  for (const code of [unwanted.code, 'module.exports = {}']) {
    const ffi = await ffiWith(t, { [prebuilt]: { code }, koffi: 'installed' })
    assert.equal(await ownPid(ffi), process.pid)
  }
})

test('the error of koffi is the one that is heard, each time', async (t) => {
  const { loadKoffi } = await ffiWith(t, { koffi: unwanted })
  await assert.rejects(loadKoffi(), /not to be loaded/)
  await assert.rejects(loadKoffi(), /not to be loaded/)
})

/** A file is read as it was at one moment, or again. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type Readable, readUnchanged } from '../../../src/cli/read-unchanged.ts'

interface Version {
  readonly text: string
  readonly mtimeNs: bigint
}

/** Its content at each question: the last version lasts. Counts how often it is read from its start. */
function file(versions: readonly Version[], isFile = true): Readable & { reads: number } {
  let asked = 0
  const now = () => versions[Math.min(asked, versions.length - 1)]!
  return {
    reads: 0,
    async stat() {
      const { text, mtimeNs } = now()
      asked++
      return { size: BigInt(text.length), mtimeNs, ctimeNs: 0n, isFile: () => isFile }
    },
    async read(buffer, offset, length, position) {
      assert.equal(position === null, !isFile)
      const at = position ?? (this.reads === 0 ? 0 : now().text.length)
      if (at === 0) this.reads++
      const part = Buffer.from(now().text).subarray(
        at,
        at + Math.min(length, now().text.length > 100 ? length : 3),
      )
      part.copy(buffer, offset)
      return { bytesRead: part.length }
    },
  }
}

const limits = { path: 'f', limit: 100 }
const version = (text: string, mtimeNs: bigint): Version => ({ text, mtimeNs })

test('a file that stays as it is, is read once', async () => {
  const still = file([version('agents', 1n)])
  assert.equal((await readUnchanged(still, limits)).toString(), 'agents')
  assert.equal(still.reads, 1)
})

test('a file that is written to meanwhile is read again', async () => {
  for (const later of [version('agents of', 1n), version('AGENTS', 2n)]) {
    const changed = file([version('agents', 1n), later, later])
    assert.equal((await readUnchanged(changed, limits)).toString(), later.text)
    assert.equal(changed.reads, 2)
  }
})

test('a file that does not stop changing is given up', async () => {
  const restless = file(Array.from({ length: 1000 }, (_, i) => version('x', BigInt(i))))
  await assert.rejects(readUnchanged(restless, limits), /cannot read f: it keeps changing/)
  assert.ok(restless.reads <= 10)
})

test('a pipe is read once, to its end', async () => {
  const pipe = file([version('abc', 1n), version('abc', 2n)], false)
  assert.equal((await readUnchanged(pipe, limits)).toString(), 'abc')
})

test('no more than the limit is taken in', async () => {
  const fits = file([version('x'.repeat(100), 1n)])
  assert.equal((await readUnchanged(fits, limits)).length, 100)
  const mebibyte = { path: 'f', limit: 1 << 20 }
  const large = file([version('x'.repeat((1 << 20) + 1), 1n)])
  await assert.rejects(readUnchanged(large, mebibyte), /cannot read f: it is larger than 1 MiB/)
})

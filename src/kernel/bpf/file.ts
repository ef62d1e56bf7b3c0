/** Where the prebuilt BPF objects are. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MinderbinderError } from '../../errors.ts'

/**
 * The bytes of bpf/NAME.bpf.o. The folder `bpf` is beside `src` in the repository and beside `dist` in the
 * package: the nearest one above this file.
 *
 * @throws {MinderbinderError} MB_INTERNAL where the installation is incomplete
 */
export function readBpfObject(name: string): Buffer {
  const start = typeof __dirname === 'string' ? __dirname : dirname(fileURLToPath(import.meta.url))
  for (let folder = start; ; folder = dirname(folder)) {
    const path = join(folder, 'bpf', `${name}.bpf.o`)
    if (existsSync(path)) return readFileSync(path)
    if (folder === dirname(folder)) break
  }
  throw new MinderbinderError('MB_INTERNAL', `bpf/${name}.bpf.o is missing above ${start}`, {
    hint: 'the installation is incomplete: run npm ci again, or scripts/build-bpf.sh in a clone',
  })
}

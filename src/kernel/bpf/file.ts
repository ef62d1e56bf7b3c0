/** Where the prebuilt BPF objects are. */
import { existsSync, readFileSync } from 'node:fs'
import { MinderbinderError } from '../../errors.ts'
import { packageFile } from '../../installation.ts'

/**
 * The bytes of bpf/NAME.bpf.o.
 *
 * @throws {MinderbinderError} MB_INTERNAL if the installation is incomplete
 */
export function readBpfObject(name: string): Buffer {
  const path = packageFile(`bpf/${name}.bpf.o`)
  if (existsSync(path)) return readFileSync(path)
  throw new MinderbinderError('MB_INTERNAL', `${path} is missing`, {
    hint: 'the installation is incomplete: run npm ci again, or scripts/build-bpf.sh in a clone',
  })
}

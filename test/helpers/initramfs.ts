/**
 * What a distribution's kernel needs to find its root: an initramfs with the modules for that, and a busybox that loads
 * them. Ours have everything built in.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Debian's busybox-static. */
const busybox = '/bin/busybox'

/** @param modules a folder of *.ko files, and `order`: their names, each after those that it needs */
export function initramfs(modules: string, mountRoot: string, init: string): Buffer {
  const order = readFileSync(join(modules, 'order'), 'utf8').trim().split('\n')
  if (!existsSync(busybox)) throw new Error(`no ${busybox}: apt install busybox-static`)
  const script = [
    '#!/bin/busybox sh',
    ...order.map((name) => `/bin/busybox insmod /modules/${name}`),
    `/bin/busybox mount ${mountRoot} /new`,
    // The kernel itself does so only where it mounts the root.
    '/bin/busybox mount -t devtmpfs dev /new/dev',
    `exec /bin/busybox switch_root /new ${init}`,
  ]
  return newcArchive([
    ...['bin', 'modules', 'new', 'dev'].map((path) => ({ path, mode: 0o040755 })),
    { path: 'bin/busybox', mode: 0o100755, content: readFileSync(busybox) },
    { path: 'init', mode: 0o100755, content: Buffer.from(`${script.join('\n')}\n`) },
    ...order.map((name) => {
      const content = readFileSync(join(modules, name))
      return { path: `modules/${name}`, mode: 0o100644, content }
    }),
  ])
}

interface Entry {
  readonly path: string
  readonly mode: number
  readonly content?: Buffer
}

/** cpio's format of this name: Documentation/driver-api/early-userspace/buffer-format.rst. */
function newcArchive(entries: readonly Entry[]): Buffer {
  const all = [...entries, { path: 'TRAILER!!!', mode: 0 }].map(
    ({ path, mode, content = Buffer.alloc(0) }: Entry, index) => {
      const numbers = [index + 1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, path.length + 1, 0]
      const fields = numbers.map((number) => number.toString(16).padStart(8, '0')).join('')
      return Buffer.concat([padded(Buffer.from(`070701${fields}${path}\0`)), padded(content)])
    },
  )
  return Buffer.concat(all)
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)])
}

/** The test kernels: from $MINDERBINDER_KERNELS, else ../shared/kernels beside the repository, else built by us. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Architecture } from '../../src/rules/architecture.ts'

export interface Kernel {
  /** Its version, as `6.1`, with the architecture where that is not x86_64: `6.12-arm64`. */
  readonly name: string
  readonly architecture: Architecture
  /** Absolute path. */
  readonly image: string
  /** Of a distribution's kernel: the folder of the modules that it needs to find its root. */
  readonly modules?: string
}

const folders = [
  process.env.MINDERBINDER_KERNELS,
  new URL('../../../shared/kernels', import.meta.url).pathname,
  // scripts/build-kernels.sh puts them there.
  new URL('../../build/kernels', import.meta.url).pathname,
]

const names: Readonly<Record<Architecture, RegExp>> = {
  x86_64: /^bzImage-(\d+\.\d+)$/,
  arm64: /^Image-(\d+\.\d+-arm64)$/,
}

/** The oldest first; none where there are no images (bzImage-VERSION, or Image-VERSION-arm64) anywhere. */
export function kernels(architecture: Architecture = 'x86_64'): readonly Kernel[] {
  for (const folder of folders) {
    if (!folder || !existsSync(folder)) continue
    const found = readdirSync(folder).flatMap((file) => {
      const name = file.match(names[architecture])?.[1]
      return name === undefined ? [] : [{ name, architecture, image: join(folder, file) }]
    })
    if (found.length > 0) return found.sort((a, b) => age(a.name) - age(b.name))
  }
  return []
}

/** Debian's own, as `6.12-stock`, the oldest first: from the folder `stock` of one of those. */
export function stockKernels(): readonly Kernel[] {
  for (const folder of folders) {
    const stock = folder && join(folder, 'stock')
    if (!stock || !existsSync(stock)) continue
    const found = readdirSync(stock).flatMap((file): Kernel[] => {
      const [, version, short] = file.match(/^vmlinuz-((\d+\.\d+).*)$/) ?? []
      if (version === undefined) return []
      const paths = { image: join(stock, file), modules: join(stock, `modules-${version}`) }
      return [{ name: `${short}-stock`, architecture: 'x86_64', ...paths }]
    })
    return found.sort((a, b) => age(a.name) - age(b.name))
  }
  return []
}

function age(version: string): number {
  const [major, minor] = version.split('.').map((part) => Number.parseInt(part, 10))
  return (major ?? 0) * 1000 + (minor ?? 0)
}

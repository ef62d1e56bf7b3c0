/** The test kernels: from $MINDERBINDER_KERNELS, else ../shared/kernels beside the repository, else built by us. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export interface Kernel {
  /** Its version, as `6.1`. */
  readonly name: string
  /** Absolute path of the bzImage. */
  readonly image: string
}

const folders = [
  process.env.MINDERBINDER_KERNELS,
  new URL('../../../shared/kernels', import.meta.url).pathname,
  // scripts/build-kernels.sh puts them there.
  new URL('../../build/kernels', import.meta.url).pathname,
]

/** The oldest first; none where there are no images (bzImage-VERSION) anywhere. */
export function kernels(): readonly Kernel[] {
  for (const folder of folders) {
    if (!folder || !existsSync(folder)) continue
    const found = readdirSync(folder).flatMap((file) => {
      const name = file.match(/^bzImage-(\d+\.\d+)$/)?.[1]
      return name === undefined ? [] : [{ name, image: join(folder, file) }]
    })
    if (found.length > 0) return found.sort((a, b) => age(a.name) - age(b.name))
  }
  return []
}

function age(version: string): number {
  const [major, minor] = version.split('.').map(Number)
  return (major ?? 0) * 1000 + (minor ?? 0)
}

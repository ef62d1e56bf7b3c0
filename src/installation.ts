/** Where this minderbinder is installed. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A file of the package: its root is beside `src` in the repository, and beside `dist` where it is bundled. */
export function packageFile(path: string): string {
  const here = typeof __dirname === 'string' ? __dirname : dirname(fileURLToPath(import.meta.url))
  return join(here, '..', path)
}

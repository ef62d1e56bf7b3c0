/** Which minderbinder this is. */
import { readFileSync } from 'node:fs'
import { packageFile } from './installation.ts'

/** `0.1.0` */
export function version(): string {
  return JSON.parse(readFileSync(packageFile('package.json'), 'utf8')).version
}

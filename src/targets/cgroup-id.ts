/** The id of a cgroup that a rule's target names. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { MinderbinderError } from '../errors.ts'
import { cgroupRoot } from '../kernel/cgroup/place.ts'

/**
 * Its directory's inode number.
 *
 * @param path below the root of the hierarchy: `/system.slice`
 * @throws {MinderbinderError} MB_CGROUP, MB_NO_CGROUP2
 */
export function cgroupId(path: string): bigint {
  const folder = join(cgroupRoot(), path)
  try {
    return statSync(folder, { bigint: true }).ino
  } catch (error) {
    throw new MinderbinderError('MB_CGROUP', `there is no cgroup ${path}: ${folder} is not there`, {
      hint: 'a cgroup is named by its path below the root, as /proc/PID/cgroup shows it: /system.slice/x.service',
      cause: error,
    })
  }
}

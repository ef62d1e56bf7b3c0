/** Cgroups by the number that the kernel knows them by. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { MinderbinderError } from '../errors.ts'
import { parseMountinfo } from './cgroup-place.ts'

/**
 * Where the root of the cgroup v2 hierarchy is mounted, or of our cgroup namespace, which is all that can be seen.
 *
 * @throws {MinderbinderError} MB_NO_CGROUP2
 */
export function hierarchyRoot(): string {
  const mounts = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'))
  const whole = mounts.find(({ root }) => root === '/')
  if (whole) return whole.point
  throw new MinderbinderError(
    'MB_NO_CGROUP2',
    'the cgroup v2 hierarchy is not mounted here as a whole',
    {
      hint: 'mount it: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified',
    },
  )
}

/**
 * The id of the cgroup at `path` below the root of the hierarchy.
 *
 * @throws {MinderbinderError} MB_CGROUP, MB_NO_CGROUP2
 */
export function cgroupId(path: string): bigint {
  const directory = join(hierarchyRoot(), path)
  try {
    return statSync(directory, { bigint: true }).ino
  } catch (error) {
    throw new MinderbinderError('MB_CGROUP', `there is no cgroup ${path}`, {
      hint: `a target needs one that exists: ${directory} does not`,
      cause: error,
    })
  }
}

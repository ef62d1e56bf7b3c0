/** Where this process is in the cgroup v2 hierarchy, as a directory (cgroups(7), proc(5)). */
import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { MinderbinderError } from '../errors.ts'

export interface CgroupPlace {
  /** Absolute path of the directory. */
  readonly path: string
  /** Depth below the root of the hierarchy, or of our cgroup namespace, which is all that can be seen. */
  readonly level: number
}

/**
 * @throws {MinderbinderError} MB_NO_CGROUP2
 */
export function ownCgroup(): CgroupPlace {
  const mounts = cgroupMounts()
  const own = parseOwnCgroup(readFileSync('/proc/self/cgroup', 'utf8'))
  for (const mount of mounts) {
    const path = own === undefined ? undefined : within(mount, own)
    if (own !== undefined && path !== undefined && existsSync(join(path, 'cgroup.procs')))
      return { path, level: levelOf(own) }
  }
  const where = mounts.map((mount) => mount.point).join(', ')
  throw new MinderbinderError(
    'MB_NO_CGROUP2',
    `our own cgroup (${own ?? 'none in /proc/self/cgroup'}) is not under any cgroup v2 mount (${where})`,
    {
      hint: 'in a container, start it with a cgroup namespace of its own (--cgroupns=private), or mount cgroup2 inside',
    },
  )
}

/**
 * The directory of the hierarchy's root, or of our cgroup namespace's.
 *
 * @throws {MinderbinderError} MB_NO_CGROUP2
 */
export function cgroupRoot(): string {
  const mounts = cgroupMounts()
  const root = mounts.find((mount) => mount.root === '/' && existsSync(mount.point))
  if (root) return root.point
  const where = mounts.map((mount) => mount.point).join(', ')
  throw new MinderbinderError('MB_NO_CGROUP2', `no mount shows the root of cgroup v2 (${where})`, {
    hint: 'mount it: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified',
  })
}

/** The system's own place first: other mounts are a chroot's or a container's, and may go. */
function cgroupMounts(): CgroupMount[] {
  const mounts = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'))
  if (mounts.length === 0) {
    throw new MinderbinderError('MB_NO_CGROUP2', 'no cgroup v2 hierarchy is mounted here', {
      hint: 'mount one: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified',
    })
  }
  const inSys = ({ point }: CgroupMount) => Number(point.startsWith('/sys/'))
  return mounts.sort((a, b) => inSys(b) - inSys(a))
}

export interface CgroupMount {
  /** Which cgroup is at the mount point, as seen from our cgroup namespace: `/`, `/a/b`, `/..`. */
  readonly root: string
  readonly point: string
}

/** Mounts of cgroup v2 in the text of /proc/PID/mountinfo; a later one may hide an earlier: latest first. */
export function parseMountinfo(mountinfo: string): CgroupMount[] {
  const mounts: CgroupMount[] = []
  for (const line of mountinfo.split('\n')) {
    // 41 31 0:38 ROOT POINT OPTIONS [TAG]... - cgroup2 SOURCE OPTIONS
    const [front, type] = line.split(' - ')
    const [, , , root, point] = front?.split(' ') ?? []
    if (type?.split(' ')[0] === 'cgroup2' && root !== undefined && point !== undefined)
      mounts.unshift({ root: unescapeOctal(root), point: unescapeOctal(point) })
  }
  return mounts
}

/** The v2 line of /proc/PID/cgroup: `0::/a/b` gives `/a/b`. */
export function parseOwnCgroup(cgroup: string): string | undefined {
  return cgroup.match(/^0::(.*)$/m)?.[1]?.replace(/ \(deleted\)$/, '')
}

/** undefined where the mount does not show that cgroup. */
export function within(mount: CgroupMount, cgroup: string): string | undefined {
  // Outside of our namespace's root (/..): the names on the way there are not known.
  if ([mount.root, cgroup].some((path) => path.split('/')[1] === '..')) return undefined
  const below = relative(mount.root, cgroup)
  if (below.split('/')[0] === '..') return undefined
  return join(mount.point, below)
}

export function levelOf(cgroup: string): number {
  return cgroup.split('/').filter((part) => part !== '').length
}

/** Space, tab, newline and backslash are octal escapes there. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)))
}

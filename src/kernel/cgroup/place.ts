/** Where this process is in the cgroup v2 hierarchy, as a directory (cgroups(7), proc(5)). */
import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { MinderbinderError } from '../../errors.ts'
import { parentOf } from '../process/tree.ts'

export interface CgroupPlace {
  /** Absolute path of the directory. */
  readonly path: string
  /** Depth below the root of the hierarchy, or of our cgroup namespace, which is all that can be seen. */
  readonly level: number
}

/** The answer of the last time: a process that runs thousands of commands does not read all mounts for each. */
let last: { readonly own: string; readonly place: CgroupPlace } | undefined

/**
 * @throws {MinderbinderError} MB_NO_CGROUP2
 */
export function ownCgroup(): CgroupPlace {
  const own = parseCgroupFile(readFileSync('/proc/self/cgroup', 'utf8'))
  if (last !== undefined && last.own === own && isCgroup(last.place.path)) return last.place
  const place = findCgroup(own)
  // By way of another process it is looked for each time: its number may become a stranger's.
  last = own === undefined || place.path.startsWith('/proc/') ? undefined : { own, place }
  return place
}

/** Why no cgroup for a command can be made in ours, for engines that find it by that; undefined if one can. */
export function whyNoChildCgroup(): string | undefined {
  try {
    accessSync(ownCgroup().path, constants.W_OK)
    return undefined
  } catch (error) {
    return `it finds its target by a cgroup, and none can be made: ${(error as Error).message}`
  }
}

function findCgroup(own: string | undefined): CgroupPlace {
  const tried: string[] = []
  for (const mount of cgroupMounts()) {
    const path = own === undefined ? undefined : within(mount, own)
    if (own !== undefined && path !== undefined && isCgroup(path))
      return { path, level: levelOf(own) }
    tried.push(mount.point)
  }
  if (tried.length === 0) throw notMounted()
  throw new MinderbinderError(
    'MB_NO_CGROUP2',
    `our own cgroup (${own ?? 'none in /proc/self/cgroup'}) is not under any cgroup v2 mount (${tried.join(', ')})`,
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
  const tried: string[] = []
  for (const { root, point } of cgroupMounts()) {
    if (root === '/' && isCgroup(point)) return point
    tried.push(point)
  }
  if (tried.length === 0) throw notMounted()
  const where = tried.join(', ')
  throw new MinderbinderError('MB_NO_CGROUP2', `no mount shows the root of cgroup v2 (${where})`, {
    hint: 'mount it: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified',
  })
}

function notMounted(): MinderbinderError {
  return new MinderbinderError('MB_NO_CGROUP2', 'no cgroup v2 hierarchy is mounted here', {
    hint: 'mount one: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified; if ip netns exec hides it, nsenter --net=/run/netns/NAME minderbinder … does not',
  })
}

/**
 * Our own mounts, the system's own place first: others are a chroot's or a container's, and may go. Then those of our
 * ancestors.
 */
function* cgroupMounts(): Generator<CgroupMount> {
  const inSys = ({ point }: CgroupMount) => Number(point.startsWith('/sys/'))
  const own = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8'))
  yield* own.sort((a, b) => inSys(b) - inSys(a))
  yield* mountsOfAncestors()
}

/**
 * `ip netns exec` covers /sys, and all that is mounted there, with a new one: the hierarchy is reached by the root of
 * a process above us (proc(5), /proc/PID/root), the oldest that we may look at, since that lives longest. Only of
 * root's processes: other users mount what they like.
 */
function* mountsOfAncestors(): Generator<CgroupMount> {
  if (process.geteuid?.() !== 0) return
  const ancestors: number[] = []
  for (let pid = process.ppid; pid > 0; pid = parentOf(pid)) ancestors.unshift(pid)
  for (const pid of ancestors) {
    let mounts: CgroupMount[]
    try {
      if (statSync(`/proc/${pid}`).uid !== 0) continue
      mounts = parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'))
    } catch {
      continue // not for us to look at
    }
    for (const { root, point } of mounts) yield { root, point: `/proc/${pid}/root${point}` }
  }
}

/** include/uapi/linux/magic.h: CGROUP2_SUPER_MAGIC */
const CGROUP2_MAGIC = 0x63677270

/** Another file system may have been mounted over it since. */
function isCgroup(path: string): boolean {
  try {
    return statfsSync(path).type === CGROUP2_MAGIC && existsSync(join(path, 'cgroup.procs'))
  } catch {
    return false
  }
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
export function parseCgroupFile(cgroup: string): string | undefined {
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

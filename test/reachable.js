// Root's tests run minderbinder as nobody, too, who must be able to reach this folder. A clone below a private one
// (/root, mktemp -d) is shown to them at another place, in a mount namespace that goes with the run.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const SEARCH_BY_OTHERS = 0o001

function isReachable(folder) {
  for (let at = folder; ; at = dirname(at)) {
    if ((statSync(at).mode & SEARCH_BY_OTHERS) === 0) return false
    if (at === dirname(at)) return true
  }
}

/**
 * Runs `command` (program and arguments) in `repository`, as others can reach it: its exit status. undefined
 * where they can anyway, or where nothing can be done about it.
 */
export function runReachably(repository, command) {
  if (process.geteuid() !== 0 || isReachable(repository)) return undefined
  // A chroot whose root is no mount point, or a container without CAP_SYS_ADMIN.
  if (spawnSync('unshare', ['--mount', 'true']).status !== 0) return undefined
  const place = mkdtempSync(join(tmpdir(), 'minderbinder-clone-'))
  chmodSync(place, 0o755)
  try {
    const script = 'mount --bind "$1" "$2" && cd "$2" && shift 2 && exec "$@"'
    const inside = ['sh', '-c', script, 'sh', repository, place, ...command]
    const done = spawnSync('unshare', ['--mount', ...inside], { stdio: 'inherit' })
    return done.status ?? 1
  } finally {
    rmdirSync(place)
  }
}

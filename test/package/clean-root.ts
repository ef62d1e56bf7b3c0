/** A Debian as debootstrap makes it, in a folder: a machine with nothing else installed. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type RunResult, run } from '../helpers/run.ts'

/** Mounted for one command each, in a mount namespace of its own: nothing stays mounted, whatever happens. */
const inside = `root=$1 user=$2; shift 2
for folder in proc sys dev; do mount --rbind /$folder "$root/$folder" || exit 99; done
exec setpriv --reuid="$user" --regid="$user" --clear-groups -- chroot "$root" "$@"`

export class CleanRoot {
  readonly folder = mkdtempSync(join(tmpdir(), 'mb-test-root-'))

  constructor() {
    chmodSync(this.folder, 0o755)
    execFileSync('debootstrap', ['--variant=minbase', 'bookworm', this.folder], { stdio: 'pipe' })
    this.#giveNetwork()
    this.#giveNode()
  }

  /** A line for sh, typed by root or, with a login of that name, by somebody else. */
  types(line: string, user = 'root'): Promise<RunResult> {
    const shell = user === 'root' ? ['sh', '-c', line] : ['su', '-s', '/bin/sh', user, '-c', line]
    const enter = ['unshare', '--mount', 'sh', '-c', inside, 'sh', this.folder, 'root', ...shell]
    // Nothing of ours: npm test has npm_config_... for this machine's npm.
    return run(['env', '-i', ...this.#variables(), ...enter], { timeout: 180_000, cwd: '/' })
  }

  #variables(): string[] {
    const authorities = process.env.NODE_EXTRA_CA_CERTS
    return [
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'HOME=/root',
      'DEBIAN_FRONTEND=noninteractive',
      ...(authorities === undefined ? [] : [`NODE_EXTRA_CA_CERTS=${authorities}`]),
    ]
  }

  copyIn(file: string, to: string): void {
    mkdirSync(dirname(join(this.folder, to)), { recursive: true })
    copyFileSync(file, join(this.folder, to))
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** How this machine reaches others, and whom it trusts. */
  #giveNetwork(): void {
    for (const file of ['/etc/resolv.conf', '/etc/hosts', process.env.NODE_EXTRA_CA_CERTS ?? ''])
      if (existsSync(file)) this.copyIn(file, file)
  }

  /** Debian 12's own nodejs is 18: this machine's node and npm take the place of nodejs.org's. */
  #giveNode(): void {
    const local = join(this.folder, 'usr/local')
    copyFileSync(process.execPath, join(local, 'bin/node'))
    const npm = join(dirname(process.execPath), '../lib/node_modules/npm')
    cpSync(npm, join(local, 'lib/node_modules/npm'), { recursive: true })
    symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'))
  }
}

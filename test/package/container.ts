/**
 * A container as Docker makes one: by runc, with Docker's capabilities and seccomp profile, on the files of this
 * machine, read-only but for /tmp.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type RunResult, run } from '../helpers/run.ts'

/** Debian's golang-github-containers-common. */
export const profilePath = '/usr/share/containers/seccomp.json'

/** What moby's oci/caps/defaults.go gives. */
const usual = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID'],
  ...['SETFCAP', 'SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'],
]

export interface ContainerOptions {
  /** `--user`, a number. */
  readonly user?: number
  /** `--cap-add` */
  readonly capabilities?: readonly string[]
  /** `--security-opt seccomp=unconfined` */
  readonly unconfined?: boolean
  /** `--cgroupns host -v /sys/fs/cgroup:/sys/fs/cgroup` */
  readonly cgroups?: boolean
}

interface Condition {
  readonly caps?: readonly string[]
  readonly arches?: readonly string[]
}

interface Entry {
  readonly names: readonly string[]
  readonly action: string
  readonly args?: readonly object[] | null
  readonly errnoRet?: number
  readonly includes?: Condition
  readonly excludes?: Condition
}

/** From the profile, whose entries depend on capabilities and the architecture, to what runc understands. */
function seccomp(capabilities: readonly string[]): object {
  const profile = JSON.parse(readFileSync(profilePath, 'utf8'))
  const has = (list: readonly string[] = []) => list.filter((each) => capabilities.includes(each))
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const applies = ({ includes = {}, excludes = {} }: Entry) =>
    has(includes.caps).length === (includes.caps?.length ?? 0) &&
    has(excludes.caps).length === 0 &&
    (includes.arches?.includes(arch) ?? true) &&
    !excludes.arches?.includes(arch)
  return {
    defaultAction: profile.defaultAction,
    defaultErrnoRet: profile.defaultErrnoRet,
    syscalls: profile.syscalls.filter(applies).map(({ names, action, args, errnoRet }: Entry) => ({
      names,
      action,
      ...(args ? { args } : {}),
      ...(errnoRet === undefined ? {} : { errnoRet }),
    })),
  }
}

function configuration(command: readonly string[], options: ContainerOptions, cwd: string): object {
  const { user = 0, unconfined = false, cgroups = false } = options
  const capabilities = [...usual, ...(options.capabilities ?? [])].map((each) => `CAP_${each}`)
  const held = user === 0 ? capabilities : []
  const namespaces = ['pid', 'ipc', 'uts', 'mount', 'network', ...(cgroups ? [] : ['cgroup'])]
  const mount = (destination: string, type: string, ...more: readonly string[]) => ({
    ...{ destination, type, source: type === 'bind' ? destination : type, options: more },
  })
  return {
    ociVersion: '1.0.2',
    process: {
      args: command,
      env: [`PATH=${process.env.PATH}`],
      cwd,
      user: { uid: user, gid: user },
      capabilities: { bounding: capabilities, effective: held, permitted: held },
    },
    root: { path: 'root', readonly: true },
    mounts: [
      mount('/proc', 'proc'),
      mount('/dev', 'tmpfs', 'nosuid', 'strictatime', 'mode=755'),
      mount('/sys', 'sysfs', 'nosuid', 'noexec', 'nodev', 'ro'),
      cgroups
        ? mount('/sys/fs/cgroup', 'bind', 'rbind', 'rw')
        : mount('/sys/fs/cgroup', 'cgroup', 'nosuid', 'noexec', 'nodev', 'ro'),
    ],
    linux: {
      namespaces: namespaces.map((type) => ({ type })),
      ...(unconfined ? {} : { seccomp: seccomp(capabilities) }),
    },
  }
}

/** `folder` is for the container's own; `docker run` gives the status of the command, and so does this. */
export function inContainer(
  folder: string,
  cwd: string,
  command: readonly string[],
  options: ContainerOptions = {},
): Promise<RunResult> {
  mkdirSync(join(folder, 'root'), { recursive: true })
  writeFileSync(join(folder, 'config.json'), JSON.stringify(configuration(command, options, cwd)))
  // The mount goes with this command's mount namespace.
  const script = 'mount --rbind / root && exec runc run "$1"'
  const name = `mb-test-${process.pid}-${process.hrtime.bigint()}`
  return run(['unshare', '--mount', 'sh', '-c', script, 'sh', name], {
    cwd: folder,
    timeout: 60_000,
  })
}

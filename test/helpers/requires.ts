/** What a test needs from the machine: a skip is loud, and with MINDERBINDER_TEST_REQUIRE=all it is a failure. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { release } from 'node:os'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'node:test'
import { hasDirectCalls } from '../../src/kernel/tracing/direct-calls.ts'
import { whyNoErrorInjection } from '../../src/kernel/tracing/error-injection.ts'
import { isCalled } from '../../src/kernel/tracing/ftrace-jump.ts'
import { compiler32 } from './fixture.ts'
import { kernels } from './kernels.ts'
import { minderbinder } from './run.ts'

/** A program on PATH is needed by its name; the other needs have a check of their own. */
type Program =
  | 'strace'
  | 'curl'
  | 'git'
  | 'redis-server'
  | 'go'
  | 'java'
  | 'redis-cli'
  | 'busybox'
  | 'cc'
  | 'make'
  | 'nohup'
  | 'setpriv'
  | 'perl'
  | 'wget'
  | 'ping'
  | 'vim'
  | 'ip'
  | 'tc'
  | 'bpftool'
  | 'unshare'
  | 'mount'
  | 'promtool'
  | 'newgrp'
  | 'npm'
  | 'debootstrap'
  | 'qemu-aarch64-static'
  | 'cargo'
  | 'runc'
  | 'systemd-analyze'

export type Need =
  | Program
  | 'root'
  | 'redis'
  | 'python3'
  | 'cc-static'
  | 'cc-32-bit'
  | 'libbpf'
  | 'cgroup2'
  | 'ipv6'
  | 'pty'
  | 'netns'
  | 'cross-compilers'
  | 'registry'
  | 'debian-mirror'
  | 'docker-profile'
  | 'pip'
  | 'pytest'
  | 'qemu'
  | 'kernels'
  | `user:${string}`
  | KernelNeed

/**
 * What only another kernel could give: `linux:6.6` is that version or newer, `linux:override` lets calls fail,
 * `linux:path` has what override takes for path=: fentry programs, and room for two programs on one call. `linux:hook`
 * lets calls fail at its security hooks.
 */
type KernelNeed = `linux:${number}` | 'linux:override' | 'linux:hook' | 'linux:path'

/** Returns undefined if the need is met, else why it is not. */
type Check = () => string | undefined

const checks: Readonly<Record<string, Check>> = {
  root: () => (process.geteuid?.() === 0 ? undefined : 'this is not root'),
  redis: () => program('redis-server'),
  unshare: () => namespaces(),
  // Debian's own, not a shim on PATH that starts a shell first.
  python3: () => executable('/usr/bin/python3'),
  'cc-static': () => compiles(['-static'], 'int main(void) { return 0; }'),
  'cc-32-bit': () =>
    compiles(compiler32.options, 'void _start(void) { for (;;) ; }', compiler32.command),
  libbpf,
  cgroup2: () =>
    / - cgroup2 /.test(readFileSync('/proc/self/mountinfo', 'utf8'))
      ? undefined
      : 'no cgroup v2 hierarchy is mounted',
  ipv6: () =>
    existsSync('/proc/net/if_inet6') && /\blo$/m.test(readFileSync('/proc/net/if_inet6', 'utf8'))
      ? undefined
      : 'loopback has no IPv6 address',
  pty: () =>
    executable('/usr/bin/python3') ?? (existsSync('/dev/ptmx') ? undefined : 'no /dev/ptmx'),
  'cross-compilers': () => program('x86_64-linux-gnu-gcc') ?? program('aarch64-linux-gnu-gcc'),
  registry: () => {
    const view = ['view', 'koffi', 'version', '--prefer-offline', '--fetch-retries=0']
    const done = spawnSync('npm', view, { encoding: 'utf8' })
    return done.status === 0 ? undefined : `npm finds no koffi: ${done.stderr ?? done.error}`
  },
  'docker-profile': () =>
    existsSync('/usr/share/containers/seccomp.json')
      ? undefined
      : 'no /usr/share/containers/seccomp.json: apt install golang-github-containers-common',
  pip: () =>
    spawnSync('/usr/bin/python3', ['-m', 'pip', '--version']).status === 0
      ? undefined
      : 'python3 has no pip: apt install python3-pip',
  pytest: () =>
    spawnSync('python3', ['-m', 'pytest', '--version']).status === 0
      ? undefined
      : 'python3 has no pytest: apt install python3-pytest',
  'debian-mirror': () => {
    const url = 'http://deb.debian.org/debian/dists/bookworm/Release'
    const done = spawnSync('curl', ['-fsSI', '--max-time', '20', url], { encoding: 'utf8' })
    return done.status === 0 ? undefined : `${url}: ${done.stderr ?? done.error}`
  },
  qemu: () =>
    process.arch === 'x64' ? program('qemu-system-x86_64') : 'the test kernels are for x86-64',
  kernels: () =>
    kernels().length > 0
      ? undefined
      : 'no test kernels: set MINDERBINDER_KERNELS, or build them with scripts/build-kernels.sh',
  netns: () =>
    spawnSync('unshare', ['--net', 'true']).status === 0
      ? undefined
      : 'no network namespace can be made here',
}

const results = new Map<string, string | undefined>()

/**
 * Checks every need. A missing one skips the test with a message and returns false, so that the test body
 * can end there: `if (!requires(t, 'root')) return`.
 *
 * @throws {Error} with MINDERBINDER_TEST_REQUIRE=all (which CI sets), instead of skipping; but not where
 *     only the kernel is at fault, which nobody can install on the machine that runs it
 */
export function requires(t: Pick<TestContext, 'skip'>, ...needs: Need[]): boolean {
  const missing = needs.filter((need) => !has(need))
  if (missing.length === 0) return true
  const message = missing.map((need) => `needs ${need}: ${lacking(need)}`).join('; ')
  const excused = missing.every((need) => need.startsWith('linux:'))
  if (process.env.MINDERBINDER_TEST_REQUIRE === 'all' && !excused)
    throw new Error(`${message} (MINDERBINDER_TEST_REQUIRE=all allows no skip)`)
  process.stderr.write(`SKIPPED: ${message}\n`)
  t.skip(message)
  return false
}

/** Whether a need is met, for parts of a test that have another way: nothing is skipped. */
export function has(need: Need): boolean {
  return lacking(need) === undefined
}

function lacking(need: Need): string | undefined {
  if (!results.has(need)) results.set(need, check(need))
  return results.get(need)
}

function check(need: Need): string | undefined {
  const [kind, name] = need.split(':')
  if (kind === 'user' && name !== undefined) return user(name)
  if (need === 'linux:override') return whyNoErrorInjection()
  if (need === 'linux:hook') return whyNoHook()
  if (need === 'linux:path') return whyNoPath()
  if (kind === 'linux' && name !== undefined) return olderKernel(name)
  return (checks[need] ?? (() => program(need)))()
}

/** By trying: nothing else says so. */
function whyNoHook(): string | undefined {
  const fault = ['--engine', 'hook', '--syscall', 'mkdir=EIO@0%']
  const tried = spawnSync(minderbinder, ['exec', '-q', ...fault, '--', 'true'])
  return tried.status === 0 ? undefined : tried.stderr.toString().trim()
}

function whyNoPath(): string | undefined {
  if (!hasDirectCalls()) return 'this kernel has no fentry programs'
  return isCalled('ftrace_ops_list_func') ? undefined : 'this kernel crashes at a second program'
}

function olderKernel(needed: string): string | undefined {
  const number = (version: string) => {
    const [major, minor] = version.split('.').map((part) => Number.parseInt(part, 10))
    return (major ?? 0) * 1000 + (minor ?? 0)
  }
  return number(release()) >= number(needed) ? undefined : `this is Linux ${release()}`
}

function program(name: string): string | undefined {
  const found = (process.env.PATH ?? '')
    .split(delimiter)
    .some((folder) => executable(join(folder, name)) === undefined)
  return found ? undefined : `no ${name} on PATH`
}

function executable(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK)
    return undefined
  } catch {
    return `${path} cannot be executed`
  }
}

function user(name: string): string | undefined {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .some((line) => line.startsWith(`${name}:`))
    ? undefined
    : `no user ${name} in /etc/passwd`
}

/** In a chroot, and in containers, the program is there and the kernel refuses. */
function namespaces(): string | undefined {
  const missing = program('unshare')
  if (missing !== undefined) return missing
  const tries = process.geteuid?.() === 0 ? ['--mount', '--map-root-user'] : ['--map-root-user']
  const refused = tries.find((option) => spawnSync('unshare', [option, 'true']).status !== 0)
  return refused === undefined ? undefined : `unshare ${refused} is refused here`
}

function compiles(options: readonly string[], source: string, compiler = 'cc'): string | undefined {
  const missing = program(compiler)
  if (missing !== undefined) return missing
  const command = [...options, '-o', '/dev/null', '-x', 'c', '-']
  const done = spawnSync(compiler, command, { input: source })
  if (done.status === 0) return undefined
  const why = done.stderr.toString().match(/error: (.*)/)?.[1] ?? done.error?.message
  return `${compiler} ${options.join(' ')} fails: ${why}`
}

function libbpf(): string | undefined {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as { load(path: string): unknown }
    koffi.load('libbpf.so.1')
    return undefined
  } catch (error) {
    return `libbpf.so.1 does not load: ${(error as Error).message}`
  }
}

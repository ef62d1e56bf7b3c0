/** What is neither good nor bad, read and not tried. null: could not be told. */
import { existsSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { gunzipSync } from 'node:zlib'
import { architecture } from '../kernel/architecture.ts'
import {
  capabilities,
  chosen,
  configOption,
  containersInCgroups,
  isInitialUserNamespace,
  statusField,
} from './proc-text.ts'

/** `facts` of `doctor --json`: docs/doctor.md describes each. */
export interface Facts {
  readonly kernel: string
  readonly architecture: string
  readonly uid: number
  readonly euid: number
  readonly capabilities: readonly string[] | null
  readonly initialUserNamespace: boolean | null
  readonly noNewPrivileges: boolean | null
  /** 0 none, 1 strict, 2 filtered. */
  readonly seccompMode: number | null
  readonly containerSigns: readonly string[]
  readonly lockdown: string | null
  readonly unprivilegedBpfDisabled: number | null
  readonly ptraceScope: number | null
  /** Can be set up here: what programs do through it goes past every rule. */
  readonly ioUring: boolean | null
  readonly securityModules: readonly string[] | null
  readonly kernelConfig: KernelConfig | null
  /** MINDERBINDER_NO_FEATURE */
  readonly turnedOff: readonly string[]
}

export interface KernelConfig {
  readonly file: string
  /** y, m, n or a value. */
  readonly options: Readonly<Record<string, string>>
}

const options = [
  'CONFIG_SECCOMP_FILTER',
  'CONFIG_BPF_SYSCALL',
  'CONFIG_BPF_EVENTS',
  'CONFIG_CGROUP_BPF',
  'CONFIG_NET_XGRESS',
  'CONFIG_NET_CLS_BPF',
  'CONFIG_NET_SCH_INGRESS',
  'CONFIG_DEBUG_INFO_BTF',
  'CONFIG_KPROBES',
  'CONFIG_FUNCTION_ERROR_INJECTION',
  'CONFIG_BPF_KPROBE_OVERRIDE',
  'CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS',
  'CONFIG_IO_URING',
  'CONFIG_CROSS_MEMORY_ATTACH',
  'CONFIG_SECURITY_LOCKDOWN_LSM',
] as const

/** @param ioUring is tried, not read */
export function readFacts(ioUring: boolean | null): Facts {
  const status = read('/proc/self/status') ?? ''
  const effective = statusField(status, 'CapEff')
  const uidMap = read('/proc/self/uid_map')
  const mode = statusField(status, 'Seccomp')
  const noNewPrivileges = statusField(status, 'NoNewPrivs')
  return {
    kernel: release(),
    architecture,
    uid: process.getuid?.() ?? 0,
    euid: process.geteuid?.() ?? 0,
    capabilities: effective === undefined ? null : capabilities(effective),
    initialUserNamespace: uidMap === undefined ? null : isInitialUserNamespace(uidMap),
    noNewPrivileges: noNewPrivileges === undefined ? null : noNewPrivileges === '1',
    seccompMode: mode === undefined ? null : Number(mode),
    containerSigns: containerSigns(),
    lockdown: chosen(read('/sys/kernel/security/lockdown') ?? '') ?? null,
    unprivilegedBpfDisabled: number('/proc/sys/kernel/unprivileged_bpf_disabled'),
    ptraceScope: number('/proc/sys/kernel/yama/ptrace_scope'),
    ioUring,
    securityModules: read('/sys/kernel/security/lsm')?.trim().split(',') ?? null,
    kernelConfig: kernelConfig(),
    turnedOff: (process.env.MINDERBINDER_NO_FEATURE ?? '').split(',').filter(Boolean),
  }
}

function containerSigns(): string[] {
  const files = ['/.dockerenv', '/run/.containerenv'].filter((path) => existsSync(path))
  const cgroups = `${read('/proc/self/cgroup') ?? ''}\n${read('/proc/1/cgroup') ?? ''}`
  return [...files, ...containersInCgroups(cgroups).map((name) => `cgroup of ${name}`)]
}

function kernelConfig(): KernelConfig | null {
  for (const file of ['/proc/config.gz', `/boot/config-${release()}`]) {
    const text = read(file)
    if (text !== undefined)
      return {
        file,
        options: Object.fromEntries(options.map((name) => [name, configOption(text, name)])),
      }
  }
  return null
}

/** undefined if it is not there or not ours to read. */
function read(path: string): string | undefined {
  try {
    const bytes = readFileSync(path)
    return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  } catch {
    return undefined
  }
}

function number(path: string): number | null {
  const text = read(path)
  return text === undefined ? null : Number(text)
}

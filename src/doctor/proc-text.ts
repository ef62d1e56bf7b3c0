/** What files of /proc and /sys say, from their text: pure. */

/** Bits of CapEff (include/uapi/linux/capability.h). */
const capabilityNames = [
  ...['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID'],
  ...['SETPCAP', 'LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW'],
  ...['IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT'],
  ...['SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD'],
  ...['LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP', 'MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG'],
  ...['WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF', 'CHECKPOINT_RESTORE'],
]

/** The value of a field of /proc/PID/status. */
export function statusField(status: string, name: string): string | undefined {
  return status.match(new RegExp(`^${name}:\\s*(.*)$`, 'm'))?.[1]
}

/** `CAP_BPF` and so on, from the hexadecimal of CapEff. */
export function capabilities(hexadecimal: string): string[] {
  const bits = BigInt(`0x${hexadecimal}`)
  return capabilityNames.flatMap((name, bit) => ((bits >> BigInt(bit)) & 1n ? [`CAP_${name}`] : []))
}

/** user_namespaces(7): the initial one maps all ids to themselves. */
export function isInitialUserNamespace(uidMap: string): boolean {
  return uidMap.trim().split(/\s+/).join(' ') === '0 0 4294967295'
}

/** `none [integrity] confidentiality` gives `integrity`. */
export function chosen(text: string): string | undefined {
  return text.match(/\[(\w+)\]/)?.[1]
}

/** `CONFIG_BPF=y`, `# CONFIG_KPROBES is not set`. An option that a kernel's text never names is not set. */
export function configOption(config: string, name: string): string {
  return config.match(new RegExp(`^${name}=(.*)$`, 'm'))?.[1] ?? 'n'
}

const containerPaths: readonly (readonly [RegExp, string])[] = [
  [/\bkubepods\b/, 'kubernetes'],
  [/\bdocker\b/, 'docker'],
  [/\blibpod\b/, 'podman'],
  [/\bcontainerd\b|\bcri-/, 'containerd'],
  [/\blxc\b/, 'lxc'],
  [/\bmachine\.slice\b/, 'systemd-nspawn'],
]

/** Runtimes that give their containers cgroups of these names, from /proc/PID/cgroup. */
export function containersInCgroups(cgroup: string): string[] {
  return containerPaths.filter(([pattern]) => pattern.test(cgroup)).map(([, name]) => name)
}

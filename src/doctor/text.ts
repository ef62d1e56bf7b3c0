/** The report as a person reads it: what works first, then why. Pure. */
import { printable } from '../rules/span.ts'
import { type Check, type Group, groups, type Result } from './check.ts'
import type { Facts } from './facts.ts'
import type { Report } from './report.ts'
import type { Verdict } from './verdict.ts'

const words: Readonly<Record<Result, string>> = { yes: 'yes', no: 'no', unknown: '?' }
const RESULT_WIDTH = 5

export function toText({ verdicts, checks, facts }: Report): string {
  const titles = Math.max(...checks.map(({ question }) => question.title.length))
  const sections = (Object.keys(groups) as Group[]).map((group) => [
    '',
    groups[group],
    ...checks
      .filter(({ question }) => question.group === group)
      .flatMap((check) => checkLines(check, titles)),
  ])
  const lines = [firstLine(verdicts), ...sections.flat(), '', 'System', ...factLines(facts)]
  return lines.map((line) => `${printable(line)}\n`).join('')
}

/** `system call faults: yes (seccomp)   packet loss: no: needs root` */
export function firstLine(verdicts: readonly Verdict[]): string {
  return verdicts
    .map(({ title, result, engines, reason }) => {
      if (result === 'yes') return `${title}: yes (${engines.join(', ')})`
      return `${title}: ${result === 'no' ? 'no' : 'could not tell'}: ${reason}`
    })
    .join('   ')
}

function checkLines({ question, result, detail, remedy }: Check, titles: number): string[] {
  const head = `  ${words[result].padEnd(RESULT_WIDTH)}${question.title.padEnd(titles)}  ${detail}`
  if (result !== 'no') return [head]
  const margin = ' '.repeat(2 + RESULT_WIDTH)
  return [
    head,
    `${margin}costs you:    ${question.cost}`,
    `${margin}to change it: ${remedy ?? question.remedy}`,
  ]
}

function factLines(facts: Facts): string[] {
  const rows: (readonly [string, string])[] = [
    ['kernel', `Linux ${facts.kernel}, ${facts.architecture}`],
    [
      'user',
      facts.uid === facts.euid ? `uid ${facts.uid}` : `uid ${facts.uid}, euid ${facts.euid}`,
    ],
    ['capabilities', capabilities(facts.capabilities)],
    ['container', facts.containerSigns.join(', ') || 'no sign of one'],
    ['seccomp', seccomp(facts)],
    ['lockdown', facts.lockdown ?? '?'],
    ['security modules', facts.securityModules?.join(', ') ?? '?'],
    ['unprivileged BPF', unprivilegedBpf(facts.unprivilegedBpfDisabled)],
    ['ptrace scope', `${facts.ptraceScope ?? 'no Yama'}`],
    ['io_uring', ioUring(facts.ioUring)],
    ['configuration', configuration(facts.kernelConfig)],
    ...(facts.turnedOff.length > 0
      ? [['turned off', `${facts.turnedOff.join(', ')} (MINDERBINDER_NO_FEATURE)`] as const]
      : []),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)
}

function capabilities(names: Facts['capabilities']): string {
  if (names === null) return '?'
  return names.length === 0 ? 'none' : `${names.length} effective`
}

function seccomp({ seccompMode, noNewPrivileges }: Facts): string {
  const modes = ['no filter on this process', 'strict', 'a filter on this process']
  const mode = seccompMode === null ? '?' : (modes[seccompMode] ?? `mode ${seccompMode}`)
  return noNewPrivileges ? `${mode}, no_new_privs` : mode
}

/** Documentation/admin-guide/sysctl/kernel.rst */
function unprivilegedBpf(value: number | null): string {
  if (value === null) return '?'
  return value === 0 ? 'allowed' : `off (kernel.unprivileged_bpf_disabled=${value})`
}

function ioUring(there: boolean | null): string {
  if (there === null) return '?'
  return there
    ? 'available: what a program does through it bypasses every system call fault; --syscall io_uring_setup=ENOSYS keeps programs from using it'
    : 'cannot be set up: no call bypasses the faults that way'
}

function configuration(config: Facts['kernelConfig']): string {
  if (config === null) return '? (no /proc/config.gz, nothing in /boot)'
  const off = Object.entries(config.options).filter(([, value]) => value === 'n')
  const names = off.map(([name]) => name.replace('CONFIG_', ''))
  return `${config.file}${names.length > 0 ? `, without ${names.join(', ')}` : ''}`
}

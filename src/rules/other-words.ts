/** The words of other tools, and what does the same here: hints, nothing rests on them. */
import type { FaultKind } from './keys/key.ts'

export const noLatency =
  'latency is not offered yet: --drop-net loses packets, --refuse-net refuses connections'

const endsInTime = 'for=2s ends a fault 2 s after its process has started, or after after='
const forTargets =
  'by name: process=NAME. By user id or cgroup: a configuration file with targets: (- uid: 33), and --config'
const asOutcome = 'the outcome follows the system call: SET=ENOENT, SET=ret:0 or SET=signal:SIGKILL'

/** By key: what to say on --syscall, and on the network's options; one text for both. */
const keys: Readonly<Record<string, string | readonly [syscall: string, network: string]>> = {
  ...all('process_name comm exe program command', 'did you mean process=?'),
  ...all('pid uid user cgroup', forTargets),
  ...all('until before during duration timeout end stop', endsInTime),
  ...all('delay latency sleep wait', ['a delay is the outcome: SET=delay:50ms', noLatency]),
  ...all('jitter bandwidth throughput', ['jitter is a range: SET=delay:10ms..50ms', noLatency]),
  ...all('error errno retval ret return signal outcome', [
    asOutcome,
    'a packet is dropped or a connection refused: there is no other outcome',
  ]),
  ...all('file filename filepath', 'did you mean path=?'),
  ...all('host ip addr address dest dst destination peer', 'did you mean to=?'),
  ...all('dport sport ports', 'did you mean port=?'),
  ...all('protocol', 'did you mean proto=?'),
  ...all('iface dev device', 'did you mean interface=?'),
  ...all('direction', 'did you mean dir=?'),
  ...all('seed', '--seed is an option: it is for all faults'),
}

function all<Hint>(names: string, hint: Hint): Record<string, Hint> {
  return Object.fromEntries(names.split(' ').map((name) => [name, hint]))
}

/** Undefined if nothing is known about the key. */
export function otherKeyHint(key: string, value: string, kind: FaultKind): string | undefined {
  if (/^(nth|n|occurrence|call|count)$/.test(key) && /^\d{1,9}$/.test(value))
    return `did you mean when=${value}?`
  if (/^(limit|max|at_most)$/.test(key)) return 'did you mean times=?'
  if (key === 'every' && /^\d{1,9}$/.test(value)) return `did you mean when=${value}+${value}?`
  const hint = Object.hasOwn(keys, key) ? keys[key] : undefined
  return typeof hint === 'object' ? hint[kind === 'syscall' ? 0 : 1] : hint
}

/** Of outcomes; undefined if nothing is known. */
export function otherOutcomeHint(text: string): string | undefined {
  if (/^(short|partial)$/i.test(text)) return 'did you mean short:50%?'
  if (/^[+]?(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m)$/.test(text))
    return `did you mean delay:${text.replace('+', '')}?`
  if (/^[\d.]+%$/.test(text)) return `the rate follows the outcome: ENOENT@${text}`
  if (text.includes('|')) return 'only errors can be drawn: EIO|EINTR|EAGAIN'
  if (/^[{[(]|\//.test(text)) return 'one of several errors is written EIO|EINTR|EAGAIN'
  if (/^(delay|sleep|latency|slow)$/i.test(text)) return 'did you mean delay:50ms?'
  return undefined
}

/** strace's syntax, `write:error=EIO:when=3`, where SET=OUTCOME is wanted. */
export function isForInject(text: string): boolean {
  return /^[^=,]+:(error|retval|signal|delay_enter|delay_exit|when)=/.test(text)
}

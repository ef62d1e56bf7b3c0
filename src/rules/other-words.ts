/** What people write who come from other tools, and what does it here: hints, nothing rests on them. */
import type { FaultKind } from './keys/key.ts'

export const noLatency =
  'latency is not offered yet: --drop-net loses packets, --refuse-net refuses connections'

const onlyAfter =
  'only after= counts time: times=N and when=F..L end a fault after so many calls or packets'
const forProcesses =
  'for some processes only: a configuration file with targets: (- process_name: NAME), and --config'
const asOutcome = 'the outcome follows the system call: SET=ENOENT, SET=ret:0 or SET=signal:SIGKILL'

/** By key: what to say on --syscall, and on the network's options; one text for both. */
const keys: Readonly<Record<string, string | readonly [syscall: string, network: string]>> = {
  ...all('process process_name comm exe program command pid uid user cgroup', forProcesses),
  ...all('for until before during duration timeout end stop', onlyAfter),
  ...all('delay latency sleep wait', ['a delay is the outcome: SET=delay:50ms', noLatency]),
  ...all('jitter bandwidth throughput', ['a delay is one duration: SET=delay:50ms', noLatency]),
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
  if (/^short(:|$)/i.test(text))
    return 'short reads and writes are not offered yet: ret:N returns N, and moves no data'
  if (/^[+]?(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m)$/.test(text))
    return `did you mean delay:${text.replace('+', '')}?`
  if (/^[\d.]+%$/.test(text)) return `the rate follows the outcome: ENOENT@${text}`
  if (/^[{[(]|[|/]/.test(text))
    return 'a rule has one outcome: give a rule for each, each with a rate (ENOENT@50%)'
  if (/^(delay|sleep|latency|slow)$/i.test(text)) return 'did you mean delay:50ms?'
  return undefined
}

/** `delay:200ms+EIO`, in any order. */
export function isDelayAndMore(text: string): boolean {
  return /^delay:[^+]*\+./.test(text) || /\+delay:/.test(text)
}

/** strace's syntax, `write:error=EIO:when=3`, where SET=OUTCOME is wanted. */
export function isForInject(text: string): boolean {
  return /^[^=,]+:(error|retval|signal|delay_enter|delay_exit|when)=/.test(text)
}

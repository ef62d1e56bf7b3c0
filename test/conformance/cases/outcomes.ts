/** What is done to the call. */
import { type Case, caseIn } from '../case.ts'
import { drawn, ENOENT, type Fault, fails, type Outcome, returns } from '../fault.ts'
import { calls, openZero, reads } from '../steps.ts'
import { names } from './names.ts'

const outcome = caseIn('outcomes')

const errors: readonly Outcome[] = [
  fails('ENOENT', -2),
  fails('-2', -2),
  fails('EPERM', -1),
  fails('EINTR', -4),
  fails('EAGAIN', -11),
  fails('ENOSYS', -38),
  fails('EHWPOISON', -133),
  fails('-133', -133),
]

/** Those below 0 are not errors: the kernel's are -1 to -4095. */
const positive = [
  ...['0', '1', '7', '2147483647', '2147483648', '4294967294', '4294967295'],
  '9223372036854775807',
].map(returns)
const negative = ['-4096', '-2147483648', '-9223372036854775808'].map(returns)

/** Each on a call of its own, all in one run. */
function each(outcomes: readonly Outcome[], rest: Partial<Fault> = {}) {
  const faults = outcomes.map((outcome, i) => ({ set: names[i]!, outcome, ...rest }))
  return [faults, outcomes.map((_, i) => calls(names[i]!, 2))] as const
}

const usr1: Outcome = { kind: 'signal', text: 'signal:SIGUSR1' }
const several = (text: string, value?: bigint): Outcome & { kind: 'several' } => ({
  ...{ kind: 'several', text, caught: true },
  ...(value !== undefined && { value }),
})
const kill: Outcome = { kind: 'signal', text: 'signal:SIGKILL', deadly: 9 }
const term: Outcome = { kind: 'signal', text: 'signal:SIGTERM', deadly: 15 }

const half: Outcome = {
  ...{ kind: 'short', text: 'short:50%' },
  of: (asked) => Math.max(1, Math.floor(asked / 2)),
}
const three: Outcome = { kind: 'short', text: 'short:3', of: (asked) => Math.min(3, asked) }

export const outcomes: readonly Case[] = [
  outcome('errors, by name and by number', ...each(errors), { quick: true }),
  outcome('returned values, all 64 bits of them', ...each(positive), { quick: true }),
  outcome('returned values below 0', ...each(negative), { quick: true }),
  outcome('none where the rate is 0%', ...each([...errors, ...positive], { rate: '0' })),
  outcome(
    // Kernels have it under another name than calls with arguments.
    'a call without arguments',
    [{ set: 'getppid', outcome: ENOENT }],
    [{ ...calls('getppid', 3), args: [] }, calls('dup', 1)],
    { quick: true },
  ),
  outcome(
    'a delay is no shorter than it says, and the call runs then',
    [{ set: 'fsync', outcome: { kind: 'delay', text: 'delay:150ms' } }],
    [
      ...[calls('fsync', 1), { do: 'took', ms: 150 }, calls('fsync', 2), { do: 'took', ms: 300 }],
      ...[calls('dup', 3)],
    ] as const,
    { quick: true },
  ),
  outcome(
    'one of several errors, drawn by the seed',
    [
      { set: 'fsync', outcome: drawn('EIO|EINTR|EAGAIN'), rate: '50' },
      { set: 'dup', outcome: drawn('EIO|ENOSPC'), when: '2+' },
      { set: 'listen', outcome: drawn('EPERM|EPERM|EPERM|EPERM|EPERM|EPERM|EPERM|EIO') },
    ],
    [
      ...[calls('fsync', 40), calls('dup', 20), calls('listen', 40), calls('bind', 2)],
      { do: 'in', place: 'fork', steps: [calls('fsync', 10), calls('dup', 3)] },
    ] as const,
    { seed: 11n, quick: true },
  ),
  outcome(
    'a pause, and then an error: the call does not run',
    [{ set: 'fsync', outcome: drawn('delay:150ms+EIO|EINTR'), when: '2+' }],
    [...[calls('fsync', 1), calls('fsync', 2), { do: 'took', ms: 300 }, calls('dup', 3)]] as const,
    { quick: true },
  ),
  outcome(
    'a pause when the call has run, before it returns',
    [{ set: 'fsync', outcome: { kind: 'delay', text: 'delay-exit:150ms' }, when: '2..3' }],
    [
      ...[calls('fsync', 2), { do: 'took', ms: 150 }, calls('fsync', 2), { do: 'took', ms: 150 }],
      ...[calls('dup', 3)],
    ] as const,
    { quick: true },
  ),
  outcome(
    'several outcomes of one call: it waits, brings a signal, and runs not or late',
    [
      { set: 'fsync', outcome: several('delay:50ms+signal:SIGUSR1+EIO+delay-exit:100ms', -5n) },
      { set: 'dup', outcome: several('delay:100ms+signal:SIGUSR1+ret:7', 7n), when: '2' },
      { set: 'bind', outcome: { kind: 'several', text: 'ret:7+delay-exit:100ms', value: 7n } },
    ],
    [
      ...[calls('fsync', 2), { do: 'took', ms: 300 }, { do: 'signals' }],
      ...[calls('dup', 3), { do: 'took', ms: 100 }, { do: 'signals' }],
      ...[calls('bind', 1), { do: 'took', ms: 100 }, calls('listen', 1)],
    ] as const,
    // strace 6.1 loses the signal after delay_enter.
    { quick: true, strace: false },
  ),
  outcome(
    'several outcomes of one call that runs',
    [
      { set: 'fsync', outcome: several('signal:SIGUSR1+delay-exit:150ms') },
      { set: 'dup', outcome: several('signal:SIGUSR1+delay-exit:50ms'), when: '2' },
    ],
    [
      ...[calls('fsync', 2), { do: 'took', ms: 300 }, { do: 'signals' }],
      ...[calls('dup', 3), { do: 'took', ms: 50 }, { do: 'signals' }],
    ] as const,
  ),
  outcome(
    'a deadly signal ends the process before anything else that follows',
    [
      {
        set: 'fsync',
        outcome: { ...several('signal:SIGTERM+ret:0+delay-exit:3600s', 0n), deadly: 15 },
      },
    ],
    [
      { do: 'in', place: 'fork', steps: [calls('dup', 1), calls('fsync', 1), calls('dup', 1)] },
      calls('dup', 1),
    ],
    { strace: false },
  ),
  outcome(
    'a pause that is drawn is no shorter than the shortest',
    [{ set: 'fsync', outcome: drawn('delay:50ms..90ms+EIO') }],
    [calls('fsync', 3), { do: 'took', ms: 150 }],
    { seed: 3n },
  ),
  outcome(
    // Were it to be hit, the run would not end in time.
    'a delay that is not due delays nothing',
    [
      { set: 'fsync', outcome: { kind: 'delay', text: 'delay:60m' }, rate: '0' },
      { set: 'fsync', outcome: { kind: 'delay', text: 'delay:60m' }, when: '4' },
      { set: 'dup', outcome: { kind: 'delay', text: 'delay:60m' }, fd: 77 },
    ],
    [calls('fsync', 3), calls('dup', 3)],
  ),
  outcome(
    'a signal that is caught: it comes, and the call runs',
    [{ set: 'fsync', outcome: usr1, when: '1+2' }],
    [calls('fsync', 5), { do: 'signals' }, calls('dup', 5), { do: 'signals' }],
    { quick: true },
  ),
  outcome(
    'a signal reaches the calling thread only',
    [{ set: 'fsync', outcome: usr1 }],
    [
      { do: 'in', place: 'thread', steps: [calls('fsync', 3), { do: 'signals' }] },
      { do: 'in', place: 'fork', steps: [calls('fsync', 2), { do: 'signals' }] },
      { do: 'signals' },
    ],
  ),
  outcome(
    'a deadly signal ends the process that calls, and no other',
    [{ set: 'fsync', outcome: kill }],
    [
      { do: 'in', place: 'fork', steps: [calls('dup', 1), calls('fsync', 1), calls('dup', 1)] },
      {
        do: 'in',
        place: 'fork',
        steps: [{ do: 'in', place: 'thread', steps: [calls('fsync', 1)] }],
      },
      calls('dup', 1),
    ],
    { quick: true },
  ),
  outcome(
    'minderbinder ends as its command does',
    [{ set: 'fsync', outcome: term }],
    [calls('dup', 1), calls('fsync', 1), calls('dup', 1)],
  ),
  outcome(
    // Errors by one engine, the rest by another, in one run.
    'errors, delays and signals side by side, each counted apart',
    [
      { set: 'fsync', outcome: ENOENT, when: '2+2' },
      { set: 'dup', outcome: { kind: 'delay', text: 'delay:100ms' }, when: '2' },
      { set: 'listen', outcome: usr1, times: 2 },
      { set: 'bind', outcome: fails('EPERM', -1), rate: '50' },
    ],
    [
      ...[calls('fsync', 5), calls('dup', 3), { do: 'took', ms: 100 }, calls('listen', 4)],
      ...[{ do: 'signals' }, calls('bind', 20), calls('fsync', 2)],
      { do: 'in', place: 'fork', steps: [calls('fsync', 3), calls('dup', 1), calls('bind', 5)] },
    ] as const,
    { seed: 4n, quick: true, strace: false },
  ),
  outcome(
    'half of what a call asks for, but never nothing',
    [{ set: 'pread64', outcome: half, when: '2+' }],
    [openZero, reads(10, 3), reads(1, 2), reads(7, 1), calls('pread64', 2), calls('dup', 1)],
    { quick: true },
  ),
  outcome(
    'so many bytes at most: calls that ask for no more do not match',
    [{ set: 'pread64', outcome: three, times: 3, scope: 'process' }],
    [
      ...[openZero, reads(3, 2), reads(4, 2)],
      { do: 'in', place: 'fork', steps: [reads(9, 5)] },
      reads(5, 2),
    ] as const,
  ),
  outcome(
    'other calls are left alone',
    [{ set: 'fsync+fdatasync', outcome: ENOENT }],
    names.slice(2).map((name) => calls(name, 3)),
  ),
]

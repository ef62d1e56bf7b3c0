/** Signals by name and number: Linux's on x86_64 and arm64, which share <asm-generic/signal.h>'s numbers. */

/** Index + 1 is the number. */
const standard = (
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT ' +
  'CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'
).split(' ')

const aliases: ReadonlyMap<string, string> = new Map([
  ['IOT', 'ABRT'],
  ['CLD', 'CHLD'],
  ['POLL', 'IO'],
  ['UNUSED', 'SYS'],
])

export const signalMax = 64
/**
 * As programs see it: the kernel's real-time signals start at 32, and glibc and (34 too) musl keep the
 * first ones for themselves (signal(7), "Real-time signals").
 */
const realTimeMin = 34

/**
 * The number of a signal name: with or without SIG, in upper or lower case, `SIGRTMIN+3` and `SIGRTMAX-1`
 * included; or of a decimal number from 1 to 64. Undefined if there is no such signal.
 */
export function signalByName(text: string): number | undefined {
  const name = text.toUpperCase().replace(/^SIG/, '')
  if (/^\d+$/.test(text)) {
    const number = Number(text)
    return number >= 1 && number <= signalMax ? number : undefined
  }
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name)
  if (realTime !== null) {
    const [, end, sign, offset = '0'] = realTime
    const from = end === 'MIN' ? realTimeMin : signalMax
    const number = sign === '-' ? from - Number(offset) : from + Number(offset)
    return number >= realTimeMin && number <= signalMax ? number : undefined
  }
  const index = standard.indexOf(aliases.get(name) ?? name)
  return index < 0 ? undefined : index + 1
}

/** `SIGKILL`, `SIGRTMIN+2`, `SIGRTMAX`; for a number from 1 to 64 (`SIG32` for those that libc keeps). */
export function signalName(number: number): string {
  const name = standard[number - 1]
  if (name !== undefined) return `SIG${name}`
  if (number === realTimeMin) return 'SIGRTMIN'
  if (number === signalMax) return 'SIGRTMAX'
  if (number < realTimeMin || number > signalMax) return `SIG${number}`
  return `SIGRTMIN+${number - realTimeMin}`
}

/** Every name of the standard signals, with SIG, aliases included: what a typo is compared to. */
export function signalNames(): readonly string[] {
  return [...standard, ...aliases.keys(), 'RTMIN', 'RTMAX'].map((name) => `SIG${name}`)
}

/**
 * What a case must show, worked out from DESIGN's words and the comments in bpf/rule.h, and from nothing of the
 * product's: every line that the program prints, every count of the summary, every n of the log.
 */
import { golden, mix64, occurrence } from '../helpers/draw.ts'
import { agrees, type Fault, isOnDescriptor, isTarget, names } from './fault.ts'
import type { Call, Step } from './steps.ts'

type Drawn = Extract<Fault['outcome'], { kind: 'drawn' }>

export interface Expected {
  /** Of the program's stdout, in order. */
  readonly lines: string[]
  /** One for each rule. */
  readonly rules: {
    seen: number
    /** Calls with another descriptor than its fd=: seen, too, by engines other than seccomp. */
    elsewhere: number
    matched: number
    fired: number
    readonly log: Logged[]
  }[]
  /** Number of the signal that ended the program. */
  killed: number | undefined
}

export interface Logged {
  readonly n: number
  readonly syscall: string
  /** As the log has it. */
  readonly outcome: string
}

/** One process of the tree. */
interface Process {
  /** Past the time of after= rules. */
  old: boolean
  /** The name of its program; undefined: one that no rule names. */
  name: string | undefined
  /** Rules that it is a target of: those that it inherited, and by its name. */
  own: ReadonlySet<number>
  readonly kept: ReadonlySet<number>
  readonly counts: Counts
  /** Of the thread that calls. */
  readonly thread: Counts
}

interface Counts {
  readonly matched: number[]
  readonly fired: number[]
}

class Killed extends Error {
  constructor(readonly signal: number) {
    super(`killed by ${signal}`)
  }
}

export function expectation(
  faults: readonly Fault[],
  steps: readonly Step[],
  seed: bigint,
  name?: string,
): Expected {
  return new Model(faults, seed).run(steps, name)
}

class Model {
  readonly #faults: readonly Fault[]
  readonly #seed: bigint
  readonly #expected: Expected
  #signals = 0
  #inDaemon = false
  #lifted = false

  constructor(faults: readonly Fault[], seed: bigint) {
    this.#faults = faults
    this.#seed = seed
    const rules = faults.map(() => ({ seen: 0, elsewhere: 0, matched: 0, fired: 0, log: [] }))
    this.#expected = { lines: [], rules, killed: undefined }
  }

  run(steps: readonly Step[], name: string | undefined): Expected {
    try {
      this.#steps(steps, this.#newProgram(this.#newProcess(), name))
    } catch (error) {
      if (!(error instanceof Killed)) throw error
      this.#expected.killed = error.signal
    }
    return this.#expected
  }

  /** A fork of `parent`. */
  #newProcess(parent?: Process): Process {
    const kept = new Set(
      [...(parent?.own ?? [])].filter((index) => this.#faults[index]?.inherit !== false),
    )
    return {
      ...{ old: false, name: parent?.name, own: kept, kept },
      ...{ counts: this.#noCounts(), thread: this.#noCounts() },
    }
  }

  #noCounts(): Counts {
    return { matched: this.#faults.map(() => 0), fired: this.#faults.map(() => 0) }
  }

  /** Another thread of it. */
  #newThread(process: Process): Process {
    return Object.create(process, { thread: { value: this.#noCounts() } })
  }

  /** The same process after an exec. */
  #newProgram(process: Process, name: string | undefined): Process {
    const named = [...this.#faults.keys()].filter(
      (index) => name !== undefined && isTarget(this.#faults[index]!, name),
    )
    process.name = name
    process.own = new Set([...process.kept, ...named])
    return process
  }

  #say(line: string): void {
    this.#expected.lines.push(line)
  }

  #steps(steps: readonly Step[], process: Process): void {
    for (const step of steps) this.#step(step, process)
  }

  #step(step: Step, process: Process): void {
    switch (step.do) {
      case 'call':
        this.#say(`${step.name}:${runs(this.#calls(step, process))}`)
        break
      case 'in':
        if (step.place === 'thread')
          this.#apart(() => this.#steps(step.steps, this.#newThread(process)))
        else {
          const child = this.#newProcess(process)
          // The others start the same program again.
          this.#child(
            step.steps,
            step.place === 'fork' ? child : this.#newProgram(child, process.name),
          )
        }
        break
      case 'many':
        for (let i = 0; i < step.width; i++)
          if (step.place === 'thread') this.#steps(step.steps, this.#newThread(process))
          else this.#child(step.steps, this.#newProcess(process))
        break
      case 'daemon':
        this.#inDaemon = true
        this.#child(step.steps, this.#newProcess(process))
        this.#inDaemon = this.#lifted = false
        break
      case 'run':
        this.#child(
          [...(step.first ?? []), ...step.steps],
          this.#newProgram(this.#newProcess(process), step.program.as),
        )
        break
      case 'exec':
      case 'texec':
      case 'shexec':
        this.#newProgram(process, process.name)
        break
      case 'hold':
        this.#say('holding')
        // A daemon holds until minderbinder has ended, and its faults with it.
        this.#lifted = this.#inDaemon
        break
      case 'until':
        process.old = true
        this.#say(`${step.call.name}: ${this.#call(step.call, process)}, not before ${step.ms} ms`)
        break
      case 'took':
        this.#say(`took ${step.ms} ms`)
        break
      case 'signals':
        this.#say(`signals: ${this.#signals}`)
        break
      case 'dlopen': {
        const args = [-100, ':LIBRARY']
        const open: Call = { do: 'call', name: 'openat', args, count: 1, natural: 3n }
        this.#say(`dlopen: ${this.#call(open, process) === 3n ? 'done' : 'failed'}`)
        break
      }
      case 'other': {
        const child = this.#newProgram(this.#newProcess(process), step.program.as)
        const error = step.calls.map((call) => this.#call(call, child)).find((value) => value < 0n)
        const status = error === undefined ? step.status : -error
        if (status) this.#say(`child: exit ${status}`)
        break
      }
    }
  }

  /** It is waited for, so that what it prints comes first. */
  #child(steps: readonly Step[], process: Process): void {
    this.#apart(() => {
      try {
        this.#steps(steps, process)
      } catch (error) {
        if (!(error instanceof Killed)) throw error
        this.#say(`child: killed ${error.signal}`)
      }
    })
  }

  /** Each thread counts the signals that it has caught. */
  #apart(body: () => void): void {
    const signals = this.#signals
    this.#signals = 0
    body()
    this.#signals = signals
  }

  #calls(call: Call, process: Process): bigint[] {
    return Array.from({ length: call.count }, () => this.#call(call, process))
  }

  /** What one call returns: rules are tried in order, and the first that fires wins. */
  #call(call: Call, process: Process): bigint {
    if (this.#lifted) return call.natural
    const index = this.#faults.findIndex((fault, i) => this.#fires(fault, i, call, process))
    const outcome = this.#faults[index]?.outcome
    if (outcome?.kind === 'errno' || outcome?.kind === 'return') return outcome.value
    if (outcome?.kind === 'short') return BigInt(outcome.of(call.asked ?? 0))
    if (outcome?.kind === 'drawn') {
      const { n } = this.#expected.rules[index]!.log.at(-1)!
      return drawnError(outcome, this.#seed, index, n)[1]
    }
    const brings = outcome?.kind === 'signal' || outcome?.kind === 'several' ? outcome : undefined
    if (brings?.deadly) throw new Killed(brings.deadly)
    if (outcome?.kind === 'signal' || (outcome?.kind === 'several' && outcome.caught))
      this.#signals++
    return outcome?.kind === 'several' ? (outcome.value ?? call.natural) : call.natural
  }

  #fires(fault: Fault, index: number, call: Call, process: Process): boolean {
    const rule = this.#expected.rules[index]
    if (!rule || !names(fault, call)) return false
    if (fault.targets && !process.own.has(index)) return false
    if (isOnDescriptor(fault, call)) rule.seen++
    else rule.elsewhere++
    if (!agrees(fault, call) || !isTime(fault, process)) return false
    const own = fault.scope && (fault.scope === 'thread' ? process.thread : process.counts)
    rule.matched++
    const n = own ? ++own.matched[index]! : rule.matched
    if (!isOccurrence(fault.when, n) || !isDrawn(fault.rate, this.#seed, index, n)) return false
    const fired = own ? own.fired[index]! : rule.fired
    if (fault.times !== undefined && fired >= fault.times) return false
    if (own) own.fired[index]!++
    rule.fired++
    const { outcome } = fault
    const happened =
      outcome.kind === 'drawn' ? drawnText(outcome, this.#seed, index, n) : outcome.text
    rule.log.push({ n, syscall: call.name, outcome: loggedOutcome(happened) })
    return true
  }
}

function isTime({ after }: Fault, { old }: Process): boolean {
  if (after === undefined || after.faults === 'all') return true
  return after.faults === (old ? 'later' : 'sooner')
}

/** `-9*19 -5`: with a space before each. */
export function runs(values: readonly bigint[]): string {
  const parts: { value: bigint; count: number }[] = []
  for (const value of values) {
    const last = parts.at(-1)
    if (last && last.value === value) last.count++
    else parts.push({ value, count: 1 })
  }
  return parts.map(({ value, count }) => ` ${value}${count > 1 ? `*${count}` : ''}`).join('')
}

/** strace(1)'s when=: first, first + step, ... up to last; F alone is once, F+ from there on. */
function isOccurrence(when: string | undefined, n: number): boolean {
  if (when === undefined) return true
  const [range = '', step] = when.split('+')
  const [first = 0, last] = range.split('..').map(Number)
  const end = last ?? (step === undefined ? first : Number.POSITIVE_INFINITY)
  return n >= first && n <= end && (n - first) % (Number(step) || 1) === 0
}

/** One round more, and two steps of the generator on, for which of several errors it is. */
function drawnError({ errors }: Drawn, seed: bigint, index: number, n: number) {
  const draw = mix64(occurrence(seed, index, BigInt(n)) + golden * 2n) >> 32n
  return errors[Number((draw * BigInt(errors.length)) >> 32n)]!
}

/** From the shortest pause to the longest, one step of the generator on, in whole nanoseconds. */
function drawnPause(pause: string, seed: bigint, index: number, n: number): string {
  const [, low, high] = /^delay:(\d+)ms\.\.(\d+)ms\+$/.exec(pause) ?? []
  if (low === undefined || high === undefined) return pause
  const [from, to] = [BigInt(low) * 1_000_000n, BigInt(high) * 1_000_000n]
  const draw = mix64(occurrence(seed, index, BigInt(n)) + golden) >> 32n
  return `delay:${from + ((draw * (to - from + 1n)) >> 32n)}ns+`
}

function drawnText(outcome: Drawn, seed: bigint, index: number, n: number): string {
  return drawnPause(outcome.pause, seed, index, n) + drawnError(outcome, seed, index, n)[0]
}

/** A number stands for a name; EHWPOISON is 133 on both architectures. */
function loggedOutcome(text: string): string {
  return { '-2': 'ENOENT', '-133': 'EHWPOISON' }[text] ?? text
}

/** A 32-bit draw from two rounds of it, below the rate's part of 2^32; 0 % and 100 % are exact. */
export function isDrawn(rate: string | undefined, seed: bigint, index: number, n: number): boolean {
  const percent = Number(rate ?? 100)
  const draw = occurrence(seed, index, BigInt(n)) >> 32n
  return percent > 0 && (percent === 100 || Number(draw) < (percent / 100) * 2 ** 32)
}

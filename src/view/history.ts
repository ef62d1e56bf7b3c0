/** What happened from one look to the next: counters become rates, as many as a wide terminal can show. */
import type { Activity, RuleActivity } from '../report/activity.ts'

/** Columns of the widest graph. */
const POINTS = 400

/** Per second, the newest last. */
export interface RuleRates {
  readonly seen: readonly number[]
  readonly fired: readonly number[]
}

export interface CallRates {
  readonly succeeded: readonly number[]
  readonly failed: readonly number[]
  readonly contextSwitches: readonly number[]
}

interface Series<Name extends string> {
  readonly previous: Readonly<Record<Name, bigint>>
  readonly rates: Readonly<Record<Name, number[]>>
}

export class History {
  #first: Activity | undefined
  #last: Activity | undefined
  #looks = 0
  /** By the rule's place and name: a file that was read again may have another one there. */
  #rules = new Map<string, Series<'seen' | 'fired'>>()
  #calls: Series<'succeeded' | 'failed' | 'contextSwitches'> | undefined

  add(activity: Activity): void {
    const seconds = this.#last ? (activity.atMs - this.#last.atMs) / 1000 : 0
    const rules = new Map<string, Series<'seen' | 'fired'>>()
    activity.rules.forEach((rule, index) => {
      const { seen, fired } = rule.counts
      rules.set(
        key(rule, index),
        extend(this.#rules.get(key(rule, index)), { seen, fired }, seconds),
      )
    })
    this.#rules = rules
    if (activity.calls) {
      const { succeeded, failed, contextSwitches } = activity.calls
      this.#calls = extend(this.#calls, { succeeded, failed, contextSwitches }, seconds)
    } else {
      this.#calls = undefined
    }
    this.#first ??= activity
    this.#looks += 1
    this.#last = activity
  }

  /** The last one; undefined before the first. */
  get activity(): Activity | undefined {
    return this.#last
  }

  /** Seconds between the first and the last. */
  get seconds(): number {
    return this.#first && this.#last ? (this.#last.atMs - this.#first.atMs) / 1000 : 0
  }

  /** Seconds from one look to the next, on average: what a column of a graph stands for. */
  get step(): number {
    return this.#looks > 1 ? this.seconds / (this.#looks - 1) : 0
  }

  rule(index: number): RuleRates {
    const rule = this.#last?.rules[index]
    return (rule && this.#rules.get(key(rule, index))?.rates) ?? { seen: [], fired: [] }
  }

  get calls(): CallRates | undefined {
    return this.#calls?.rates
  }
}

function key({ label }: RuleActivity, index: number): string {
  return `${index} ${label}`
}

/** A counter that goes back has begun again: what it shows is new. */
function extend<Name extends string>(
  series: Series<Name> | undefined,
  now: Readonly<Record<Name, bigint>>,
  seconds: number,
): Series<Name> {
  const names = Object.keys(now) as Name[]
  if (!series) return { previous: now, rates: record(names, () => []) }
  if (seconds <= 0) return series
  for (const name of names) {
    const before = series.previous[name] <= now[name] ? series.previous[name] : 0n
    const rates = series.rates[name]
    rates.push(Number(now[name] - before) / seconds)
    if (rates.length > POINTS) rates.shift()
  }
  return { previous: now, rates: series.rates }
}

function record<Name extends string, Value>(
  names: readonly Name[],
  value: () => Value,
): Record<Name, Value> {
  return Object.fromEntries(names.map((name) => [name, value()])) as Record<Name, Value>
}

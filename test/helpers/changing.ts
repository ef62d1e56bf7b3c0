/** A command whose rules change while it runs: test/fixtures/changing.c, in a CommandSession of its own. */
import type { TestContext } from 'node:test'
import type { Engine, Scope } from '../../src/engines/engine.ts'
import { seccomp } from '../../src/engines/supervised/seccomp.ts'
import { startSupervisor } from '../../src/launch/start-supervisor.ts'
import { parseFaults } from '../../src/library/faults.ts'
import type { Wanted } from '../../src/observe/observer.ts'
import type { Rule, Slot } from '../../src/rules/rule.ts'
import { CommandSession } from '../../src/session/command-session.ts'
import { ChangingCounts } from './changing-counts.ts'
import { fixture } from './fixture.ts'
import { until } from './until.ts'

export const rules = (...faults: readonly (string | object)[]): readonly Rule[] =>
  parseFaults(faults, { arch: process.arch === 'arm64' ? 'arm64' : 'x86_64' })

interface Options {
  readonly faults?: readonly string[]
  readonly scope: Scope | undefined
  readonly threads: number
  /** seccomp, if it is left out. */
  readonly engine?: Engine
  /** Has one rule more, after those. */
  readonly beside?: Engine
  /** Another build of it. */
  readonly launcher?: string
  readonly env?: Readonly<Record<string, string>>
  readonly onEvent?: (event: Buffer) => void
  readonly watched?: Wanted
}

export class Changing {
  readonly session: CommandSession
  readonly calls: ChangingCounts
  readonly #gone: Promise<void>

  private constructor(session: CommandSession, calls: ChangingCounts, gone: Promise<void>) {
    this.session = session
    this.calls = calls
    this.#gone = gone
  }

  /** Started, and at its calls. */
  static async start(t: TestContext, options: Options): Promise<Changing> {
    const { faults = [], scope, threads, launcher, env, onEvent, watched } = options
    const { engine = seccomp, beside } = options
    const calls = new ChangingCounts(t)
    const first = rules(...faults)
    const engines = new Map([[engine, [...first.keys()]]])
    if (beside) engines.set(beside, [first.length])
    const { supervisor, gone } = await startSupervisor(
      {
        argv: [fixture('changing'), calls.file, `${threads}`],
        env: { ...process.env, ...env },
        cwd: '/',
        stdio: ['ignore', 'ignore', 'ignore'],
      },
      launcher,
    )
    const plan = {
      ...{
        rules: beside ? [...first, ...rules('getsid=EIO')] : first,
        seed: 1n,
        engines,
        scope,
        onEvent,
        watched,
      },
      ...{ argvIndex: 0, command: 'changing', user: undefined },
      ...{ includeLoader: false, includeSetuid: false },
    }
    const home = { supervisor, owner: process.pid, announceCgroup: () => {} }
    const session = await CommandSession.open(plan, home)
    const changing = new Changing(session, calls, gone)
    t.after(() => changing.#kill())
    await session.start()
    await until(() => calls.made('openat') > 100, { what: 'the program is at its calls' })
    return changing
  }

  /** @returns their slots */
  async add(...faults: readonly string[]): Promise<readonly Slot[]> {
    return (await this.session.change({ add: rules(...faults), remove: [] })).slots
  }

  async remove(...slots: readonly Slot[]): Promise<readonly Slot[]> {
    return (await this.session.change({ add: [], remove: slots })).slots
  }

  /** The program ends: the counts of each rule by slot. */
  async stop() {
    this.calls.end()
    const end = await this.session.ended
    const { counts, rules: all } = await this.session.close()
    await this.#gone
    return {
      end,
      counts: counts.map((count) => numbers(count)),
      labels: all.map(({ label }) => label),
    }
  }

  async #kill(): Promise<void> {
    this.session.kill()
    await this.session.close().catch(() => {})
  }
}

function numbers({ seen, matched, fired }: Record<'seen' | 'matched' | 'fired', bigint>) {
  return { seen: Number(seen), matched: Number(matched), fired: Number(fired) }
}

/** The rules of changeOften(): of the same calls. In the table of the second, paths have changed places. */
export const takingTurns = [
  ['getpgid=EPERM', 'openat=EPERM,path=/dev/n*', 'openat=EIO,path=/no/*'],
  ['getpgid=EACCES', 'openat=EIO,path=/no/*', 'openat=EACCES,path=/dev/nul?'],
] as const

/**
 * The rules of the one take the place of the other's, `count` times: one or the other are always in force.
 *
 * @param first slots of the rules in force, which are takingTurns[0]
 * @returns those in force after an even count
 */
export async function changeOften({ session }: Changing, first: readonly Slot[], count: number) {
  let inForce = first
  for (let change = 1; change <= count; change++) {
    const add = rules(...takingTurns[change % 2]!)
    inForce = (await session.change({ add, remove: inForce })).slots
  }
  return inForce
}

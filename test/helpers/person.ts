/** A person at a terminal, who sees what xterm would show. */
import type { TestContext } from 'node:test'
import { emulate, type Seen } from './emulator.ts'
import { shell, type Terminal } from './terminal.ts'
import { until } from './until.ts'

export class Person {
  readonly terminal: Terminal
  #columns = 0
  #rows = 0

  constructor(terminal: Terminal, columns: number, rows: number) {
    this.terminal = terminal
    this.resize(columns, rows)
  }

  resize(columns: number, rows: number): void {
    this.#columns = columns
    this.#rows = rows
    this.terminal.resize(columns, rows)
  }

  looks(): Promise<Seen> {
    return emulate(this.terminal.bytes(), this.#columns, this.#rows)
  }

  /** Looks until there is what is expected. */
  sees(what: string, condition: (seen: Seen) => unknown): Promise<Seen> {
    let last: Seen | undefined
    return until(
      async () => {
        last = await this.looks()
        return condition(last) ? last : undefined
      },
      { what },
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${last?.rows.join('\n')}`)
    })
  }
}

/** At a shell, its prompt `$ `; gone with the test. */
export async function personAtShell(
  t: TestContext,
  env: NodeJS.ProcessEnv,
  columns: number,
  rows: number,
): Promise<Person> {
  const terminal = await shell({ env: { TERM: 'xterm-256color', LC_ALL: 'C.UTF-8', ...env } })
  t.after(() => terminal.hangUp())
  return new Person(terminal, columns, rows)
}

/** `stty -g`: every setting of the terminal. */
export async function settings({ terminal }: Person): Promise<string> {
  terminal.type(`stty -g\n`)
  return (await terminal.sees(/[0-9a-f:]{40,}\n/)).trim()
}

/** A real terminal with a person at it: types, reads the screen, hangs up. */
import { fixture } from './fixture.ts'
import { type RunOptions, start } from './run.ts'
import { until } from './until.ts'

export interface Terminal {
  /** Of the process whose only child is the command. */
  readonly pid: number
  /** Types text; control keys are `keys`. */
  type(text: string): void
  /** Everything printed so far, with `\n` for line ends. */
  screen(): string
  /** Waits for the pattern to be printed, after what earlier calls have found. */
  sees(pattern: RegExp | string): Promise<string>
  /** The very bytes. */
  bytes(): string
  resize(columns: number, rows: number): void
  hangUp(): void
  /** `exited N` or `signaled N` of the command that leads the session. */
  readonly ended: Promise<string>
}

export const keys = { interrupt: '\x03', quit: '\x1c', suspend: '\x1a', endOfFile: '\x04' } as const

/** Runs a command as the leader of a session of its own on a new terminal. */
export function terminal(command: readonly string[], options: RunOptions = {}): Terminal {
  const running = start([fixture('terminal'), ...command], {
    timeout: 60_000,
    ...options,
    env: { TERM: 'dumb', PS1: '$ ', ...options.env },
    stdio: ['pipe', 'pipe', 'inherit', 'pipe', 'pipe'],
  })
  let status = ''
  const report = running.child.stdio[3]
  if (report && 'on' in report) report.on('data', (chunk: Buffer) => (status += chunk.toString()))
  const screen = () => running.stdout().replaceAll('\r\n', '\n')
  let seen = 0
  return {
    pid: running.pid,
    type: (text) => void running.child.stdin?.write(text),
    screen,
    bytes: running.stdout,
    resize(columns, rows) {
      const control = running.child.stdio[4]
      if (control && 'write' in control) control.write(`${columns} ${rows}\n`)
    },
    async sees(pattern) {
      const expression = typeof pattern === 'string' ? new RegExp(escaped(pattern)) : pattern
      const match = await until(() => expression.exec(screen().slice(seen)), {
        what: `${expression} on the terminal, which shows:\n${screen()}\n(looking after ${seen})`,
      }).catch((error: Error) => {
        throw new Error(`${error.message}\nnow it shows:\n${screen()}`)
      })
      seen += match.index + match[0].length
      return match[0]
    },
    hangUp: () => void running.child.stdin?.end(),
    ended: running.result.then(() => status.trim()),
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

/** A shell with job control at a terminal, its prompt `$ `. */
export async function shell(options: RunOptions = {}): Promise<Terminal> {
  const session = terminal(['bash', '--norc', '--noprofile', '--noediting', '-i'], options)
  await session.sees('$ ')
  return session
}

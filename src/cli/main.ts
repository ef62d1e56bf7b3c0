/** Where node starts: one subcommand runs, and this file alone ends the process. */
import { exitStatus } from '../errors.ts'
import { Abandoned, Front, launcherFds } from '../launch/front.ts'
import { version } from '../version.ts'
import { errorText, knownError } from './error-text.ts'
import { exec } from './exec/command.ts'
import { execFailureStatus, failureStatus, usageStatus } from './failure-status.ts'
import { noCommand } from './no-command.ts'
import { HelpRequest } from './parse.ts'
import { writeStderr, writeStdout, writeTo } from './standard-streams.ts'
import { usage } from './usage.ts'

/** For stdout; with an exit status where that is not always 0. */
type Printed =
  | string
  | {
      readonly text: string
      readonly status: number
      /** A thread of node's waits for a file, and node would wait for the thread. */
      readonly atOnce?: boolean
    }

type Command = (args: readonly string[]) => Printed | Promise<Printed>

/** Imported when called: exec, which stands in front of every run, shall not wait for them. */
const printing: Readonly<Record<string, () => Promise<Command>>> = {
  // Only as `help exec`: what runs a command comes from main().
  exec: async () => (await import('./exec/options.ts')).execHelp,
  doctor: async () => (await import('./doctor-command.ts')).doctorCommand,
  explain: async () => (await import('./explain-command.ts')).explainCommand,
  // Shown nowhere: what a test process starts that has no minderbinder in front of it (src/own-filter/helper.c).
  join: async () => (await import('./join-command.ts')).joinCommand,
  list: async () => (await import('./list-command.ts')).listCommand,
  // Shown nowhere, either: how the client for Python finds what it loads and starts.
  'own-filter': async () => (await import('./own-filter-command.ts')).ownFilterCommand,
  run: async () => (await import('./run/command.ts')).runCommand,
  serve: async () => (await import('./serve/command.ts')).serveCommand,
}

/** Every command but exec: exit status out. */
async function runPrinting(name: string | undefined, args: readonly string[]): Promise<number> {
  if (name === 'help' && args[0] !== undefined) return runPrinting(args[0], ['--help'])
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    writeStdout(usage())
    return name === undefined ? usageStatus : 0
  }
  if (name === '--version' || name === '-V') {
    writeStdout(`minderbinder ${version()}\n`)
    return 0
  }
  // The prototype's own call: minderbinder --interface IF CONFIG.yaml
  if (name === '--interface' || name.startsWith('--interface='))
    return runPrinting('run', [name, ...args])
  const load = printing[name]
  if (!load) throw noCommand(name, args)
  const command = await load()
  const printed = await command(args)
  const { text, status, atOnce } =
    typeof printed === 'string' ? { text: printed, status: 0, atOnce: false } : printed
  writeStdout(text)
  if (atOnce) await (await import('../kernel/libc.ts')).exitAtOnce(status)
  return status
}

async function main(): Promise<void> {
  const [name, ...args] = process.argv.slice(2)
  const debug = args.includes('--debug')
  if (name !== 'exec') {
    try {
      process.exitCode = await runPrinting(name, args)
    } catch (error) {
      if (error instanceof HelpRequest) return writeStdout(error.text)
      writeStderr(errorText(error, debug))
      process.exitCode = failureStatus(knownError(error).code)
    }
    return
  }
  const front = new Front()
  // A bug in a callback: the supervisor ends the command, and the front cleans up.
  process.on('uncaughtException', (error) => {
    writeStderr(errorText(error, debug))
    front.finish({ kind: 'exit', status: exitStatus.failed })
  })
  try {
    front.finish(await exec(args, front))
  } catch (error) {
    // No reader is left.
    if (error instanceof Abandoned) process.kill(process.pid, 'SIGKILL')
    if (error instanceof HelpRequest) writeTo(launcherFds.stdout, error.text)
    else writeStderr(errorText(error, debug))
    const status = error instanceof HelpRequest ? 0 : execFailureStatus(knownError(error).code)
    front.finish({ kind: 'exit', status })
  }
}

void main()

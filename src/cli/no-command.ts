/** What to say to `minderbinder ls`: its first word is none of our commands. */
import { MinderbinderError } from '../errors.ts'
import { nearest } from '../rules/names/suggest.ts'
import { optionsOf } from './options.ts'

/** @param rest what follows the name */
export function noCommand(name: string, rest: readonly string[]): MinderbinderError {
  const { message, hint } = words(name, rest)
  return new MinderbinderError('MB_USAGE', message, { hint })
}

function words(name: string, rest: readonly string[]): { message: string; hint: string } {
  if (name === '--') return { message: "'exec' is missing before --", hint: howToRun(rest) }
  if (isExecOption(name))
    return {
      message: `'exec' is missing before ${name}`,
      hint: `type minderbinder exec ${typed([name, ...rest])}`,
    }
  const message = `there is no command '${name}'`
  if (name.startsWith('-')) return { message, hint: 'minderbinder --help lists the commands' }
  const near = nearest(name, Object.keys(optionsOf))
  const run = howToRun([name, ...rest])
  return { message, hint: near ? `did you mean ${near}? Or ${run}` : run }
}

/** Most such words are programs: env(1) and strace(1) take them so. */
function howToRun(command: readonly string[]): string {
  const line = command.length === 0 ? 'COMMAND' : typed(command)
  return `to run it under a fault: minderbinder exec --syscall openat=ENOENT -- ${line}`
}

/** As you would type it; short if a shell needs quotes. */
function typed(words: readonly string[]): string {
  const special = words.findIndex((word) => !/^[\w./:=@%+,-]+$/.test(word))
  return special < 0 ? words.join(' ') : [...words.slice(0, special), '...'].join(' ')
}

function isExecOption(word: string): boolean {
  const [flag] = word.split('=', 1)
  return optionsOf.exec!.some(({ flags }) => flags.split(/[ ,]+/).includes(flag!))
}

/** `exec` in a command of `exec --control`: does the session around it do the system call faults? */
import { createConnection } from 'node:net'
import type { Hello, Included } from '../control/messages.ts'
import { reachOf } from '../control/reach.ts'
import { type EngineOption, planEngines } from '../engines/choose.ts'
import { engines } from '../engines/engines.ts'
import type { SupervisedEngine } from '../engines/supervised/notes.ts'
import { MinderbinderError } from '../errors.ts'
import { architecture } from '../kernel/architecture.ts'
import { prefixed } from '../rules/fault-option.ts'
import type { Rule } from '../rules/rule.ts'
import { listNames } from '../rules/words/lists.ts'
import type { CommandPlan } from '../session/plan.ts'
import { ControlClient } from './client.ts'
import { type OuterSession, outerEngine } from './engine.ts'

/** As many names of a reach are shown. */
const NAMES_MAX = 8

/** Of the options of exec. */
interface OuterWish {
  readonly engine: EngineOption
  /** SET; undefined: no --control. */
  readonly control: string | undefined
  readonly includeLoader: boolean
  readonly includeSetuid: boolean
}

const supervised: readonly string[] = ['ptrace', 'seccomp'] satisfies SupervisedEngine[]

export interface OuterPlan {
  readonly planned: Pick<CommandPlan, 'engines' | 'engineInstead'>
  /** What a reader of the summary must know. */
  readonly notes: readonly string[]
}

/**
 * Undefined: there is no such session, or it does not stand in the way of ours.
 *
 * @param path of its control socket
 * @throws {MinderbinderError} it cannot do what is asked
 */
export async function planWithOuter(
  path: string,
  rules: readonly Rule[],
  options: OuterWish,
  command: string,
): Promise<OuterPlan | undefined> {
  const { engine: option, control } = options
  const mayNeed = control !== undefined || rules.some(({ kind }) => kind !== 'drop-net')
  if (!mayNeed || (option !== 'auto' && !supervised.includes(option))) return undefined
  const hello = await greet(path)
  const engine = supervised.find((name) => name === hello?.engine) as SupervisedEngine | undefined
  if (!hello || !engine) return undefined
  checkEngine(option, engine)
  if (control) checkControl(control, hello)
  const outer = outerEngine({ path, engine, hello } satisfies OuterSession)
  const all = [...engines.filter(({ name }) => !supervised.includes(name)), outer]
  const planned = planEngines(rules, all, { option, command })
  const indices = planned.engines.get(outer) ?? []
  checkReach(
    indices.map((index) => rules[index]!),
    hello,
  )
  if (indices.length > 0) checkIncluded(options, hello)
  return { planned, notes: control === undefined ? [] : [ITS_SOCKET] }
}

const ITS_SOCKET =
  '--control: programs of the command use the control socket of the minderbinder around this one'

/** Undefined: nothing listens there any more, or to others only. @throws {MinderbinderError} it turns this process away */
async function greet(path: string): Promise<Hello | undefined> {
  const socket = createConnection(path)
  const client = new ControlClient((text) => socket.write(text))
  try {
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve)
      socket.on('error', reject)
    })
  } catch {
    return undefined
  }
  socket.on('data', (bytes) => client.receive(bytes))
  socket.on('close', () => client.lose(gone(path)))
  try {
    return await client.hello()
  } catch (error) {
    if (!(error instanceof MinderbinderError)) throw error
    const { code, message, hint } = error
    throw new MinderbinderError(code, `the minderbinder around this one: ${message}`, {
      hint: hint ?? 'unset MINDERBINDER_CONTROL, if no exec --control runs this command',
    })
  } finally {
    socket.destroy()
  }
}

function gone(path: string): MinderbinderError {
  return new MinderbinderError('MB_CONTROL', `${path} was closed before it answered`)
}

function checkEngine(option: EngineOption, engine: SupervisedEngine): void {
  if (option === 'auto' || option === engine) return
  throw new MinderbinderError(
    'MB_NO_ENGINE',
    `--engine ${option}: the minderbinder around this one injects by ${engine}, and both cannot be at work`,
    { hint: `leave it out, or start the outer one with --engine ${option}` },
  )
}

function checkControl(set: string, hello: Hello): void {
  let wanted: ReadonlySet<string>
  try {
    wanted = reachOf(set, architecture)
  } catch (error) {
    throw error instanceof MinderbinderError ? prefixed('--control', error) : error
  }
  const beyond = [...wanted].find((name) => !hello.reach.includes(name))
  if (beyond !== undefined) throw beyondReach(`--control=${set}`, beyond, hello)
}

function checkReach(rules: readonly Rule[], hello: Hello): void {
  const reach = new Set(hello.reach)
  for (const rule of rules) {
    const calls = rule.kind === 'syscall' ? rule.syscalls : ['connect']
    const beyond = calls.find((name) => !reach.has(name))
    if (beyond !== undefined) throw beyondReach(rule.source, beyond, hello)
  }
}

function beyondReach(what: string, name: string, { reach }: Hello): MinderbinderError {
  const names = reach.length <= NAMES_MAX ? listNames(reach, 'and') : `${reach.length} system calls`
  return new MinderbinderError(
    'MB_NO_ENGINE',
    `${what}: ${name} is beyond the reach of the minderbinder around this one: ${names}`,
    { hint: `its --control=SET names the reach: --control=${name}` },
  )
}

/** What it spares, it spares for us, too. */
function checkIncluded({ includeLoader, includeSetuid }: OuterWish, { includes }: Hello): void {
  const wanted: [Included, boolean][] = [
    ['loader', includeLoader],
    ['setuid', includeSetuid],
  ]
  for (const [what, isWanted] of wanted)
    if (isWanted && !includes.includes(what))
      throw new MinderbinderError(
        'MB_NO_ENGINE',
        `--include-${what}: the minderbinder around this one was started without it`,
        { hint: `give the outer one --include-${what}, too` },
      )
}

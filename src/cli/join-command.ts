/**
 * `minderbinder join SET SEED`: what a test process starts that has no minderbinder in front of it. It is to that process what
 * `exec --control=SET` is to its command, and ends with it.
 */
import { reachOf } from '../control/reach.ts'
import { ControlServer } from '../control/server.ts'
import { seccomp } from '../engines/supervised/seccomp.ts'
import { MinderbinderError } from '../errors.ts'
import { architecture } from '../kernel/architecture.ts'
import { isJoining, leaveJoining, refuseJoining, startJoinedSupervisor } from '../launch/joining.ts'
import { randomSeed } from '../rules/seed.ts'
import type { CommandPlan } from '../session/plan.ts'
import { runCommand } from '../session/run-command.ts'
import { knownError } from './error-text.ts'
import { parseSeed } from './exec/options.ts'

/** Rules at one time. Each process has counters for all that there may be. */
const RULES_MAX = 256

export async function joinCommand([set = '', seed]: readonly string[]): Promise<string> {
  if (!isJoining())
    throw new MinderbinderError('MB_USAGE', 'join: only the clients for tests start it', {
      hint: 'see docs/testing.md',
    })
  let waits = true
  try {
    await join(set, seed === undefined ? randomSeed() : parseSeed(seed), () => {
      leaveJoining()
      waits = false
    })
  } catch (error) {
    if (waits) refuseJoining(knownError(error))
    throw error
  }
  return ''
}

/** @param onJoined the process has its filter */
async function join(set: string, seed: bigint, onJoined: () => void): Promise<void> {
  const reach = reachOf(set, architecture)
  const plan: CommandPlan = {
    rules: [],
    seed,
    engines: new Map([[seccomp, []]]),
    scope: { capacity: RULES_MAX, reach },
    control: true,
    joins: true,
    argvIndex: 0,
    command: 'the process',
    user: undefined,
    includeLoader: false,
    includeSetuid: false,
  }
  const { supervisor, gone } = await startJoinedSupervisor()
  const home = { supervisor, owner: process.pid, announceCgroup() {} }
  await runCommand(plan, undefined, home, (session) => {
    onJoined()
    new ControlServer(supervisor, 0, {
      ...{ session, seed: plan.seed, reach, reachHint, engine: 'seccomp', includes: [] },
      onRules() {},
    })
  })
  await gone
}

function reachHint(name: string): string {
  return `the first faults of this process fix its reach: give them the option reach, with ${name} in it`
}

/** A command's session from its beginning to its end. */

import { monotonicMs } from '../kernel/monotonic.ts'
import type { Home } from '../launch/home.ts'
import type { ChildEnd } from '../launch/supervisor.ts'
import type { Observer } from '../observe/observer.ts'
import { UndoStack } from '../undo.ts'
import { CommandSession } from './command-session.ts'
import type { CommandPlan } from './plan.ts'
import type { SessionSnapshot } from './session.ts'

export interface CommandResult extends SessionSnapshot {
  /** When the command started, and how long it ran. */
  readonly startedAt: Date
  readonly durationMs: number
  readonly end: ChildEnd
}

/**
 * @param onOpen is given the session before the command runs
 * @throws {MinderbinderError} what keeps the command from running to its end; then nothing is left of it
 */
export async function runCommand(
  plan: CommandPlan,
  observer: Observer | undefined,
  home: Home,
  onOpen: (session: CommandSession) => void = () => {},
): Promise<CommandResult> {
  const session = await CommandSession.open({ ...plan, watched: observer }, home)
  onOpen(session)
  const undo = new UndoStack()
  undo.push(async () => {
    await session.close()
  })
  try {
    if (observer) undo.push(await observer.start(() => session.sample()))
    const [startedAt, before] = [new Date(), monotonicMs()]
    await session.start()
    const end = await session.ended
    const durationMs = monotonicMs() - before
    await undo.run()
    return { ...(await session.close()), end, startedAt, durationMs }
  } catch (error) {
    await undo.run().catch(() => {}) // what went wrong first is what the user must hear of
    throw error
  }
}

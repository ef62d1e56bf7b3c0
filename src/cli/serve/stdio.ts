/** `minderbinder serve --stdio`: serves the process that has started it, until standard input ends. */
import { nameChannel } from '../../control/channel-name.ts'
import { answerLine, errorAnswer } from '../../control/messages.ts'
import { ParentClient } from '../../control/parent-client.ts'
import { UndoStack } from '../../undo.ts'
import { knownError } from '../error-text.ts'
import { failureStatus } from '../failure-status.ts'
import type { ServeOptions } from './options.ts'
import { Ending, mustSeeTheMachine, openSession, serve } from './serving.ts'

/** What keeps it from serving is a line of the protocol: a program reads it. */
export async function serveParent(
  options: ServeOptions,
): Promise<{ text: string; status: number; atOnce?: boolean }> {
  const ending = new Ending()
  const undo = new UndoStack()
  try {
    try {
      await open(options, ending, undo)
      await ending.come()
    } finally {
      await undo.run()
      ending.close()
    }
  } catch (error) {
    const known = knownError(error)
    return { text: answerLine(null, errorAnswer(known)), status: failureStatus(known.code) }
  }
  // A client that reads no more must not keep it.
  return { text: '', status: 0, atOnce: true }
}

async function open(options: ServeOptions, ending: Ending, undo: UndoStack): Promise<void> {
  mustSeeTheMachine()
  const client = await ParentClient.open()
  const channel = await nameChannel()
  const session = await openSession(options, channel ?? '', undo)
  undo.push(() => client.close())
  serve(client, session, options)
  void client.left.then(() => ending.end())
}

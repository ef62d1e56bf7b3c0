/** clients/transcript.jsonl: what clients of the control socket and its server say to each other. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** By its URL, which stays the source's own in what is bundled for a virtual machine (vm-sources.ts). */
export const clientsFolder = fileURLToPath(new URL('../../clients', import.meta.url))

type Message = Readonly<Record<string, unknown>>

/** One line after that which names the conversation. */
export type Step =
  | { readonly client: Message }
  | { readonly server: Message }
  | { readonly opens: string; readonly outcome: string }

export interface Conversation {
  readonly name: string
  readonly steps: readonly Step[]
}

export function readTranscript(): readonly Conversation[] {
  const conversations: { name: string; steps: Step[] }[] = []
  for (const text of readFileSync(join(clientsFolder, 'transcript.jsonl'), 'utf8').split('\n')) {
    if (text === '') continue
    const line = JSON.parse(text)
    if ('conversation' in line) conversations.push({ name: line.conversation, steps: [] })
    else conversations.at(-1)!.steps.push(line)
  }
  return conversations
}

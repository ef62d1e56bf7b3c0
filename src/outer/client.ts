/** The client's end of the protocol: requests and their answers, over any channel. */

import {
  type Answer,
  type EventMessage,
  type Hello,
  PROTOCOL_VERSION,
} from '../control/messages.ts'
import { type ErrorCode, MinderbinderError } from '../errors.ts'

interface Waiter {
  resolve(answer: Answer): void
  reject(error: Error): void
}

export class ControlClient {
  readonly #send: (text: string) => void
  readonly #onEvent: (event: Buffer) => void
  readonly #waiters: Waiter[] = []
  #text: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  #lost: Error | undefined

  /** @param onEvent receives each struct event of the rules for which inject asks for them */
  constructor(send: (text: string) => void, onEvent: (event: Buffer) => void = () => {}) {
    this.#send = send
    this.#onEvent = onEvent
  }

  hello(): Promise<Hello> {
    return this.ask<'hello'>({ type: 'hello', version: PROTOCOL_VERSION })
  }

  /** @throws {MinderbinderError} the server's own error; or what lose() was given */
  async ask<Type extends Answer['type']>(
    request: Readonly<Record<string, unknown>> & { readonly type: string },
  ): Promise<Answer & { type: Type }> {
    if (this.#lost) throw this.#lost
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#waiters.push({ resolve, reject })
      this.#send(`${JSON.stringify(request)}\n`)
    })
    if (answer.type !== 'error') return answer as Answer & { type: Type }
    const { code, message, hint } = answer
    throw new MinderbinderError(code as ErrorCode, message, hint === undefined ? {} : { hint })
  }

  /** Bytes from the server. */
  receive(bytes: Buffer): void {
    this.#text = this.#text.length === 0 ? bytes : Buffer.concat([this.#text, bytes])
    for (let end = this.#text.indexOf(10); end >= 0; end = this.#text.indexOf(10)) {
      const line = this.#text.toString('utf8', 0, end)
      this.#text = this.#text.subarray(end + 1)
      this.#take(JSON.parse(line))
    }
  }

  /** There will be no answers any more. */
  lose(error: Error): void {
    this.#lost ??= error
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#lost)
  }

  /** Answers come in the order of the requests. */
  #take(message: Answer | EventMessage): void {
    if (message.type === 'event') this.#onEvent(Buffer.from(message.event, 'base64'))
    else this.#waiters.shift()?.resolve(message)
  }
}

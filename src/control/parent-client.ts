/** The only client of `serve --stdio`: the process that has started it, at our standard input and output. */
import { closeSync } from 'node:fs'
import type { CallerIdentity } from '../launch/change-frame.ts'
import type { ClientListener } from '../launch/supervisor.ts'
import { type ClientProcess, identityOf, parentProcess } from './client-process.ts'
import { PATIENCE_MS, UNREAD_MAX } from './unread.ts'

const CLIENT = 1

export class ParentClient {
  readonly #process: ClientProcess
  #listener: ClientListener | undefined
  #leave: () => void = () => {}
  /** Resolves when it has gone, its rules too. */
  readonly left = new Promise<void>((resolve) => {
    this.#leave = resolve
  })

  private constructor(process: ClientProcess) {
    this.#process = process
  }

  /** @throws {MinderbinderError} MB_CONTROL */
  static async open(): Promise<ParentClient> {
    return new ParentClient(await parentProcess(0))
  }

  /** It is heard from here on. */
  onClients(listener: ClientListener): void {
    this.#listener = listener
    listener.opened(CLIENT, this.#process.pid)
    process.stdout.on('error', () => this.#end()) // it reads no more
    process.stdin.on('data', (bytes) => listener.said(CLIENT, bytes))
    for (const end of ['end', 'close', 'error']) process.stdin.on(end, () => this.#end())
  }

  sendToClient(_client: number, text: string): void {
    process.stdout.write(text)
    if (process.stdout.writableLength > UNREAD_MAX) this.#end()
  }

  /** As sendToClient(), but if it has something to read yet, it goes without. */
  offerToClient(client: number, text: string): void {
    if (process.stdout.writableLength === 0) this.sendToClient(client, text)
  }

  forgetClient(_client: number): void {
    process.stdin.destroy()
    this.#leave()
  }

  /** @throws {MinderbinderError} it has ended */
  identify(_client: number): CallerIdentity {
    return identityOf(this.#process)
  }

  /** It is gone, and what it has asked for is lifted, when it resolves; it may have read its last answers. */
  async close(): Promise<void> {
    this.#end()
    if (this.#listener) await this.left
    closeSync(this.#process.pidfd)
    await flushed()
  }

  #end(): void {
    this.#listener?.closed(CLIENT)
  }
}

/** All that was sent is on its way, or the client does not read it. */
function flushed(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, PATIENCE_MS)
    process.stdout.write('', () => resolve()) // after what was written before
  })
}

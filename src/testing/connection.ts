/** The client's end of a connection to a server: requests and their answers, and whether it is still there. */
import { createConnection, type Socket } from 'node:net'
import type { Answer, Hello } from '../control/messages.ts'
import { type ErrorCode, MinderbinderError } from '../errors.ts'

type Request = Readonly<Record<string, unknown>> & { readonly type: string }

/** Both may be one socket. */
export interface Streams {
  readonly input: Socket
  readonly output: Socket
}

interface Waiter {
  resolve(answer: Answer): void
  reject(error: Error): void
}

/** Of PROTOCOL_VERSION (src/control/messages.ts), which the server refuses to mix with another. */
const VERSION = 1

export class Connection {
  readonly hello: Hello
  readonly #line: Line

  private constructor(line: Line, hello: Hello) {
    this.#line = line
    this.hello = hello
  }

  /**
   * To the control socket at a path.
   *
   * @param whyLost for the hint, if the connection is closed or cannot be made
   * @throws {MinderbinderError} MB_CONTROL
   */
  static async open(path: string, whyLost: string): Promise<Connection> {
    const socket = await connected(path, whyLost)
    return Connection.over({ input: socket, output: socket }, whyLost)
  }

  /** To a server that is at the other end already. @throws {MinderbinderError} MB_CONTROL, or why it does not serve */
  static async over(streams: Streams, whyLost: string): Promise<Connection> {
    const line = new Line(streams, whyLost)
    try {
      const hello = await line.ask({ type: 'hello', version: VERSION })
      return new Connection(line, hello as Hello)
    } catch (error) {
      line.close()
      throw error
    }
  }

  /** The server is gone: ask() fails from here on. */
  get isLost(): boolean {
    return this.#line.isLost
  }

  /** @throws {MinderbinderError} the server's own error, or MB_CONTROL: it is gone */
  ask<Type extends Answer['type']>(request: Request): Promise<Answer & { type: Type }> {
    return this.#line.ask(request) as Promise<Answer & { type: Type }>
  }

  close(): void {
    this.#line.close()
  }

  /** Another one gets the streams: ask() fails from here on. */
  release(): void {
    this.#line.release()
  }
}

/** Answers come in the order of the requests. This process may end while no answer is due. */
class Line {
  readonly #streams: Streams
  readonly #waiters: Waiter[] = []
  readonly #whyLost: string
  readonly #onText = (text: string) => this.#receive(text)
  readonly #onClose = () => this.#lose()
  #text = ''
  #lost: Error | undefined

  constructor(streams: Streams, whyLost: string) {
    const { input, output } = streams
    this.#streams = streams
    this.#whyLost = whyLost
    input.setEncoding('utf8')
    input.on('data', this.#onText)
    for (const each of [input, output]) each.on('error', () => {}).on('close', this.#onClose)
  }

  get isLost(): boolean {
    return this.#lost !== undefined
  }

  async ask(request: Request): Promise<Answer> {
    if (this.#lost) throw this.#lost
    const { input, output } = this.#streams
    input.ref()
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#waiters.push({ resolve, reject })
      output.write(`${JSON.stringify(request)}\n`)
    })
    if (answer.type !== 'error') return answer
    const { code, message, hint } = answer
    throw new MinderbinderError(code as ErrorCode, message, hint === undefined ? {} : { hint })
  }

  close(): void {
    this.#streams.input.destroy()
    this.#streams.output.destroy()
  }

  release(): void {
    const { input, output } = this.#streams
    input.off('data', this.#onText)
    for (const each of [input, output]) each.off('close', this.#onClose)
    this.#lose()
  }

  #receive(text: string): void {
    this.#text += text
    const lines = this.#text.split('\n')
    this.#text = lines.pop() ?? ''
    for (const line of lines) this.#waiters.shift()?.resolve(JSON.parse(line))
    if (this.#waiters.length === 0) this.#streams.input.unref()
  }

  #lose(): void {
    this.#lost ??= new MinderbinderError('MB_CONTROL', 'minderbinder has closed the connection', {
      hint: this.#whyLost,
    })
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#lost)
  }
}

function connected(path: string, whyLost: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path)
    socket.on('error', (error) => reject(unreachable(path, whyLost, error))) // of no use later: 'close' follows
    socket.once('connect', () => resolve(socket))
  })
}

const notYours =
  "the socket is another user's, or its group's, which you are not in (see minderbinder serve --group)"

function unreachable(path: string, hint: string, cause: Error): MinderbinderError {
  const message = `cannot connect to ${path}: ${cause.message}`
  const isForbidden = (cause as NodeJS.ErrnoException).code === 'EACCES'
  return new MinderbinderError('MB_CONTROL', message, {
    hint: isForbidden ? notYours : hint,
    cause,
  })
}

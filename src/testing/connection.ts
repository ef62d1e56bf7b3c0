/** The client's end of the control socket: requests and their answers, and whether it is still there. */
import { createConnection, type Socket } from 'node:net'
import type { Answer, Hello } from '../control/messages.ts'
import { type ErrorCode, MinderbinderError } from '../errors.ts'

type Request = Readonly<Record<string, unknown>> & { readonly type: string }

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
   * @param whyLost for the hint, if the socket is closed or cannot be connected to
   * @throws {MinderbinderError} MB_CONTROL
   */
  static async open(path: string, whyLost: string): Promise<Connection> {
    const line = await Line.open(path, whyLost)
    const hello = await line.ask({ type: 'hello', version: VERSION })
    return new Connection(line, hello as Hello)
  }

  /** @throws {MinderbinderError} the server's own error, or MB_CONTROL: it is gone */
  ask<Type extends Answer['type']>(request: Request): Promise<Answer & { type: Type }> {
    return this.#line.ask(request) as Promise<Answer & { type: Type }>
  }

  close(): void {
    this.#line.close()
  }
}

/** Answers come in the order of the requests. This process may end while no answer is due. */
class Line {
  readonly #socket: Socket
  readonly #waiters: Waiter[] = []
  readonly #whyLost: string
  #text = ''
  #lost: Error | undefined

  private constructor(socket: Socket, whyLost: string) {
    this.#socket = socket
    this.#whyLost = whyLost
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => this.#receive(text))
    socket.on('close', () => this.#lose())
  }

  static open(path: string, whyLost: string): Promise<Line> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(path)
      socket.on('error', (error) => reject(unreachable(path, whyLost, error))) // of no use later: 'close' follows
      socket.once('connect', () => resolve(new Line(socket, whyLost)))
    })
  }

  async ask(request: Request): Promise<Answer> {
    if (this.#lost) throw this.#lost
    this.#socket.ref()
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#waiters.push({ resolve, reject })
      this.#socket.write(`${JSON.stringify(request)}\n`)
    })
    if (answer.type !== 'error') return answer
    const { code, message, hint } = answer
    throw new MinderbinderError(code as ErrorCode, message, hint === undefined ? {} : { hint })
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(text: string): void {
    this.#text += text
    const lines = this.#text.split('\n')
    this.#text = lines.pop() ?? ''
    for (const line of lines) this.#waiters.shift()?.resolve(JSON.parse(line))
    if (this.#waiters.length === 0) this.#socket.unref()
  }

  #lose(): void {
    this.#lost = new MinderbinderError('MB_CONTROL', 'minderbinder has closed the control socket', {
      hint: this.#whyLost,
    })
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#lost)
  }
}

function unreachable(path: string, hint: string, cause: Error): MinderbinderError {
  const message = `cannot connect to ${path}: ${cause.message}`
  return new MinderbinderError('MB_CONTROL', message, { hint, cause })
}

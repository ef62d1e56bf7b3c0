/** A program in C at the other end of a pipe; its source says what it understands. */
import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** Asks its questions and gets its answers, one line each. */
export class Driver {
  private readonly child: ChildProcessWithoutNullStreams
  private readonly answers: AsyncIterator<string>
  private readonly closed: Promise<unknown>
  private stderr = ''

  constructor(program: string, environment: NodeJS.ProcessEnv = {}) {
    this.child = spawn(program, [], { env: { ...process.env, ...environment } })
    this.child.stderr.on('data', (data) => {
      this.stderr += data
    })
    this.closed = new Promise((resolve) => this.child.once('close', resolve))
    this.answers = createInterface(this.child.stdout)[Symbol.asyncIterator]()
  }

  async ask(command: string): Promise<string> {
    this.child.stdin.write(`${command}\n`)
    const { value, done } = await this.answers.next()
    if (!done) return value
    await this.closed
    const { exitCode, signalCode } = this.child
    throw new Error(`the driver ended (${signalCode ?? exitCode}): ${this.stderr}`)
  }

  async end(): Promise<void> {
    this.child.stdin.end()
    await this.closed
    assert.equal(this.child.exitCode, 0, this.stderr)
    assert.equal(this.stderr, '')
  }
}

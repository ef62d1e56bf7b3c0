/**
 * Attaches at interfaces that come up while rules are in force. If that fails, it reports so, tries again until it works
 * or the interface is gone, and notes it at the end.
 */
import { type Interface, listInterfaces } from '../../kernel/network/interfaces.ts'

export interface AttachFailure {
  readonly link: Interface
  readonly error: Error
}

/**
 * Attaches at interfaces that have come, and forgets those that have gone.
 *
 * @param deleted indices freed since the last update: an interface that has one now is another
 * @returns where it failed
 */
export type AttachUpdate = (
  interfaces: readonly Interface[],
  deleted?: ReadonlySet<number>,
) => Promise<readonly AttachFailure[]>

interface Trouble {
  /** How often attaching failed. */
  tries: number
  /** Why, the last time. */
  why: string
  ended: 'not yet' | 'attached' | 'gone'
}

const RETRY_MS = 1_000
/** How many interfaces to report one by one: containers come and go, each with another name. */
const TOLD_MAX = 10

export class LateAttachments {
  readonly #update: AttachUpdate
  readonly #onNotice: ((text: string) => void) | undefined
  /** By name. */
  readonly #troubles = new Map<string, Trouble>()
  /** How many more there were. */
  #untold = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(update: AttachUpdate, onNotice: ((text: string) => void) | undefined) {
    this.#update = update
    this.#onNotice = onNotice
  }

  async follow(interfaces: readonly Interface[], deleted?: ReadonlySet<number>): Promise<void> {
    if (this.#closed) return
    const failures = await this.#update(interfaces, deleted)
    if (this.#closed) return
    const failed = new Map(failures.map((each) => [each.link.name, each.error]))
    for (const [name, error] of failed) this.#failed(name, error.message)
    for (const [name, trouble] of this.#troubles) {
      if (trouble.ended !== 'not yet' || failed.has(name)) continue
      const isUp = interfaces.some((each) => each.name === name && each.up)
      trouble.ended = isUp ? 'attached' : 'gone'
      if (isUp) this.#onNotice?.(`interface ${name}: attached now, packets are lost there, too`)
    }
    clearTimeout(this.#timer)
    if (failures.length === 0) return
    this.#timer = setTimeout(() => this.#again(), RETRY_MS)
    this.#timer.unref()
  }

  /** What a reader of the summary must know. */
  notes(): string[] {
    const lines = [...this.#troubles].map(([name, { tries, why, ended }]) => {
      const often = tries === 1 ? 'once' : `${tries} times`
      return ended === 'attached'
        ? `interface ${name} came up, and attaching there failed ${often} before it worked: no packet was lost there until then`
        : `interface ${name} came up, and attaching there failed ${often}: no packet was lost there: ${why}`
    })
    if (this.#untold > 0) lines.push(`attaching failed at ${this.#untold} more interfaces`)
    return lines
  }

  /** The ended ones have been reported: notes() starts again. */
  forgetEnded(): void {
    this.#untold = 0
    for (const [name, { ended }] of this.#troubles)
      if (ended !== 'not yet') this.#troubles.delete(name)
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #failed(name: string, why: string): void {
    const known = this.#troubles.get(name)
    if (known?.ended === 'not yet') {
      known.tries++
      known.why = why
      return
    }
    if (!known && this.#troubles.size >= TOLD_MAX) {
      this.#untold++
      return
    }
    this.#troubles.set(name, { tries: (known?.tries ?? 0) + 1, why, ended: 'not yet' })
    this.#onNotice?.(`interface ${name} came up, but no packet is lost there yet: ${why}`)
  }

  #again(): void {
    listInterfaces().then(
      (all) => this.follow(all),
      () => {
        if (!this.#closed) this.#timer = setTimeout(() => this.#again(), RETRY_MS).unref()
      },
    )
  }
}

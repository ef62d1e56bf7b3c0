/** A loaded bpf/network.bpf.o and what of it is attached, for all sets of rules that it serves. */
import { type Interface, listInterfaces, watchInterfaces } from '../../kernel/network/interfaces.ts'
import { type AttachUpdate, LateAttachments } from './late-attachments.ts'
import type { NetworkObject } from './object.ts'
import type { PlacedRules } from './placed-rules.ts'
import type { Tallies } from './settings.ts'

export interface NetworkPrograms {
  /** Absent if nothing is attached at interfaces. */
  readonly update?: AttachUpdate
  /** Attaches what is at no interface. */
  attach(): Promise<void>
  /** From all of it; ends when no program runs that began before. Idempotent. */
  detach(): Promise<void>
}

/** What happened to packets and sockets, in addition to the rules' counts. */
type Told = Pick<Tallies, 'lostEvents' | 'untagged' | 'copied'>

export class Attachment {
  readonly network: NetworkObject
  readonly #programs: NetworkPrograms
  readonly #late: LateAttachments | undefined
  /** The set that began first in front. */
  readonly #sets: PlacedRules[] = []
  /** Of sets that have ended. */
  #told: Told = { lostEvents: 0n, untagged: 0n, copied: 0n }
  #unwatch: (() => void) | undefined
  #detached = false

  constructor(
    network: NetworkObject,
    programs: NetworkPrograms,
    onNotice: ((text: string) => void) | undefined,
  ) {
    this.network = network
    this.#programs = programs
    this.#late = programs.update && new LateAttachments(programs.update, onNotice)
  }

  /** It no longer serves a set, and will serve no other. */
  get detached(): boolean {
    return this.#detached
  }

  /**
   * Interfaces are followed for these rules, too. If it throws, end() has to follow all the same.
   *
   * @returns what ends when every fault can happen: the kernel takes its time at each interface
   */
  async begin(placed: PlacedRules): Promise<{ readonly ready: Promise<void> | undefined }> {
    this.#sets.push(placed)
    // First: what waits at interfaces takes the threads that this would need.
    if (this.#sets.length === 1) await this.#programs.attach()
    const { update } = this.#programs
    if (!update && !placed.namesInterfaces) return { ready: undefined }
    this.#unwatch ??= await watchInterfaces((all, deleted) => this.#follow(all, deleted))
    const now = await listInterfaces()
    placed.follow(now)
    const ready = update?.(now).then(([failure]) => {
      if (failure) throw failure.error
    })
    ready?.catch(() => {}) // the caller hears of it, if the session gets there
    return { ready }
  }

  /** From here on these rules decide nothing; the last ones take everything off. Idempotent. */
  async lift(placed: PlacedRules): Promise<void> {
    if (!this.#sets.includes(placed)) return
    placed.lift()
    if (this.#sets.every(({ lifted }) => lifted)) {
      this.#detached = true
      this.#unwatch?.()
      this.#unwatch = undefined
      this.#late?.close()
      this.network.end()
      await this.#programs.detach()
    }
    await this.network.settled()
  }

  /** Since the sets before ended. */
  tallied(): Told {
    const { lostEvents, untagged, copied } = this.network.tallies()
    return {
      lostEvents: lostEvents - this.#told.lostEvents,
      untagged: untagged - this.#told.untagged,
      copied: copied - this.#told.copied,
    }
  }

  /** What a reader of the summary must know. */
  notes(): string[] {
    const { untagged, copied } = this.tallied()
    return [
      ...(untagged > 0n
        ? [
            `${untagged} sockets of targets bypassed the rules: the kernel had no memory to tag them`,
          ]
        : []),
      ...(copied > 0n
        ? [
            `${copied} of the packets that were lost went to a multicast or broadcast address: programs on this machine may have received their copies`,
          ]
        : []),
      ...(this.#late?.notes() ?? []),
    ]
  }

  /** Lifts what is not lifted; the last set to end closes the object. Idempotent. */
  async end(placed: PlacedRules): Promise<void> {
    await this.lift(placed)
    const at = this.#sets.indexOf(placed)
    if (at < 0) return
    placed.close()
    // Where it was the first one, those that follow go on from here; else it has never been in force.
    if (at === 0 && this.#sets.length > 1) {
      this.#told = this.network.tallies()
      this.#late?.forgetEnded()
    }
    this.#sets.splice(at, 1)
    if (this.#sets.length === 0) this.network.close()
  }

  #follow(interfaces: readonly Interface[], deleted: ReadonlySet<number>): void {
    for (const placed of this.#sets) if (!placed.lifted) placed.follow(interfaces, deleted)
    void this.#late?.follow(interfaces, deleted)
  }
}

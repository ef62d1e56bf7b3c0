/**
 * One program on the egress side of many interfaces, those that come up later included: by tcx link, or by
 * clsact filter before Linux 6.6. Interfaces that are down send nothing, and attaching costs a grace period
 * each, so those wait until they are up.
 */
import { close as closeFile } from 'node:fs'
import { promisify } from 'node:util'
import { MinderbinderError } from '../../errors.ts'
import { attachTypes, createLink, LinkError, linkedInterface } from '../../kernel/bpf/link.ts'
import { attachClsact } from '../../kernel/network/clsact.ts'
import type { Interface } from '../../kernel/network/interfaces.ts'
import { isTurnedOff } from '../../kernel/no-feature.ts'
import type { AttachFailure } from './late-attachments.ts'

interface Detach {
  (): Promise<void>
  /** Descriptor of the link, which ends with it, however this process ends. Without it: it is a filter. */
  readonly link?: number
}

const EPERM = 1
const ENODEV = 19
const EINVAL = 22

const closeLink = promisify(closeFile)

interface Attachment {
  readonly program: number
  readonly detach: Promise<Detach>
}

export class EgressAttachments {
  #programFor: (each: Interface) => number | undefined
  /** By interface index; what is under way counts. */
  readonly #attached = new Map<number, Attachment>()
  /** Ends when what resume() found attached is known to be so. */
  #checked: Promise<void> = Promise.resolve()
  #closed = false

  /** @param programFor the descriptor of what belongs to an interface; undefined: nothing */
  constructor(programFor: (each: Interface) => number | undefined) {
    this.#programFor = programFor
  }

  /**
   * Ends when every interface that is up has its program, or could not have it, and no other. Where it failed, the
   * next update tries again.
   *
   * @param deleted indices freed since the last update: an interface that has one now is another
   */
  async update(
    interfaces: readonly Interface[],
    deleted: ReadonlySet<number> = new Set(),
  ): Promise<AttachFailure[]> {
    await this.#checked
    if (this.#closed) return []
    const programs = new Map(interfaces.map((each) => [each.index, this.#programFor(each)]))
    for (const [index, { program, detach }] of this.#attached) {
      if (programs.get(index) === program && !deleted.has(index)) continue
      this.#attached.delete(index)
      void detach.then((now) => now()).catch(() => {})
    }
    const failures: AttachFailure[] = []
    const all = interfaces.map(async (link) => {
      const program = programs.get(link.index)
      if (!link.up || program === undefined) return
      const attachment = this.#attached.get(link.index) ?? {
        program,
        detach: attachTo(link, program),
      }
      this.#attached.set(link.index, attachment)
      try {
        await attachment.detach
      } catch (error) {
        if (this.#attached.get(link.index) === attachment) this.#attached.delete(link.index)
        failures.push({ link, error: error as Error })
      }
    })
    await Promise.all(all)
    return failures
  }

  /**
   * Follows nothing until resume(). Links stay; filters are taken off, because they do not end with this
   * process.
   */
  async pause(): Promise<void> {
    this.#closed = true
    for (const [index, { detach }] of [...this.#attached]) {
      const now = await detach.catch(() => undefined)
      if (now?.link !== undefined) continue
      this.#attached.delete(index)
      await now?.()
    }
  }

  /** @param programFor as for a new one */
  resume(programFor: (each: Interface) => number | undefined): void {
    this.#programFor = programFor
    this.#closed = false
    this.#checked = this.#forgetGone()
    this.#checked.catch(() => {}) // update() tells
  }

  /** An interface that has gone took its link along; another may have its index. */
  async #forgetGone(): Promise<void> {
    for (const [index, { detach }] of [...this.#attached]) {
      const now = await detach
      if (now.link !== undefined && (await linkedInterface(now.link)) === index) continue
      this.#attached.delete(index)
      void now().catch(() => {})
    }
  }

  /**
   * Ends when no program runs that began before. The kernel takes links off one after the other, each with a grace
   * period of RCU, which waits for programs everywhere: so one is enough. The others end before this process does,
   * even if it is killed: a close(2) that is under way, and those of exit(2), are not left half done.
   *
   * Idempotent.
   */
  async close(): Promise<void> {
    this.#closed = true
    const attached = [...this.#attached.values()].map(({ detach }) => detach)
    this.#attached.clear()
    const results = await Promise.allSettled(attached)
    const detaches = results.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    const links = detaches.filter(({ link }) => link !== undefined)
    const filters = detaches.filter(({ link }) => link === undefined)
    const closing = links.map((detach) => detach())
    await Promise.all(filters.map((detach) => detach()))
    if (closing.length > 0) await Promise.race(closing)
  }
}

async function attachTo(link: Interface, program: number): Promise<Detach> {
  if (isTurnedOff('tcx')) return attachClsact(link, program)
  try {
    const fd = await createLink(program, link.index, attachTypes.tcxEgress)
    return Object.assign(() => closeLink(fd), { link: fd })
  } catch (error) {
    if (!(error instanceof LinkError)) throw error
    // Before Linux 6.6 there is no such attach type.
    if (error.errno === EINVAL) return attachClsact(link, program)
    if (error.errno === ENODEV) return async () => {} // gone in the meantime
    const code = error.errno === EPERM ? 'MB_NO_PERMISSION' : 'MB_ATTACH'
    const message = `the program does not attach to interface ${link.name}: ${error.message}`
    const hint = 'network faults need root (CAP_BPF, CAP_NET_ADMIN): try sudo minderbinder …'
    throw new MinderbinderError(code, message, { hint, cause: error })
  }
}

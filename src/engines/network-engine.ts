/** The programs of bpf/network.bpf.c at work: what tc and cgroup have in common. */
import { type Interface, listInterfaces, watchInterfaces } from '../kernel/interfaces.ts'
import type { AttachedEngine } from './engine.ts'
import type { NetworkObject } from './network-object.ts'

export interface NetworkPrograms {
  /** Sockets are tagged with whose they are. */
  readonly tagging: boolean
  /**
   * Attaches at interfaces that have come, and forgets those that have gone; left out where nothing is attached there.
   *
   * @param deleted indices that were given back since the last time: who has one now is another
   */
  readonly update?: (
    interfaces: readonly Interface[],
    deleted?: ReadonlySet<number>,
  ) => Promise<void>
  /** Attaches what is at no interface. */
  attach(): Promise<void>
  /** From all of it. Idempotent. */
  detach(): Promise<void>
}

/** Everything or nothing; `network` is closed with it. @throws what `update` and `attach` throw */
export async function startNetwork(
  network: NetworkObject,
  { tagging, update, attach, detach }: NetworkPrograms,
): Promise<AttachedEngine> {
  let unwatch = () => {}
  const lift = async () => {
    unwatch()
    unwatch = () => {}
    await detach()
  }
  const close = async () => {
    await lift()
    network.close()
  }
  try {
    if (update || network.namesInterfaces) {
      unwatch = await watchInterfaces((all, deleted) => {
        network.follow(all, deleted)
        // A failure has no one to tell: the run has begun, and the interface may be gone.
        update?.(all, deleted).catch(() => {})
      })
      const now = await listInterfaces()
      network.follow(now)
      await update?.(now)
    }
    await attach()
  } catch (error) {
    await close()
    throw error
  }
  return {
    start: () => network.start(),
    lift,
    counts: async () => network.counts(),
    lostEvents: () => network.lostEvents(),
    notes: () => network.notes(),
    ...(tagging && { adopt: (target) => network.adopt(target) }),
    close,
  }
}

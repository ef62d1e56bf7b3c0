/** The programs of bpf/network.bpf.c at work: what tc and cgroup have in common. */
import { listInterfaces, watchInterfaces } from '../../kernel/network/interfaces.ts'
import type { AttachedEngine, EngineContext } from '../engine.ts'
import { type AttachUpdate, LateAttachments } from './late-attachments.ts'
import type { NetworkObject } from './object.ts'

export interface NetworkPrograms {
  /** Sockets are tagged with whose they are. */
  readonly tagging: boolean
  /** Left out where nothing is attached at interfaces. */
  readonly update?: AttachUpdate
  /** Attaches what is at no interface. */
  attach(): Promise<void>
  /** From all of it; ends when no program runs that began before. Idempotent. */
  detach(): Promise<void>
}

/**
 * Everything or nothing; `network` is closed with it. What comes of `update` is heard by ready(): the kernel takes its
 * time at each interface, in which the child can be staged.
 *
 * @throws what `attach` throws
 */
export async function startNetwork(
  { onNotice }: EngineContext,
  network: NetworkObject,
  { tagging, update, attach, detach }: NetworkPrograms,
): Promise<AttachedEngine> {
  const late = update && new LateAttachments(update, onNotice)
  let unwatch = () => {}
  const lift = async () => {
    unwatch()
    unwatch = () => {}
    late?.close()
    network.lift()
    await detach()
  }
  const close = async () => {
    await lift()
    network.close()
  }
  let updated: Promise<void> | undefined
  try {
    // First: what waits at interfaces takes the threads that this would need.
    await attach()
    if (update || network.namesInterfaces) {
      unwatch = await watchInterfaces((all, deleted) => {
        network.follow(all, deleted)
        void late?.follow(all, deleted)
      })
      const now = await listInterfaces()
      network.follow(now)
      updated = update?.(now).then(([failure]) => {
        if (failure) throw failure.error
      })
      updated?.catch(() => {}) // ready() tells, if the session gets there
    }
  } catch (error) {
    await close()
    throw error
  }
  return {
    ready: async () => updated,
    start: () => network.start(),
    lift,
    snapshot: async () => ({
      counts: network.counts(),
      lostEvents: network.lostEvents(),
      notes: [...network.notes(), ...(late?.notes() ?? [])],
    }),
    ...(tagging && { adopt: (target) => network.adopt(target) }),
    close,
  }
}

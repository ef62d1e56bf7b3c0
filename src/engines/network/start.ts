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
  /** From all of it. Idempotent. */
  detach(): Promise<void>
}

/** Everything or nothing; `network` is closed with it. @throws why `update` failed, and what `attach` throws */
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
        void late?.follow(all, deleted)
      })
      const now = await listInterfaces()
      network.follow(now)
      const failure = (await update?.(now))?.[0]
      if (failure) throw failure.error
    }
    await attach()
  } catch (error) {
    await close()
    throw error
  }
  return {
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

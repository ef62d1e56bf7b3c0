/**
 * Objects of bpf/network.bpf.o in the kernel. Loading one takes the verifier longer than many commands run, and attaching
 * it at an interface waits for a grace period. So this keeps one that a run is done with for a moment, for the next run of
 * this process that loads the same. It holds descriptors only, and ends with this process, however that ends.
 *
 * Kept ones stay attached at interfaces: taking them off and putting them on again takes the time of several runs. They
 * have no rule and no cgroup, so that each packet passes after one comparison.
 */
import type { BpfObject } from '../../kernel/bpf/object.ts'
import { gracePeriod } from '../../kernel/grace-period.ts'
import type { EgressAttachments } from './tc-attach.ts'

export interface LoadedNetwork {
  readonly object: BpfObject
  /** What is attached at interfaces. */
  egress?: EgressAttachments
}

/** Of all kinds together: as many as runs at once, and those that wait for their grace period. */
const KEPT_MAX = 8
const KEPT_MS = 1_000

interface Idle {
  readonly kind: string
  readonly loaded: LoadedNetwork
  readonly timer: NodeJS.Timeout
}

const idle: Idle[] = []
/** So many wait until no program runs that the last run was decided by. */
let resting = 0

/** The one that was used last, if one is idle: from then on the caller's. */
export function takeLoaded(kind: string): LoadedNetwork | undefined {
  const found = idle.findLast((each) => each.kind === kind)
  if (!found) return undefined
  drop(found)
  return found.loaded
}

/** It has no rule in force, and no link but those at interfaces. */
export function keepLoaded(kind: string, loaded: LoadedNetwork): void {
  if (resting + idle.length >= KEPT_MAX) {
    void closeLoaded(loaded)
    return
  }
  resting += 1
  gracePeriod().then((over) => {
    resting -= 1
    if (!over) {
      void closeLoaded(loaded)
      return
    }
    const timer = setTimeout(() => {
      drop(entry)
      void closeLoaded(loaded)
    }, KEPT_MS)
    timer.unref()
    const entry = { kind, loaded, timer }
    idle.push(entry)
  })
}

/** Ends when it is off the interfaces; the object is closed at once. */
export async function closeLoaded({ object, egress }: LoadedNetwork): Promise<void> {
  const closing = egress?.close()
  object.close()
  await closing
}

function drop(entry: Idle): void {
  clearTimeout(entry.timer)
  idle.splice(idle.indexOf(entry), 1)
}

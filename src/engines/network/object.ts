/** bpf/network.bpf.o, loaded for some rules of a plan: what the tc and the cgroup engine have in common. */
import { architecture } from '../../kernel/architecture.ts'
import { aim } from '../../kernel/bpf/aim.ts'
import { type RingReader, readEvents } from '../../kernel/bpf/events.ts'
import { readBpfObject } from '../../kernel/bpf/file.ts'
import { BpfObject } from '../../kernel/bpf/object.ts'
import { testRun } from '../../kernel/bpf/test-run.ts'
import { bootTime, loadLibc } from '../../kernel/libc.ts'
import { type Interface, interfaceIndex } from '../../kernel/network/interfaces.ts'
import { ownNetworkNamespace } from '../../kernel/network/socket-namespace.ts'
import {
  decodeCounts,
  encodeRules,
  RULE_COUNTS_SIZE,
  RULE_SIZE,
  ruleOffsets,
} from '../../rules/encode.ts'
import type { RuleCounts } from '../../rules/rule.ts'
import { tagSockets } from '../../targets/sockets.ts'
import type { TargetEntry } from '../../targets/target.ts'
import type { EngineContext } from '../engine.ts'
import { NamedInterfaces } from './named-interfaces.ts'
import { OutOfReach } from './out-of-reach.ts'
import { type NetworkRules, type NetworkScope, Session, settingsOf } from './settings.ts'

/** Programs of bpf/network.bpf.c. */
export type NetworkProgram =
  | 'mb_drop_out'
  | 'mb_drop_port'
  | 'mb_drop_in'
  | 'mb_connect4'
  | 'mb_connect6'
  | 'mb_tag_socket'

const EVENT_BUFFER = 1024 * 1024
/** A ring buffer has at least a page, which on arm64 may be 64 KiB. */
const NO_EVENT_BUFFER = 64 * 1024

export class NetworkObject {
  readonly #object: BpfObject
  readonly #indices: readonly number[]
  readonly #session: Session
  readonly #named: NamedInterfaces
  readonly #outOfReach: OutOfReach
  readonly #netns: bigint
  #events: RingReader | undefined
  #counts: Map<number, RuleCounts> | undefined
  #lost: bigint | undefined
  #untagged: bigint | undefined
  #copied: bigint | undefined

  private constructor(
    object: BpfObject,
    context: EngineContext,
    indices: readonly number[],
    { session, named, netns }: { session: Session; named: NamedInterfaces; netns: bigint },
  ) {
    this.#object = object
    this.#indices = indices
    this.#session = session
    this.#named = named
    this.#outOfReach = new OutOfReach(object, context, indices)
    this.#netns = netns
  }

  /**
   * @param interfaces those that there are, of which rules may name some
   * @throws {MinderbinderError} MB_LIBBPF, MB_NO_PERMISSION, MB_ATTACH, MB_INTERFACE
   */
  static async load(
    context: EngineContext,
    rules: NetworkRules,
    programs: readonly NetworkProgram[],
    interfaces: readonly Interface[],
  ): Promise<NetworkObject> {
    const table = encodeRules(context.rules, {
      arch: architecture,
      interfaceIndex: (name) => interfaceIndex(interfaces, name),
    })
    const row = (index: number) => table.subarray(index * RULE_SIZE, (index + 1) * RULE_SIZE)
    const indices = [...rules.dropOut, ...rules.dropIn, ...rules.refuse]
    const targeted = indices.some((index) => context.rules[index]?.targets !== undefined)
    const targets = targeted ? await context.targets?.() : undefined
    await loadLibc() // start() is not asynchronous
    const netns = await ownNetworkNamespace()
    const object = await BpfObject.load(readBpfObject('network'), {
      name: 'network',
      purpose: 'network faults',
      programs: [...programs, 'mb_level'],
      maxEntries: {
        rules: context.rules.length,
        counts: context.rules.length,
        events: context.onEvent ? EVENT_BUFFER : NO_EVENT_BUFFER,
      },
      ...(targets && { reuse: { targets: targets.map, turn: targets.turnMap } }),
      rodata: settingsOf(rules, scopeOf(context, indices, { turn: targets?.turn ?? 0, netns }), {
        rules: context.rules,
        seed: context.seed,
        wantsEvents: context.onEvent !== undefined,
      }),
    })
    const session = new Session(object)
    const named = new NamedInterfaces(context.rules, indices, interfaces, {
      write(rule, ifindex) {
        row(rule).writeUInt32LE(ifindex, ruleOffsets.ifindex)
        object.update('rules', rule, row(rule))
      },
      label: (rule) => context.rules[rule]?.label ?? '',
      onNotice: context.onNotice,
    })
    const network = new NetworkObject(object, context, indices, { session, named, netns })
    try {
      for (const index of indices) object.update('rules', index, row(index))
      if (context.cgroup)
        await aim(
          context.cgroup,
          (id, level) => session.setTarget(id, level),
          // The socket that belongs to a test run of a program is in the cgroup of its caller.
          () => testRun(object.program('mb_level')),
        )
      if (context.onEvent) network.#events = await readEvents(object.map('events'), context.onEvent)
      return network
    } catch (error) {
      network.close()
      throw error
    }
  }

  /** Descriptor of a program that was asked for. */
  program(name: NetworkProgram): number {
    return this.#object.program(name)
  }

  /** Tags the sockets that a target has already. */
  async adopt(target: TargetEntry): Promise<void> {
    const distant = await tagSockets(this.#object.map('tags'), this.#netns, target)
    for (const netns of distant) this.#outOfReach.add({ ...target, netns })
  }

  /** Some rule names an interface. */
  get namesInterfaces(): boolean {
    return this.#named.any
  }

  /** Interfaces have come or gone (NamedInterfaces.follow()). */
  follow(interfaces: readonly Interface[], deleted?: ReadonlySet<number>): void {
    if (!this.#counts) this.#named.follow(interfaces, deleted)
  }

  /** `after=` of rules without targets counts from now. */
  start(): void {
    this.#session.start(bootTime())
  }

  /** By rule index; the last ones, once closed. */
  counts(): Map<number, RuleCounts> {
    return (
      this.#counts ??
      new Map(
        this.#indices.map((index) => {
          const bytes = this.#object.lookup('counts', index, RULE_COUNTS_SIZE)
          return [index, decodeCounts(bytes)[0]!]
        }),
      )
    )
  }

  lostEvents(): bigint {
    return this.#lost ?? this.#session.lostEvents()
  }

  /** What a reader of the summary must know. */
  notes(): string[] {
    const untagged = this.#untagged ?? this.#session.untagged()
    const copied = this.#copied ?? this.#session.copied()
    const lines = [...this.#named.notes(), ...this.#outOfReach.notes()]
    if (untagged > 0n)
      lines.push(
        `${untagged} sockets of targets went past the rules: the kernel had no memory to tag them`,
      )
    if (copied > 0n)
      lines.push(
        `${copied} of the packets that were lost went to a multicast or broadcast address: programs on this machine may have received their copies`,
      )
    return lines
  }

  /** Hands on the last events. Idempotent. Detach first, or the last ones are still to come. */
  close(): void {
    if (this.#counts) return
    this.#events?.close()
    this.#outOfReach.close()
    this.#counts = this.counts()
    this.#lost = this.#session.lostEvents()
    this.#untagged = this.#session.untagged()
    this.#copied = this.#session.copied()
    this.#object.close()
  }
}

function scopeOf(
  { rules, machine, cgroup }: EngineContext,
  indices: readonly number[],
  place: Pick<NetworkScope, 'turn' | 'netns'>,
): NetworkScope {
  if (!machine && !cgroup) throw new Error('network rules need a cgroup')
  const everyone = indices.filter((index) => rules[index]?.targets === undefined)
  return {
    everyone,
    targeted: everyone.length < indices.length,
    machine: machine === true,
    ...place,
  }
}

/** bpf/network.bpf.o, loaded for some rules of a plan: what the tc and the cgroup engine have in common. */
import { aim } from '../../kernel/bpf/aim.ts'
import { type RingReader, readEvents } from '../../kernel/bpf/events.ts'
import { readBpfObject } from '../../kernel/bpf/file.ts'
import { BpfObject } from '../../kernel/bpf/object.ts'
import { testRun } from '../../kernel/bpf/test-run.ts'
import { Deadline } from '../../kernel/deadline.ts'
import { gracePeriod } from '../../kernel/grace-period.ts'
import { bootTime, loadLibc } from '../../kernel/libc.ts'
import type { Interface } from '../../kernel/network/interfaces.ts'
import { ownNetworkNamespace } from '../../kernel/network/socket-namespace.ts'
import { sleep } from '../../kernel/sleep.ts'
import { RULES_MAX } from '../../rules/encode.ts'
import { SIDES } from '../../targets/limits.ts'
import type { Targets } from '../../targets/target.ts'
import type { EngineContext } from '../engine.ts'
import { EventRoutes } from '../event-routes.ts'
import { closeLoaded, keepLoaded, type LoadedNetwork, takeLoaded } from './loaded.ts'
import { elsewhereKey } from './out-of-reach.ts'
import { PlacedRules } from './placed-rules.ts'
import {
  clearTallies,
  indicesOf,
  type NetworkRules,
  readTallies,
  Session,
  Sets,
  settingsOf,
  type Tallies,
} from './settings.ts'
import { EgressAttachments } from './tc-attach.ts'

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
/** A kept object has room for so many rules, whatever the run had that loaded it; plans of more load their own. */
const KEPT_RULES = 64
/** A program takes microseconds: if some are busy for longer, it is with other rules, or the hypervisor has stopped one. */
const PATIENCE_MS = 20

interface Parts {
  readonly netns: bigint
  readonly settings: Buffer
  /** What other runs could load alike; undefined: it is not kept. */
  readonly kind: string | undefined
}

export class NetworkObject {
  readonly #loaded: LoadedNetwork
  readonly #netns: bigint
  readonly #settings: Buffer
  readonly #session: Session
  readonly #sets: Sets
  readonly #routes = new EventRoutes()
  #kind: string | undefined
  #events: RingReader | undefined
  #closed = false

  private constructor(
    loaded: LoadedNetwork,
    { seed }: EngineContext,
    { netns, settings, kind }: Parts,
  ) {
    this.#loaded = loaded
    this.#netns = netns
    this.#settings = settings
    this.#session = new Session(loaded.object, seed)
    this.#sets = new Sets(loaded.object)
    this.#kind = kind
  }

  /**
   * Newly loaded, or kept by this process; without a rule yet.
   *
   * @param targets those of the rules, if some have any
   * @throws {MinderbinderError} MB_LIBBPF, MB_NO_PERMISSION, MB_ATTACH
   */
  static async load(
    context: EngineContext,
    rules: NetworkRules,
    programs: readonly NetworkProgram[],
    targets: Targets | undefined,
  ): Promise<NetworkObject> {
    const { machine, cgroup, onEvent } = context
    if (!machine && !cgroup) throw new Error('network rules need a cgroup')
    await loadLibc() // start() is not asynchronous
    const netns = await ownNetworkNamespace()
    const settings = settingsFor(context, rules, { targets, netns })
    const kind = isKept(context, targets)
      ? [...programs, settings.toString('hex')].join(' ')
      : undefined
    const rows =
      targets?.rows ??
      (machine ? RULES_MAX : kind === undefined ? context.rules.length : KEPT_RULES)
    const loaded = (kind === undefined ? undefined : takeLoaded(kind)) ?? {
      object: await BpfObject.load(readBpfObject('network'), {
        name: 'network',
        purpose: 'network faults',
        programs: [...programs, 'mb_level'],
        maxEntries: {
          rules: rows,
          counts: rows,
          events: onEvent ? EVENT_BUFFER : NO_EVENT_BUFFER,
        },
        ...(targets && { reuse: { targets: targets.map, turn: targets.turnMap } }),
        rodata: settings,
      }),
    }
    const { object } = loaded
    const network = new NetworkObject(loaded, context, { netns, settings, kind })
    try {
      forget(object)
      if (cgroup)
        await aim(
          cgroup,
          (id, level) => network.#session.setTarget(id, level),
          // The socket that belongs to a test run of a program is in the cgroup of its caller.
          () => testRun(object.program('mb_level')),
        )
      if (onEvent)
        network.#events = await readEvents(object.map('events'), (event) =>
          network.#routes.dispatch(event),
        )
      return network
    } catch (error) {
      network.#kind = undefined
      network.close()
      throw error
    }
  }

  /** Can it have these rules, too, by the programs that it has? */
  serves(context: EngineContext, rules: NetworkRules, targets: Targets | undefined): boolean {
    return this.#settings.equals(settingsFor(context, rules, { targets, netns: this.#netns }))
  }

  /**
   * Puts rules where they are found once they are enforced.
   *
   * @param interfaces those that there are, of which rules may name some
   * @throws {MinderbinderError} MB_INTERFACE
   */
  place(
    context: EngineContext,
    rules: NetworkRules,
    targets: Targets | undefined,
    interfaces: readonly Interface[],
  ): PlacedRules {
    const { object } = this.#loaded
    const place = { object, sets: this.#sets, netns: this.#netns, targets, interfaces }
    const unroute = context.onEvent
      ? this.#routes.add(targets?.firstSlot ?? 0, context.rules.length, context.onEvent)
      : () => {}
    try {
      return new PlacedRules(context, rules, { ...place, unroute })
    } catch (error) {
      unroute()
      throw error
    }
  }

  /** Descriptor of a program that was asked for. */
  program(name: NetworkProgram): number {
    return this.#loaded.object.program(name)
  }

  /** Programs at the egress side of interfaces: those of a kept object are there already. */
  egress(programFor: (each: Interface) => number | undefined): EgressAttachments {
    this.#loaded.egress?.resume(programFor)
    this.#loaded.egress ??= new EgressAttachments(programFor)
    return this.#loaded.egress
  }

  /** From there, unless it is kept. */
  async detachEgress(): Promise<void> {
    const { egress } = this.#loaded
    await (this.#kind === undefined ? egress?.close() : egress?.pause())
  }

  /** `after=` of rules without targets counts from now. */
  start(): void {
    this.#session.start(bootTime())
  }

  /** Packets of all cgroups pass at the first look. */
  end(): void {
    this.#session.end()
  }

  /** Ends when what was decided by rules that are lifted is counted, and its events are handed on. */
  async settled(): Promise<void> {
    const deadline = new Deadline(PATIENCE_MS)
    while (!this.#closed && !deadline.passed && this.tallies().deciding > 0n) await sleep(1)
    if (!this.#closed && deadline.passed && !(await gracePeriod())) this.#kind = undefined
    this.#events?.drain()
  }

  /** Of all rules that it had in this run. */
  tallies(): Tallies {
    return readTallies(this.#loaded.object)
  }

  /** No rule is in force, and nothing is attached but what detachEgress() has left. Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#events?.close()
    if (this.#kind === undefined) void closeLoaded(this.#loaded)
    else keepLoaded(this.#kind, this.#loaded)
  }
}

/** Nothing but a command's rules for all of its processes: targets and events have maps of their own run. */
function isKept(
  { rules, machine, keepsLoaded, onEvent }: EngineContext,
  targets: Targets | undefined,
) {
  return keepsLoaded && !machine && !targets && !onEvent && rules.length <= KEPT_RULES
}

/** What an earlier run has left there. */
function forget(object: BpfObject): void {
  clearTallies(object)
  for (const key of object.keys('elsewhere', elsewhereKey.size)) object.remove('elsewhere', key)
}

function settingsFor(
  { rules, machine, onEvent }: EngineContext,
  given: NetworkRules,
  { targets, netns }: { readonly targets: Targets | undefined; readonly netns: bigint },
): Buffer {
  const scope = {
    targeted:
      targets?.rows !== undefined ||
      indicesOf(given).some((index) => rules[index]?.targets !== undefined),
    machine: machine === true,
    table: machine && targets ? Math.floor(targets.turn / SIDES) : 0,
    netns,
  }
  return settingsOf(given, scope, { rules, wantsEvents: onEvent !== undefined })
}

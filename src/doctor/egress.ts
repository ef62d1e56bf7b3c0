/** The two ways onto an interface, each with the real program on lo. Its one rule has rate 0%: it never fires. */
import { closeSync } from 'node:fs'
import { NetworkObject } from '../engines/network/object.ts'
import { attachTypes, createLink, LinkError } from '../kernel/bpf/link.ts'
import { attachClsact } from '../kernel/network/clsact.ts'
import { type Interface, listInterfaces } from '../kernel/network/interfaces.ts'
import { isTurnedOff } from '../kernel/no-feature.ts'
import { parseNetworkFault } from '../rules/grammar.ts'
import { type Check, no, type Question, turnedOff, unknown, yes } from './check.ts'
import type { Facts } from './facts.ts'
import { refused, whyForbidden } from './refusal.ts'

const load: Question = {
  id: 'bpf-load',
  group: 'network',
  title: 'BPF programs load',
  cost: 'no network faults, and no override engine',
  remedy: 'sudo minderbinder …',
}

const tcx: Question = {
  id: 'tcx',
  group: 'network',
  title: 'tcx links',
  cost: 'clsact filters do the same, but outlive a killed minderbinder until the next one',
  remedy: 'Linux 6.6 with CONFIG_NET_XGRESS',
}

const clsact: Question = {
  id: 'clsact',
  group: 'network',
  title: 'clsact filters',
  cost: 'no --drop-net before Linux 6.6',
  remedy: 'a kernel with CONFIG_NET_SCH_INGRESS and CONFIG_NET_CLS_BPF',
}

const EPERM = 1

export async function tryEgress(facts: Facts): Promise<Check[]> {
  let object: NetworkObject
  try {
    object = await loadHarmless()
  } catch (error) {
    const why = 'no program to attach'
    return [refused(load, error, facts), unknown(tcx, why), unknown(clsact, why)]
  }
  const loaded = yes(load, 'the verifier accepted bpf/network.bpf.o')
  try {
    const lo = (await listInterfaces()).find(({ name }) => name === 'lo')
    if (!lo) return [loaded, unknown(tcx, 'there is no lo'), unknown(clsact, 'there is no lo')]
    const first = await tryTcx(object, lo, facts)
    return [loaded, first, await tryClsact(object, lo, facts, first.result === 'yes')]
  } finally {
    object.close()
  }
}

function loadHarmless(): Promise<NetworkObject> {
  const rule = parseNetworkFault('drop-net', '0%')
  const context = {
    rules: [rule],
    seed: 0n,
    cgroup: { path: '/nobody', id: 0n, level: 0, parent: '/' }, // no cgroup has this id
  }
  const none = { dropOut: [0], dropIn: [], refuse: [] }
  return NetworkObject.load(context, none, ['mb_drop_out'], undefined)
}

async function tryTcx(object: NetworkObject, lo: Interface, facts: Facts): Promise<Check> {
  if (isTurnedOff('tcx')) return turnedOff(tcx, 'tcx')
  try {
    closeSync(await createLink(object.program('mb_drop_out'), lo.index, attachTypes.tcxEgress))
    return yes(tcx, 'linked to lo')
  } catch (error) {
    if (!(error instanceof LinkError)) return refused(tcx, error, facts)
    if (error.errno !== EPERM) return no(tcx, `not linked to lo: ${error.message}`)
    const reason = whyForbidden(facts)
    return no(tcx, `not linked to lo: ${error.message}: ${reason}`, { reason })
  }
}

/** Where exec would not use it, it is not tried: for a moment, a filter on lo would outlive a `kill -9`. */
async function tryClsact(
  object: NetworkObject,
  lo: Interface,
  facts: Facts,
  hasTcx: boolean,
): Promise<Check> {
  if (hasTcx) return unknown(clsact, 'not tried: tcx is available, and better')
  try {
    const detach = await attachClsact(lo, object.program('mb_drop_out'))
    await detach()
    return yes(clsact, 'put on lo and taken off')
  } catch (error) {
    return refused(clsact, error, facts)
  }
}

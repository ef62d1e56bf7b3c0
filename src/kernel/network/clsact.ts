/**
 * tc filters on clsact, the way onto an interface before tcx (Linux 6.6).
 *
 * Such a filter belongs to no process, so ours carries its owner in its name
 * (`minderbinder/PIDNS/TIMENS/PID/STARTTIME/SERIAL/made|found`), by which the next start knows and removes what a
 * killed process left. The last part says whether minderbinder made the qdisc: each new filter inherits it
 * from those of ours that are there, and removing the last filter of all removes a made qdisc.
 */
import { MinderbinderError } from '../../errors.ts'
import { uint32 } from '../bpf/uint32.ts'
import { identityFrom, identityText, processIdentity, stateOf } from '../process/identity.ts'
import type { Interface } from './interfaces.ts'
import { withNetworkLock } from './lock.ts'
import {
  attribute,
  attributes,
  flags,
  messageTypes,
  NetlinkError,
  request,
  text,
  textOf,
} from './netlink.ts'

/** struct tcmsg */
const TCMSG_SIZE = 20
const TCA_KIND = 1
const TCA_OPTIONS = 2
const TCA_BPF_FD = 6
const TCA_BPF_NAME = 7
const TCA_BPF_FLAGS = 8
const TCA_BPF_FLAG_ACT_DIRECT = 1
const TC_H_CLSACT = 0xfffffff1
const CLSACT_HANDLE = 0xffff0000
const INGRESS = 0xfffffff2
const EGRESS = 0xfffffff3
const ETH_P_ALL = 0x0300 // in network byte order
/**
 * First of all, since a filter of another may end the chain. Where a BPF filter has this priority already,
 * the newer one goes first.
 */
const PRIORITY = 1
const EEXIST = 17
const ENODEV = 19

interface Filter {
  /** Priority and protocol, as in struct tcmsg. */
  readonly info: number
  readonly handle: number
  readonly name: string
}

const ourName = /^minderbinder\/(\d+)\/(\d+)\/(\d+)\/(\d+)\/\d+\/(made|found)$/
let serial = 0

/**
 * Puts a program on the egress side of an interface, sweeping first what dead processes of ours left there.
 * Returns how to take it off again.
 *
 * @throws {MinderbinderError} MB_ATTACH
 */
export async function attachClsact(link: Interface, program: number): Promise<() => Promise<void>> {
  const self = processIdentity(process.pid)
  if (!self) throw new Error('/proc/self/stat cannot be read')
  const owner = identityText(self, '/')
  return withNetworkLock(async () => {
    try {
      await sweepInterface(link.index)
      const inherited = (await filters(link.index, EGRESS)).some(isOnMadeQdisc)
      const made = (await addQdisc(link.index)) || inherited
      serial += 1
      const name = `minderbinder/${owner}/${serial}/${made ? 'made' : 'found'}`
      try {
        await addFilter(link.index, program, name)
      } catch (error) {
        await removeUnusedQdisc(link.index, made)
        throw error
      }
      return () => withNetworkLock(() => remove(link.index, (filter) => filter.name === name))
    } catch (error) {
      if (error instanceof NetlinkError && error.errno === ENODEV) return async () => {} // gone in the meantime
      throw attachError(link, error)
    }
  })
}

/** Removes what processes that are dead left on an interface. */
async function sweepInterface(index: number): Promise<void> {
  await remove(index, ({ name }) => {
    const owner = identityFrom((ourName.exec(name) ?? []).slice(1, 5))
    return owner !== undefined && stateOf(owner) === 'dead'
  })
}

async function remove(index: number, which: (filter: Filter) => boolean): Promise<void> {
  const ours = (await filters(index, EGRESS)).filter(which)
  for (const { info, handle } of ours) {
    const payload = Buffer.concat([
      tcmsg(index, handle, EGRESS, info),
      attribute(TCA_KIND, text('bpf')),
    ])
    await request(messageTypes.delFilter, flags.ack, payload)
  }
  await removeUnusedQdisc(index, ours.some(isOnMadeQdisc))
}

async function removeUnusedQdisc(index: number, made: boolean): Promise<void> {
  if (!made) return
  const left = [...(await filters(index, EGRESS)), ...(await filters(index, INGRESS))]
  if (left.length > 0) return
  await request(messageTypes.delQdisc, flags.ack, clsact(index))
}

function isOnMadeQdisc(filter: Filter): boolean {
  return ourName.exec(filter.name)?.[5] === 'made'
}

/** False if there is one. */
async function addQdisc(index: number): Promise<boolean> {
  try {
    await request(messageTypes.newQdisc, flags.ack | flags.create | flags.exclusive, clsact(index))
    return true
  } catch (error) {
    // An ingress qdisc has the same place, and takes a filter for egress without a word, to run it at ingress.
    const isThere = error instanceof NetlinkError && error.errno === EEXIST
    if (isThere && (await isClsact(index))) return false
    throw error
  }
}

async function isClsact(index: number): Promise<boolean> {
  const answers = await request(messageTypes.getQdisc, flags.dump, tcmsg(index, 0, 0, 0))
  return answers.some(
    (answer) =>
      answer.readInt32LE(4) === index &&
      textOf(attributes(answer.subarray(TCMSG_SIZE)).get(TCA_KIND)) === 'clsact',
  )
}

async function addFilter(index: number, program: number, name: string): Promise<void> {
  const options = attribute(
    TCA_OPTIONS,
    attribute(TCA_BPF_FD, uint32(program)),
    attribute(TCA_BPF_NAME, text(name)),
    attribute(TCA_BPF_FLAGS, uint32(TCA_BPF_FLAG_ACT_DIRECT)),
  )
  const info = ((PRIORITY << 16) | ETH_P_ALL) >>> 0
  await request(
    messageTypes.newFilter,
    flags.ack | flags.create | flags.exclusive,
    Buffer.concat([tcmsg(index, 0, EGRESS, info), attribute(TCA_KIND, text('bpf')), options]),
  )
}

async function filters(index: number, parent: number): Promise<Filter[]> {
  const answers = await request(messageTypes.getFilter, flags.dump, tcmsg(index, 0, parent, 0))
  return answers.map((answer) => {
    const options = attributes(answer.subarray(TCMSG_SIZE)).get(TCA_OPTIONS)
    return {
      handle: answer.readUInt32LE(8),
      info: answer.readUInt32LE(16),
      name: options ? textOf(attributes(options).get(TCA_BPF_NAME)) : '',
    }
  })
}

function clsact(index: number): Buffer {
  const message = tcmsg(index, CLSACT_HANDLE, TC_H_CLSACT, 0)
  return Buffer.concat([message, attribute(TCA_KIND, text('clsact'))])
}

function tcmsg(index: number, handle: number, parent: number, info: number): Buffer {
  const message = Buffer.alloc(TCMSG_SIZE)
  message.writeInt32LE(index, 4)
  message.writeUInt32LE(handle, 8)
  message.writeUInt32LE(parent, 12)
  message.writeUInt32LE(info, 16)
  return message
}

function attachError(link: Interface, error: unknown): unknown {
  if (!(error instanceof NetlinkError)) return error
  return new MinderbinderError(
    'MB_ATTACH',
    `no tc filter can be put on interface ${link.name}: ${error.message}`,
    {
      hint: `see tc qdisc show dev ${link.name} and tc filter show dev ${link.name} egress: an ingress qdisc, or another’s filter at priority 1, is in the way`,
      cause: error,
    },
  )
}

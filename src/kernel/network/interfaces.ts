/**
 * Network interfaces of this process's network namespace, down ones too. Asked of the kernel by netlink:
 * /sys/class/net shows the namespace that sysfs was mounted in, os.networkInterfaces() only those with addresses.
 */
import { MinderbinderError } from '../../errors.ts'
import { nearest } from '../../rules/names/suggest.ts'
import {
  attributes,
  flags,
  linkGroup,
  messageTypes,
  request,
  subscribe,
  textOf,
} from './netlink.ts'

export interface Interface {
  readonly name: string
  readonly index: number
  readonly up: boolean
  /**
   * Index of the bridge, bond or team that this is a port of, else 0. What the machine itself sends goes
   * out at the master first, so that it would be seen twice with its ports. A VRF's members are no ports:
   * they have addresses of their own.
   */
  readonly master: number
}

/** struct ifinfomsg */
const IFINFOMSG_SIZE = 16
const AF_UNSPEC = 0
const IFF_UP = 1
const IFLA_IFNAME = 3
const IFLA_MASTER = 10
const IFLA_LINKINFO = 18
const IFLA_INFO_SLAVE_KIND = 4

const RETRY_MS = 1_000

const names = new Map<number, string>()
/** Containers bring an interface each: names of gone ones are kept up to here. */
const NAMES_MOST = 10_000

export async function listInterfaces(): Promise<Interface[]> {
  const answers = await request(messageTypes.getLink, flags.dump, Buffer.alloc(IFINFOMSG_SIZE))
  const interfaces = answers.map((answer) => {
    const found = attributes(answer.subarray(IFINFOMSG_SIZE))
    const info = attributes(found.get(IFLA_LINKINFO) ?? Buffer.alloc(0))
    const isPort = textOf(info.get(IFLA_INFO_SLAVE_KIND)) !== 'vrf'
    return {
      name: textOf(found.get(IFLA_IFNAME)),
      index: answer.readInt32LE(4),
      up: (answer.readUInt32LE(8) & IFF_UP) !== 0,
      master: isPort ? (found.get(IFLA_MASTER)?.readUInt32LE(0) ?? 0) : 0,
    }
  })
  if (names.size > NAMES_MOST) names.clear()
  for (const { index, name } of interfaces) names.set(index, name)
  return interfaces
}

/** The name that an interface had when it was last listed; of most gone ones, too. */
export function interfaceName(index: number): string | undefined {
  return names.get(index)
}

/**
 * Calls back with all interfaces whenever one changed, and with the indices of those that were deleted since the last
 * time: another may have such an index already. Returns how to stop.
 */
export async function watchInterfaces(
  onChange: (all: Interface[], deleted: ReadonlySet<number>) => void,
): Promise<() => void> {
  let deleted = new Set<number>()
  let retry: NodeJS.Timeout | undefined
  const look = () => {
    clearTimeout(retry)
    listInterfaces().then(
      (all) => {
        const since = deleted
        deleted = new Set()
        onChange(all, since)
      },
      // Out of descriptors or memory: what has changed is not forgotten.
      () => {
        retry = setTimeout(look, RETRY_MS).unref()
      },
    )
  }
  const unsubscribe = await subscribe(linkGroup, (messages) => {
    for (const { type, payload } of messages) {
      // A bridge says the same, in its own family, of a port that leaves it.
      const isLink = payload.length >= IFINFOMSG_SIZE && payload[0] === AF_UNSPEC
      if (type === messageTypes.delLink && isLink) deleted.add(payload.readInt32LE(4))
    }
    look()
  })
  return () => {
    unsubscribe()
    clearTimeout(retry)
  }
}

/**
 * @throws {MinderbinderError} MB_INTERFACE
 */
export function interfaceIndex(interfaces: readonly Interface[], name: string): number {
  const found = interfaces.find((each) => each.name === name)
  if (found) return found.index
  const all = interfaces.map((each) => each.name)
  const near = nearest(name, all)
  throw new MinderbinderError('MB_INTERFACE', `there is no network interface ${name} here`, {
    hint: near ? `did you mean ${near}?` : `interface= takes one of ${all.join(', ')}`,
  })
}

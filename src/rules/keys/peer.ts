/** What port=, to= and proto= have in common: they look at the other side. */
import { callShape } from '../names/shapes.ts'

/** Of calls that have a socket, or an address. */
const lackPeer: ReadonlyMap<string, string> = new Map([
  ['bind', 'the address is that of its own side'],
  ...['accept', 'accept4', 'listen'].map(
    (name) => [name, 'a socket that waits for connections has no other side'] as const,
  ),
])

/** Why a rule with such a key cannot name this system call. */
export function refusesPeer(call: string): { readonly reason: string } | undefined {
  const reason = lackPeer.get(call)
  if (reason !== undefined) return { reason }
  return callShape(call).sockets.length > 0 ? undefined : { reason: 'no socket argument' }
}

/** Internet sockets that COMMAND inherits: they belong to the cgroup in which they were made, out of reach of the rules. */
import { closeSync } from 'node:fs'
import { isInternetSocket, isListening } from '../../kernel/network/socket-namespace.ts'
import { getDescriptor, openPidfd } from '../../kernel/process/pidfd.ts'
import { socketsOf } from '../../targets/sockets.ts'

/** What a reader of the summary must know of the sockets of this process, one line each. */
export async function inheritedSocketNotes(pid: number): Promise<string[]> {
  const numbers = socketsOf(pid)
  if (numbers.length === 0) return []
  const pidfd = await openPidfd(pid)
  if (pidfd < 0) return []
  const [listening, others]: [number[], number[]] = [[], []]
  try {
    for (const number of numbers) {
      const socket = await getDescriptor(pidfd, number)
      if (socket < 0) continue
      if (await isInternetSocket(socket))
        ((await isListening(socket)) ? listening : others).push(number)
      closeSync(socket)
    }
  } finally {
    closeSync(pidfd)
  }
  return [
    ...note(listening, 'a listening socket', 'connections accepted there'),
    ...note(others, 'a socket', 'what goes through it'),
  ]
}

function note(numbers: readonly number[], what: string, how: string): string[] {
  return numbers.map(
    (number) =>
      `the command inherited ${what} as descriptor ${number}: network faults do not reach ${how}`,
  )
}

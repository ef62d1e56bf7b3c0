/** What this process talks over with a supervisor that it has started. */
import type { Socket } from 'node:net'
import type { Channel } from './channel.ts'
import { Supervisor } from './supervisor.ts'

export interface StartedSupervisor {
  readonly supervisor: Supervisor
  /** Resolves when the process has ended, or goes on without us to serve what the command has left behind. */
  readonly gone: Promise<void>
}

/** SUPERVISOR_NAME, SUPERVISOR_ORDERS and SUPERVISOR_EVENTS of src/launcher/supervisor/supervise.h */
export const supervisorName = 'minderbinder-supervisor'
const ORDERS = 3
const EVENTS = 4

/**
 * @param stdio of its process, with 'pipe' for these two
 * @param forget this process does not wait for its end any more
 */
export function supervisorOf(stdio: readonly unknown[], forget: () => void): StartedSupervisor {
  const sockets = [ORDERS, EVENTS].map((fd) => stdio[fd] as Socket)
  const [orders, events] = sockets.map(socketChannel) as [Channel, Channel]
  const supervisor = new Supervisor(orders, events)
  const gone = supervisor.gone.then(() => {
    for (const socket of sockets) socket.destroy()
    forget()
  })
  return { supervisor, gone }
}

/** Node makes 'pipe' a socket pair: both ways. */
function socketChannel(socket: Socket): Channel {
  socket.on('error', () => {}) // 'close' follows
  return {
    read(onBytes, onEnd) {
      socket.on('data', onBytes)
      socket.on('close', onEnd)
    },
    write(bytes) {
      socket.write(bytes)
    },
  }
}

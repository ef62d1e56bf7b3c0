/** Servers on loopback for the programs that a test starts. They end with the test. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** Takes every connection, and closes it or does what it is told. Returns its port. */
export async function acceptConnections(
  t: TestContext,
  serve = (socket: Socket): unknown => socket.destroy(),
): Promise<number> {
  const server = createServer(serve).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

/** Sends every datagram back. Returns its port, `port` where that is given. */
export async function echoDatagrams(t: TestContext, port = 0): Promise<number> {
  const server = createSocket('udp4').bind(port, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  server.on('message', (message, { port, address }) => server.send(message, port, address))
  return server.address().port
}

/** One that is free at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** `--metrics`: Prometheus asks, and is told what goes on at that moment. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MinderbinderError } from '../errors.ts'
import type { Activity } from '../report/activity.ts'
import { errnoText } from '../rules/names/errnos.ts'
import { version } from '../version.ts'
import { formatAddress, parseAddress } from './address.ts'

export interface MetricsServer {
  /** `127.0.0.1:9090`, with the port that it really has. */
  readonly address: string
  /** Idempotent. */
  close(): Promise<void>
}

/** A scraper has one connection; a crowd of them must not take the descriptors that the session needs. */
const CONNECTIONS = 16
const REQUEST_MS = 10_000

/** @throws {MinderbinderError} MB_USAGE, MB_METRICS */
export async function openMetrics(
  address: string,
  sample: () => Promise<Activity>,
): Promise<MetricsServer> {
  const { host, port } = parseAddress(address)
  const { createServer } = await import('node:http')
  const { exposition } = await import('./exposition.ts')
  let pending: Promise<Awaited<ReturnType<typeof exposition>>> | undefined
  // All that ask at the same time get the same answer.
  const answer = () => {
    pending ??= sample()
      .then((activity) => exposition(activity, version()))
      .finally(() => {
        pending = undefined
      })
    return pending
  }
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, connectionsCheckingInterval: 1000 },
    (request, response) => void respond(request, response, answer),
  )
  server.maxConnections = CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(notServed(formatAddress({ host, port }), error)))
    server.listen(port, host, resolve)
  })
  // Out of descriptors, say: a request is not answered, the session goes on.
  server.on('error', () => {})
  const bound = server.address() as AddressInfo
  return {
    address: formatAddress({ host: bound.address, port: bound.port }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function respond(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  answer: () => Promise<{ contentType: string; text: string }>,
): Promise<void> {
  if (url?.split('?', 1)[0] !== '/metrics') return end(response, 404, 'only /metrics is here\n')
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD')
    return end(response, 405, 'only GET is allowed\n')
  }
  try {
    const { contentType, text } = await answer()
    end(response, 200, text, contentType)
  } catch {
    end(response, 503, 'the session is ending\n')
  }
}

function end(
  response: ServerResponse,
  status: number,
  text: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'Content-Type': contentType, 'X-Content-Type-Options': 'nosniff' })
  response.end(text) // for HEAD node leaves the text out
}

function notServed(address: string, error: NodeJS.ErrnoException): MinderbinderError {
  return new MinderbinderError(
    'MB_METRICS',
    `--metrics: cannot serve at ${address}: ${errnoText(-Number(error.errno))}`,
    {
      cause: error,
      ...(error.code === 'EADDRINUSE' && { hint: 'another program has this port: choose another' }),
    },
  )
}

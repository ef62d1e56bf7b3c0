/** ADDR:PORT as --metrics takes it. */
import { isIP } from 'node:net'
import { MinderbinderError } from '../errors.ts'

export interface MetricsAddress {
  /** An IP address; no name, which may mean another machine tomorrow. */
  readonly host: string
  /** 0: one that is free. */
  readonly port: number
}

const LOOPBACK = '127.0.0.1'

/**
 * `9090` and `:9090` are on loopback, as is `localhost:9090`; `0.0.0.0:9090`, `[::1]:9090`.
 *
 * @throws {MinderbinderError} MB_USAGE
 */
export function parseAddress(text: string): MetricsAddress {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]:|([^:]*):|)(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  const host =
    bracketed ?? (plain === undefined || plain === '' || plain === 'localhost' ? LOOPBACK : plain)
  const family = bracketed === undefined ? 4 : 6
  if (digits === undefined || port > 65_535 || isIP(host) !== family)
    throw new MinderbinderError('MB_USAGE', `--metrics: '${text}' is not an address and a port`, {
      hint: 'as in 9090 (loopback), 0.0.0.0:9090 (every interface) or [::1]:9090',
    })
  return { host, port }
}

/** As it stands in a URL. */
export function formatAddress({ host, port }: MetricsAddress): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}

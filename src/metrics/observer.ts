/** Serves what goes on as metrics. */
import type { Observer } from '../observe/observer.ts'
import { parseAddress } from './address.ts'
import { openMetrics } from './server.ts'

/**
 * @param address as the user wrote it
 * @throws {MinderbinderError} MB_USAGE
 */
export function metricsObserver(address: string): Observer {
  parseAddress(address)
  return {
    wantsInjections: false,
    wantsCalls: true,
    async start(sample) {
      const server = await openMetrics(address, sample)
      return () => server.close()
    },
  }
}

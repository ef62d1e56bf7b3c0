/** The door to native libraries: koffi, loaded when the first of them is needed and never before. */
import { constants } from 'node:os'

export type Koffi = typeof import('koffi').default
/** An address, or null. */
export type Pointer = bigint | null
/** What a C function taking `void *` accepts; a buffer is passed in place, not copied. */
export type Memory = Uint8Array | Pointer

let loaded: Promise<Koffi> | undefined

/** Runs without network rules never pay for this import. */
export function loadKoffi(): Promise<Koffi> {
  loaded ??= importNative().catch(() => import('koffi').then((module) => module.default))
  return loaded
}

/**
 * What koffi's own code ends at after 10 ms, a third of node's start: its prebuilt library, in a package for each
 * platform. Package managers that keep that where koffi alone finds it (pnpm) make this fail. The rest of koffi's code
 * adds what it calls deprecated.
 */
async function importNative(): Promise<Koffi> {
  const module = await import(`@koromix/koffi-${process.platform}-${process.arch}`)
  const koffi: Koffi = module.default ?? module
  if (typeof koffi.load !== 'function') throw new Error('koffi keeps its library elsewhere')
  return koffi
}

/** A function of a library that runs on a thread of node's pool, for what the kernel takes its time for. */
export function inBackground<Arguments extends unknown[]>(call: {
  async: (...args: unknown[]) => unknown
}) {
  return (...args: Arguments): Promise<number> =>
    new Promise((resolve, reject) => {
      call.async(...args, (error: unknown, result: number) => {
        if (error) reject(error)
        else resolve(result)
      })
    })
}

const names = new Map(Object.entries(constants.errno).map(([name, value]) => [value, name]))

/** `ENOENT` for 2; the number itself where Node has no name for it. */
export function errnoName(errno: number): string {
  return names.get(Math.abs(errno)) ?? `error ${Math.abs(errno)}`
}

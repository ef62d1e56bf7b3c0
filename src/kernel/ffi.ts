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
  loaded ??= import('koffi').then((module) => module.default)
  return loaded
}

const names = new Map(Object.entries(constants.errno).map(([name, value]) => [value, name]))

/** `ENOENT` for 2; the number itself where Node has no name for it. */
export function errnoName(errno: number): string {
  return names.get(Math.abs(errno)) ?? `error ${Math.abs(errno)}`
}

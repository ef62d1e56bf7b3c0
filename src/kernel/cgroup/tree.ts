/** A cgroup and all that were made in it, however deep: paths may be longer than PATH_MAX. */
import { closeSync, constants, fstatSync, openSync, readdirSync } from 'node:fs'
import { errnoCode } from '../errno-code.ts'

/** A directory on the way down, and which of those in it are still to be visited. */
interface Level {
  readonly name: string
  readonly below: string[]
}

/**
 * Visits the cgroup and those below it, the deepest first, as rmdir(2) wants them. A directory that is gone meanwhile
 * is left out.
 *
 * @param visit gets a path that is good during the call only: short, by way of a descriptor of the directory above
 */
export function visitCgroups(path: string, visit: (folder: string) => void): void {
  let here = openFolder(path)
  if (here === undefined) return
  const device = fstatSync(here).dev
  const levels: Level[] = [{ name: '', below: foldersIn(here) }]
  try {
    for (let level = levels.at(-1); level; level = levels.at(-1)) {
      const name = level.below.pop()
      if (name !== undefined) {
        const next = openFolder(within(here, name), device)
        if (next === undefined) continue
        closeSync(here)
        here = next
        levels.push({ name, below: foldersIn(here) })
        continue
      }
      levels.pop()
      if (levels.length === 0) break
      const above = openSync(within(here, '..'), OPEN)
      closeSync(here)
      here = above
      visit(within(here, level.name))
    }
  } finally {
    closeSync(here)
  }
  visit(path)
}

const OPEN = constants.O_RDONLY | constants.O_DIRECTORY

function within(folder: number, name: string): string {
  return `/proc/self/fd/${folder}/${name}`
}

/** undefined if it is gone, or if something else is mounted over it. */
function openFolder(path: string, device?: number): number | undefined {
  try {
    const folder = openSync(path, OPEN)
    if (device === undefined || fstatSync(folder).dev === device) return folder
    closeSync(folder)
    return undefined
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined
    throw error
  }
}

function foldersIn(folder: number): string[] {
  try {
    const entries = readdirSync(`/proc/self/fd/${folder}`, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return [] // removed since it was opened
    throw error
  }
}

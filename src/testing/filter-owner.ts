/** Whose seccomp listener this process has, if it is not its own: as far as /proc shows it. */
import { readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { ownFilterPath } from '../launch/launcher-path.ts'

const library = /\/own-filter(?:-\w+)?\.so$/
const launcher = /^launcher(?:-\w+)?$/

/** For the end of a sentence. */
export function filterOwner(): string {
  const [other] = librariesOf('self').filter((path) => path !== ownFilterPath())
  if (other !== undefined)
    return `another copy of minderbinder in this process has installed it, ${other}`
  for (let pid = parentOf(process.pid); pid > 1; pid = parentOf(pid)) {
    if (librariesOf(pid).length > 0)
      return `it is that of process ${pid}, a test that this one descends from and that has faults of its own`
    if (launcher.test(basename(linkOf(pid))))
      return 'minderbinder exec runs it, with faults and without --control'
  }
  return 'a container or another tool has installed it'
}

function librariesOf(pid: number | 'self'): string[] {
  const paths = textOf(`/proc/${pid}/maps`)
    .split('\n')
    .map((line) => line.slice(line.indexOf('/')))
  return [...new Set(paths.filter((path) => library.test(path)))]
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0)
}

function linkOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`)
  } catch {
    return '' // another user's, or gone
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // another user's, or gone
  }
}

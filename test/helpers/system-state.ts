/**
 * What minderbinder could leave behind, before and after. Other programs (and other test files) come and go at
 * the same time: a thing is left over where it was not there before and is still there after a while.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { minderbinder } from './run.ts'
import { until } from './until.ts'

export type SystemState = ReadonlySet<string>

const repository = minderbinder.replace(/bin\/minderbinder$/, '')

export function systemState(): SystemState {
  return new Set([
    ...processes(),
    ...cgroups(),
    ...bpfObjects(),
    ...trafficControl(),
    ...temporaryFiles(),
  ])
}

/** @throws {AssertionError} naming each thing that is there now, was not before, and does not go away */
export async function nothingLeft(before: SystemState, bound = 10_000): Promise<void> {
  let left = difference(systemState(), before)
  await until(
    () => {
      const now = systemState()
      left = left.filter((thing) => now.has(thing))
      return left.length === 0
    },
    { what: 'nothing left behind', bound },
  ).catch(() => assert.deepEqual(left.map(withHolders), [], 'left behind'))
}

/** Those that hold a BPF object may be a test's that runs at the same time. */
function withHolders(thing: string): string {
  const [, kind, id] = /^bpf (\w+) (\d+)$/.exec(thing) ?? []
  if (id === undefined) return thing
  const holders = heldObjects().filter((held) => held.kind === kind && held.id === Number(id))
  return [thing, ...new Set(holders.map(({ pid }) => `held by ${pid}: ${commandLine(pid)}`))].join(
    ', ',
  )
}

function difference(after: SystemState, before: SystemState): string[] {
  return [...after].filter((thing) => !before.has(thing))
}

/** Our launcher and our node, wherever they are; with the start time, since numbers are used again. */
function processes(): string[] {
  return numbers('/proc').flatMap((pid) => {
    const command = commandLine(pid)
    const stat = read(`/proc/${pid}/stat`)
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ours =
      link(`/proc/${pid}/exe`).startsWith(`${repository}build/launcher`) ||
      command.includes(`${repository}dist/`)
    // A zombie is its parent's to collect, and that may be a test.
    if (!ours || fields[0] === 'Z') return []
    return [`process ${pid} started ${fields[19]}: ${command}`]
  })
}

function cgroups(): string[] {
  const mounts = read('/proc/self/mountinfo')
    .split('\n')
    .filter((line) => line.includes(' - cgroup2 '))
    .map((line) => line.split(' ')[4] ?? '/sys/fs/cgroup')
  return mounts.flatMap((mount) => named(mount, 4).map((path) => `cgroup ${path}`))
}

/** Folders with our name in theirs, down to a depth. */
function named(folder: string, depth: number): string[] {
  if (depth === 0) return []
  return entries(folder, true).flatMap((name) => {
    const path = join(folder, name)
    return name.includes('minderbinder') ? [path] : named(path, depth - 1)
  })
}

/** By the descriptors that hold them: no tool and no privilege beyond reading /proc is needed. */
function bpfObjects(): string[] {
  const found = new Set(heldObjects().map(({ kind, id }) => `bpf ${kind} ${id}`))
  for (const kind of ['prog', 'map', 'link'])
    for (const id of bpftoolIds(kind)) found.add(`bpf ${kind} ${id}`)
  return [...found]
}

function heldObjects(): { pid: string; kind: string; id: number }[] {
  return numbers('/proc').flatMap((pid) =>
    entries(`/proc/${pid}/fdinfo`).flatMap((fd) => {
      const info = read(`/proc/${pid}/fdinfo/${fd}`)
      return [...info.matchAll(/^(prog|map|link)_id:\t(\d+)$/gm)].map(([, kind = '', id]) => ({
        ...{ pid, kind },
        id: Number(id),
      }))
    }),
  )
}

/** Those too that nothing in /proc holds: attached the old way, or pinned. */
function bpftoolIds(kind: string): number[] {
  if (process.geteuid?.() !== 0) return []
  const done = spawnSync('bpftool', ['-j', kind, 'list'])
  if (done.status !== 0) return []
  const list = JSON.parse(done.stdout.toString() || '[]') as { id: number }[]
  return Array.isArray(list) ? list.map(({ id }) => id) : []
}

function trafficControl(): string[] {
  return entries('/sys/class/net').flatMap((device) => [
    ...tc(['qdisc', 'show', 'dev', device]),
    ...tc(['filter', 'show', 'dev', device, 'egress']),
    ...tc(['filter', 'show', 'dev', device, 'ingress']),
  ])
}

function tc(args: readonly string[]): string[] {
  const done = spawnSync('tc', args)
  const lines = done.status === 0 ? done.stdout.toString().split('\n') : []
  return lines.filter((line) => line !== '').map((line) => `tc ${args.join(' ')}: ${line.trim()}`)
}

/** Tests' own files have another prefix: `mb-test-`. */
function temporaryFiles(): string[] {
  return [tmpdir(), '/run', '/dev/shm', '/sys/fs/bpf', process.env.XDG_RUNTIME_DIR ?? '/run']
    .flatMap((folder) => entries(folder).map((name) => join(folder, name)))
    .filter((path) => path.includes('minderbinder'))
    .map((path) => `file ${path}`)
}

function commandLine(pid: string): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()
}

function numbers(folder: string): string[] {
  return entries(folder).filter((name) => /^\d+$/.test(name))
}

/** Empty if it is gone or not ours to read: processes end while we look. */
function entries(folder: string, onlyFolders = false): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => !onlyFolders || entry.isDirectory())
      .map((entry) => entry.name)
  } catch {
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

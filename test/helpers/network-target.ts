/** Driving the network engines without the launcher: a cgroup, rules, and small Python programs in and outside of it. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { AttachedEngine } from '../../src/engines/engine.ts'
import { cgroup as cgroupEngine } from '../../src/engines/network/cgroup.ts'
import { tc } from '../../src/engines/network/tc.ts'
import { type ChildCgroup, createCgroup, destroyCgroup } from '../../src/kernel/cgroup/cgroup.ts'
import { processIdentity } from '../../src/kernel/process/identity.ts'
import { decodeEvent, type InjectionEvent } from '../../src/report/event.ts'
import type { RuleCounts } from '../../src/rules/rule.ts'
import { occurrence } from './draw.ts'
import { networkRule } from './network-rule.ts'
import type { Need } from './requires.ts'

export type Mechanism = 'tcx' | 'clsact'
export const mechanisms: readonly Mechanism[] = ['tcx', 'clsact']
/** An older kernel would do the one by the other, and the test would say nothing about it. */
export const mechanismNeeds: Readonly<Record<Mechanism, readonly Need[]>> = {
  tcx: ['linux:6.6'],
  clsact: [],
}

export interface Session {
  readonly cgroup: ChildCgroup
  readonly events: InjectionEvent[]
  counts(): Promise<RuleCounts[]>
  /** Lifts the faults and keeps the cgroup. */
  close(): Promise<void>
}

export interface SessionOptions {
  readonly seed?: bigint
  readonly mechanism?: Mechanism
  /** Made beforehand; a fresh one where left out. */
  readonly cgroup?: ChildCgroup
}

/** Attaches rules to a fresh cgroup; the end of the test takes all back. */
export async function openSession(
  t: TestContext,
  faults: readonly string[],
  options: SessionOptions = {},
): Promise<Session> {
  const rules = faults.map(networkRule)
  const { seed = 1n, mechanism = 'tcx', cgroup = freshCgroup(t) } = options
  const events: InjectionEvent[] = []
  const context = {
    ...{ rules, seed, cgroup },
    onEvent(bytes: Buffer) {
      events.push(decodeEvent(bytes))
    },
  }
  const engines: AttachedEngine[] = []
  for (const engine of [tc, cgroupEngine]) {
    const indices = [...rules.keys()].filter((index) => !engine.refusal(rules[index]!))
    if (indices.length === 0) continue
    const attach = async () => {
      const attached = await engine.attach(context, indices)
      engines.push(attached)
      await attached.ready?.()
    }
    await withMechanism(mechanism, attach)
  }
  const close = async () => {
    for (const engine of engines) await engine.close()
  }
  t.after(close)
  for (const engine of engines) engine.start?.()
  return {
    ...{ cgroup, events, close },
    async counts() {
      const all = new Map<number, RuleCounts>()
      for (const engine of engines)
        for (const [index, counts] of (await engine.snapshot()).counts) all.set(index, counts)
      return rules.map((_, index) => all.get(index)!)
    },
  }
}

export function freshCgroup(t: TestContext): ChildCgroup {
  const cgroup = createCgroup(processIdentity(process.pid)!)
  t.after(() => destroyCgroup(cgroup.path))
  return cgroup
}

async function withMechanism<T>(mechanism: Mechanism, body: () => Promise<T>): Promise<T> {
  if (mechanism === 'tcx') return body()
  process.env.MINDERBINDER_NO_FEATURE = 'tcx'
  try {
    return await body()
  } finally {
    delete process.env.MINDERBINDER_NO_FEATURE
  }
}

export function numbers(counts: RuleCounts | undefined): [number, number, number] {
  assert.ok(counts)
  return [Number(counts.seen), Number(counts.matched), Number(counts.fired)]
}

/** What every program may use: its arguments, and prints one line of JSON in the end. */
const prelude = `
import sys, json, socket, os, errno, struct, time
arguments = json.loads(sys.argv[1])
def name(error): return 'timeout' if isinstance(error, TimeoutError) else errno.errorcode.get(error.errno, str(error))
`

export interface Where {
  /** undefined: a sibling outside of every target. */
  readonly cgroup?: ChildCgroup | undefined
  /** Runs in the network namespace of this process. */
  readonly netnsOf?: number
}

/** Starts a Python program whose sockets are all made inside the cgroup. */
export function startPython(where: Where, program: string, ...args: unknown[]): ChildProcess {
  // The shell waits until it has been moved: a socket keeps the cgroup it was made in.
  const enter = where.netnsOf ? ['nsenter', `--net=/proc/${where.netnsOf}/ns/net`] : []
  const python = ['/usr/bin/python3', '-c', prelude + program, JSON.stringify(args)]
  const command = [...enter, 'sh', '-c', 'read go; exec "$@"', 'sh', ...python]
  const child = spawn(command[0]!, command.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] })
  if (where.cgroup) writeFileSync(join(where.cgroup.path, 'cgroup.procs'), String(child.pid))
  child.stdin!.write('\n')
  return child
}

/** Runs one and gives what it printed. */
export async function python<T>(where: Where, program: string, ...args: unknown[]): Promise<T> {
  const child = startPython(where, program, ...args)
  const chunks: Buffer[] = []
  child.stdout!.on('data', (chunk) => chunks.push(chunk))
  const [status] = await once(child, 'close')
  assert.equal(status, 0, 'the program of the test failed')
  return JSON.parse(Buffer.concat(chunks).toString()) as T
}

/**
 * Sends datagrams 1..count from one socket; gives how many sends succeeded. With IP_RECVERR (ip(7)) the kernel
 * tells of every local loss: of a silent one it cannot.
 */
export const sendDatagrams = `
family, host, port, count = arguments
s = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(*((socket.IPPROTO_IPV6, 25, 1) if family == 6 else (socket.IPPROTO_IP, 11, 1)))
sent = 0
for i in range(count):
    sent += s.sendto(struct.pack('!I', i + 1), (host, port)) == 4
print(json.dumps(sent))
`

/** connect() to TCP: 'ok' or the name of the error, 'timeout' after 300 ms. */
export const connectTcp = `
family, host, port = arguments
s = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(0.3)
try:
    s.connect((host, port)); print('"ok"')
except OSError as error: print(json.dumps(name(error)))
`

export const loopback = { 4: '127.0.0.1', 6: '::1' } as const
export type Family = keyof typeof loopback

/** A UDP socket of the test's own, outside of every target. */
export class Receiver {
  readonly port: number
  readonly #socket: Socket
  readonly #family: Family
  #numbers: number[] = []
  #marked: () => void = () => {}

  private constructor(socket: Socket, family: Family) {
    this.#socket = socket
    this.#family = family
    this.port = socket.address().port
    socket.on('message', (message) => {
      const number = message.readUInt32BE(0)
      if (number === 0) this.#marked()
      else this.#numbers.push(number)
    })
  }

  static async open(t: TestContext, family: Family = 4): Promise<Receiver> {
    const socket = createSocket({ type: family === 6 ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 })
    socket.bind(0, loopback[family])
    await once(socket, 'listening')
    t.after(() => socket.close())
    return new Receiver(socket, family)
  }

  /**
   * What has arrived since the last call. Loopback delivers in order, so what was sent before this call
   * comes before the mark that it sends itself.
   */
  async received(): Promise<number[]> {
    const marked = new Promise<void>((resolve) => {
      this.#marked = resolve
    })
    this.#socket.send(Buffer.alloc(4), this.port, loopback[this.#family])
    await marked
    return this.#numbers.splice(0)
  }
}

/** A TCP server of the test's own that accepts and closes; gives its port. */
export async function listenTcp(t: TestContext, family: Family = 4): Promise<number> {
  const server = createServer((socket) => socket.end())
  server.listen(0, loopback[family])
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

export function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

/** The occurrences up to `last` at which decide() lets a rule of that rate fire (bpf/rule.h). */
export function firing(seed: bigint, rule: number, rate: number, last: number): number[] {
  const threshold = BigInt(Math.round((rate / 100) * 2 ** 32))
  return range(1, last).filter((n) => occurrence(seed, rule, BigInt(n)) >> 32n < threshold)
}

/** Network namespaces of a test's own, and owners of faults in them. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import type { ChildCgroup } from '../../src/kernel/cgroup/cgroup.ts'
import type { Mechanism } from './network-target.ts'

/** A namespace that lasts until the end of the test. */
export class Namespace {
  /** Of a process in it. */
  readonly pid: number

  private constructor(pid: number) {
    this.pid = pid
  }

  static async open(t: TestContext): Promise<Namespace> {
    const script = 'ip link set lo up && echo up && read end'
    const keeper = spawn('unshare', ['--net', 'sh', '-c', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    t.after(() => {
      keeper.stdin.end()
    })
    await once(keeper.stdout, 'data')
    return new Namespace(keeper.pid!)
  }

  /** How to run a command in it. */
  inside(...command: string[]): string[] {
    return ['nsenter', `--net=/proc/${this.pid}/ns/net`, ...command]
  }

  /** Runs a command line in it, which must succeed; gives what it printed. */
  run(line: string): string {
    const [program, ...args] = this.inside(...line.split(' '))
    const done = spawnSync(program!, args, { encoding: 'utf8' })
    assert.equal(done.status, 0, `${line}: ${done.stderr}`)
    return done.stdout
  }

  /** Runs a server in it until the end of the test; resolves once it has printed something. */
  async serve(t: TestContext, ...command: string[]): Promise<void> {
    const [program, ...args] = this.inside(...command)
    const server = spawn(program!, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => server.kill())
    await once(server.stdout, 'data')
  }
}

export interface Pair {
  readonly near: Namespace
  readonly far: Namespace
}

/** Two namespaces with a link from `near0` (198.18.0.1) to `far0` (198.18.0.2), a range for tests (RFC 2544). */
export async function openPair(t: TestContext): Promise<Pair> {
  const [near, far] = await Promise.all([Namespace.open(t), Namespace.open(t)])
  near.run(`ip link add near0 type veth peer name far0 netns ${far.pid}`)
  near.run('ip addr add 198.18.0.1/30 dev near0')
  near.run('ip link set near0 up')
  far.run('ip addr add 198.18.0.2/30 dev far0')
  far.run('ip link set far0 up')
  return { near, far }
}

export interface OwnerOptions {
  readonly namespace?: Namespace
  readonly mechanism?: Mechanism
  /** Runs it with a cgroup namespace rooted at this cgroup, which its own paths start from. */
  readonly cgroupRoot?: ChildCgroup
  /** A command line that it runs once the faults are being attached, before it waits for that. */
  readonly beforeReady?: string
}

/**
 * Enters the cgroup $1, roots a namespace there, mounts what can be seen, and becomes the rest. A file system is
 * not mounted over itself (EBUSY).
 */
const enterCgroup = `
echo $$ >"$1/cgroup.procs" && shift
exec unshare --cgroup --mount sh -c 'umount -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' sh "$@"
`

/** test/helpers/network-owner.ts at work. */
export class Owner {
  readonly child: ChildProcess
  readonly cgroup: ChildCgroup
  readonly #answers: AsyncIterator<string>

  private constructor(child: ChildProcess, cgroup: ChildCgroup, answers: AsyncIterator<string>) {
    this.child = child
    this.cgroup = cgroup
    this.#answers = answers
  }

  /** Gives the error instead, where attaching fails. */
  static async try(
    t: TestContext,
    faults: readonly string[],
    options: OwnerOptions,
  ): Promise<Owner | { code: string; message: string; hint: string }> {
    const script = new URL('network-owner.ts', import.meta.url).pathname
    const { namespace, cgroupRoot, beforeReady } = options
    const args = [JSON.stringify(faults), ...(beforeReady === undefined ? [] : [beforeReady])]
    const node = [process.execPath, '--import', 'tsx', script, ...args]
    const rooted = cgroupRoot ? ['sh', '-c', enterCgroup, 'sh', cgroupRoot.path, ...node] : node
    const [program, ...rest] = namespace?.inside(...rooted) ?? rooted
    const child = spawn(program!, rest, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, MINDERBINDER_NO_FEATURE: options.mechanism === 'clsact' ? 'tcx' : '' },
    })
    t.after(() => child.kill('SIGKILL'))
    const answers = createInterface(child.stdout!)[Symbol.asyncIterator]()
    const answer = JSON.parse(String((await answers.next()).value))
    if (!answer.cgroup) return answer
    if (cgroupRoot) answer.cgroup.path = join(cgroupRoot.path, basename(answer.cgroup.path))
    return new Owner(child, answer.cgroup, answers)
  }

  static async open(...args: Parameters<typeof Owner.try>): Promise<Owner> {
    const owner = await Owner.try(...args)
    assert.ok(owner instanceof Owner, JSON.stringify(owner))
    return owner
  }

  /** [seen, matched, fired] of each rule. */
  async counts(): Promise<number[][]> {
    this.child.stdin!.write('counts\n')
    return JSON.parse(String((await this.#answers.next()).value))
  }

  /** What it has said so far, and what it would say at the end. */
  async words(): Promise<{ readonly notices: string[]; readonly notes: string[] }> {
    this.child.stdin!.write('words\n')
    return JSON.parse(String((await this.#answers.next()).value))
  }

  async close(): Promise<void> {
    this.child.stdin!.write('close\n')
    const [status] = await once(this.child, 'exit')
    assert.equal(status, 0)
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await once(this.child, 'exit')
  }
}

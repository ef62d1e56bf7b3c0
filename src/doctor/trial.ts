/** A cgroup of the doctor's own, with one process in it that does what faults are tried on. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ChildCgroup, createCgroup, destroyCgroup } from '../kernel/cgroup/cgroup.ts'
import { processIdentity } from '../kernel/process/identity.ts'
import { Probe } from './probe.ts'

export class Trial {
  readonly cgroup: ChildCgroup
  /** The process is in the cgroup: 0; else the errno, or undefined where it died. */
  readonly entered: number | undefined
  readonly #probe: Probe

  private constructor(cgroup: ChildCgroup, probe: Probe, entered: number | undefined) {
    this.cgroup = cgroup
    this.#probe = probe
    this.entered = entered
  }

  /** @throws {MinderbinderError} MB_NO_CGROUP2, MB_NO_PERMISSION, MB_CGROUP, MB_LAUNCHER */
  static async open(): Promise<Trial> {
    const self = processIdentity(process.pid)
    if (!self) throw new Error('/proc/self/stat cannot be read')
    const cgroup = createCgroup(self)
    try {
      // From here on the probe removes the cgroup where this process is killed.
      const probe = new Probe('target', cgroup.path)
      return new Trial(cgroup, probe, await probe.answer('enter'))
    } catch (error) {
      await destroyCgroup(cgroup.path)
      throw error
    }
  }

  /** Sends a packet over the loopback: 0 it arrived, ETIMEDOUT it was lost, else sendto(2)'s errno. */
  send(): Promise<number | undefined> {
    return this.#probe.ask('s', 'send')
  }

  /** Connects over the loopback to a listener: 0, or connect(2)'s errno. */
  connect(): Promise<number | undefined> {
    return this.#probe.ask('c', 'connect')
  }

  /** A new program calls getpgid(2) and faccessat(2): 0, or its errno; undefined where it could not be started. */
  async call(): Promise<number | undefined> {
    const called = await this.#probe.ask('g', 'called', 'call')
    return called === 0 ? this.#probe.answer('call') : undefined
  }

  /** Kills the process by cgroup.kill (Linux 5.14), and says whether it died of that. The last of all trials. */
  async kill(): Promise<boolean> {
    const file = join(this.cgroup.path, 'cgroup.kill')
    if (!existsSync(file)) return false
    writeFileSync(file, '1')
    return (await this.#probe.close()) === 'SIGKILL'
  }

  /** Removes the cgroup. Idempotent. */
  async close(): Promise<void> {
    await this.#probe.close()
    await destroyCgroup(this.cgroup.path)
  }
}

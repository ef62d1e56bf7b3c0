/**
 * Running commands under other kernels: qemu with software emulation, a read-only root of the host's files
 * (test/kernel/guest-init.sh is process 1). A machine is 10 to 30 times slower than the host and takes
 * seconds to boot: put as much as possible into one.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { initramfs } from './initramfs.ts'
import type { Kernel } from './kernels.ts'
import { kernelComplaints } from './vm-log.ts'
import { mountRoot, type Processors, qemuCommand, repository } from './vm-qemu.ts'

const guestInit = new URL('../kernel/guest-init.sh', import.meta.url).pathname

export interface VmOptions {
  readonly kernel: Pick<Kernel, 'image' | 'architecture' | 'modules'>
  readonly command: readonly string[]
  /** Added to PATH, HOME, TMPDIR, TERM. */
  readonly env?: Readonly<Record<string, string>>
  /** The repository where left out. */
  readonly cwd?: string
  /** Folders of the host that the command can write to; what it writes is gone afterwards. */
  readonly writable?: readonly string[]
  /** Files and folders of the host that are others inside: absolute path to the name in the shared folder. */
  readonly bind?: Readonly<Record<string, string>>
  /** `side by side` where left out. */
  readonly processors?: Processors
  /** Milliseconds from the start of qemu to the end of the command, 10 minutes where left out. */
  readonly timeout?: number
  /** A folder of the host for results: /run/share/NAME inside is NAME here. A temporary one where left out. */
  readonly share?: string
  /** Gets output as it comes; it is collected, too. */
  readonly onStdout?: (chunk: Buffer) => void
  readonly onStderr?: (chunk: Buffer) => void
  readonly onKernel?: (chunk: Buffer) => void
}

export interface VmResult {
  /** As a shell gives it: 128+N for signal N. undefined where the machine ended before the command did. */
  readonly status: number | undefined
  readonly stdout: string
  readonly stderr: string
  /** What the kernel printed: warnings and worse. */
  readonly kernelLog: string
  /** Warnings, oopses, stalls and panics in it; and that the time was over. Empty: all is well. */
  readonly trouble: readonly string[]
  /** Milliseconds: until the command started to run, and in all. */
  readonly bootMs: number
  readonly totalMs: number
}

/** It takes 5 to 10 seconds where the host has nothing else to do. */
const BOOT_MS = 120_000
/** What a command may have left running after its end can go on writing for that long. */
const DRAIN_MS = 3_000

/**
 * Boots a kernel, runs the command as root, and ends the machine. A machine that complains or takes too long
 * is reported in `trouble`; the caller must look.
 *
 * @throws {Error} where qemu itself cannot be run
 */
export async function runInVm(options: VmOptions): Promise<VmResult> {
  const share = options.share ?? mkdtempSync(join(tmpdir(), 'mb-vm-'))
  try {
    writeFileSync(join(share, 'job'), jobScript(options))
    const binds = Object.entries(options.bind ?? {}).map(([path, file]) => `${file} ${path}`)
    writeFileSync(join(share, 'writable'), lines(options.writable ?? []))
    writeFileSync(join(share, 'binds'), lines(binds))
    const { modules } = options.kernel
    if (modules) writeFileSync(join(share, 'initrd'), initramfs(modules, mountRoot, guestInit))
    return await boot(options, share)
  } finally {
    if (options.share === undefined) rmSync(share, { recursive: true, force: true })
  }
}

function lines(each: readonly string[]): string {
  return each.map((line) => `${line}\n`).join('')
}

function jobScript({ command, env = {}, cwd = repository }: VmOptions): string {
  const variables = { HOME: '/run/home', TMPDIR: '/tmp', TERM: 'dumb', LANG: 'C.UTF-8', ...env }
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${quoted(value)}`)
  return `cd ${quoted(cwd)}\necho started >/run/port-status\nexport ${assignments.join(' ')}\nexec ${command.map(quoted).join(' ')}\n`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

async function boot(options: VmOptions, share: string): Promise<VmResult> {
  const begin = Date.now()
  const command = qemuCommand({ ...options, share, init: guestInit })
  // The machine must not outlive us, however we end.
  const qemu = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
    stdio: ['ignore', 'inherit', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
  })
  const stream = (fd: number) => qemu.stdio[fd as 3] as Readable
  const said = collect(stream(2))
  const kernel = collect(stream(3), options.onKernel)
  const stdout = collect(stream(4), options.onStdout)
  const stderr = collect(stream(5), options.onStderr)
  let bootMs = 0
  let status: number | undefined
  const trouble: string[] = []
  const booting = after(BOOT_MS)
  const job = following(stream(6), {
    started: () => {
      bootMs = Date.now() - begin
      booting.cancel()
    },
    ended: (number) => (status = number),
  })
  const gone = exit(qemu)
  const limit = options.timeout ?? 600_000
  const late = after(limit)
  try {
    const first = await Promise.race([job.ended, gone, late.promise, booting.promise])
    if (first === 'late' && bootMs === 0) trouble.push(`time-out: not booted within ${BOOT_MS} ms`)
    else if (first === 'late') trouble.push(`time-out: not ended within ${limit} ms`)
    else if (status === undefined) trouble.push(`the machine ended early: ${said().trim()}`)
    else {
      const patience = after(DRAIN_MS)
      await Promise.race([job.drained, gone, patience.promise])
      patience.cancel()
    }
  } finally {
    late.cancel()
    booting.cancel()
    qemu.kill('SIGKILL')
    await gone
  }
  return {
    ...{ status, stdout: stdout(), stderr: stderr(), kernelLog: kernel(), bootMs },
    trouble: [...trouble, ...kernelComplaints(kernel())],
    totalMs: Date.now() - begin,
  }
}

function collect(stream: Readable, also?: (chunk: Buffer) => void): () => string {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    also?.(chunk)
  })
  // qemu's end of a socket can vanish with it.
  stream.on('error', () => {})
  return () => Buffer.concat(chunks).toString('utf8')
}

/** What guest-init.sh says about the job: `started`, `status N`, `drained`. */
function following(stream: Readable, on: { started(): void; ended(status: number): void }) {
  let text = ''
  let ended = () => {}
  let drained = () => {}
  const promises = {
    ended: new Promise<void>((resolve) => (ended = resolve)),
    drained: new Promise<void>((resolve) => (drained = resolve)),
  }
  stream.on('error', () => {})
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) {
      if (line === 'started') on.started()
      if (line === 'drained') drained()
      const status = line.match(/^status (\d+)$/)?.[1]
      if (status === undefined) continue
      on.ended(Number(status))
      ended()
    }
  })
  return promises
}

/** Resolves when qemu is gone and all that it sent has been read. */
function exit(qemu: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    qemu.on('error', reject)
    qemu.on('close', () => resolve())
  })
}

function after(ms: number): { promise: Promise<'late'>; cancel(): void } {
  let cancel = () => {}
  const promise = new Promise<'late'>((resolve) => {
    const timer = setTimeout(() => resolve('late'), ms)
    cancel = () => clearTimeout(timer)
  })
  return { promise, cancel: () => cancel() }
}

/** Test files run inside a virtual machine, their results one by one as they come. */
import { chmodSync, copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kernel } from './kernels.ts'
import { has } from './requires.ts'
import { runInVm, type VmOptions, type VmResult } from './vm.ts'
import { foreign, repository } from './vm-qemu.ts'
import { bundleOf, bundleSources, tsxLoader } from './vm-sources.ts'

export interface GuestResult {
  /** Base name of the test's file. */
  readonly file: string
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** Why it failed (with the stack) or was skipped. */
  readonly why?: string
  readonly ms: number
}

export interface GuestTests {
  /** Ends with the last one. */
  readonly results: AsyncIterable<GuestResult>
  /** Of the machine, once it has ended. */
  readonly machine: Promise<VmResult>
}

export interface GuestTestOptions {
  readonly kernel: Kernel
  /** Relative to the repository. */
  readonly files: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly processors?: VmOptions['processors']
  /** Milliseconds for the whole machine. */
  readonly timeout: number
  /** Gets what the machine's tests leave in /run/share, before that is gone. */
  readonly onShare?: (folder: string) => void
}

/** Boots one machine for all the files. */
export function runTestsInVm(options: GuestTestOptions): GuestTests {
  const queue = new Queue<GuestResult>()
  const machine = runMachine(options, (line) => queue.put(JSON.parse(line) as GuestResult))
  machine.then(
    () => queue.end(),
    () => queue.end(),
  )
  return { results: queue, machine }
}

async function runMachine(
  { kernel, files, env, processors, timeout, onShare }: GuestTestOptions,
  onLine: (line: string) => void,
): Promise<VmResult> {
  const share = mkdtempSync(join(tmpdir(), 'mb-vm-'))
  try {
    // Parts of tests run as another user.
    chmodSync(share, 0o755)
    await bundleSources(share, '/run/share')
    const bundles = files.map((file) => `/run/share/${bundleOf(file)}`)
    let text = ''
    const result = await runInVm({
      ...{ kernel, share, timeout, writable: [join(repository, 'build')] },
      ...(processors && { processors }),
      bind: { [tsxLoader]: 'loader.mjs', ...copyProduct(share, kernel) },
      command: ['node', 'test/kernel/guest-run.js', ...bundles],
      // What the host can give must be there; a kernel may lack what is newer than it.
      env: { MINDERBINDER_TEST_REQUIRE: has('root') ? 'all' : '', ...env },
      onStdout(chunk) {
        const lines = (text + chunk.toString()).split('\n')
        text = lines.pop() ?? ''
        for (const line of lines) if (line.startsWith('{')) onLine(line)
      },
    })
    onShare?.(share)
    return result
  } finally {
    rmSync(share, { recursive: true, force: true })
  }
}

/**
 * What is tested, as it is now: a machine goes on for minutes, and would see half of each later build. Gives
 * what is to be bound where.
 */
function copyProduct(share: string, { architecture }: Kernel): Record<string, string> {
  const folders = ['bin', 'bpf', 'build', 'dist']
  const machines = ['build/kernels', 'build/arm64'].map((folder) => join(repository, folder))
  for (const folder of folders)
    cpSync(join(repository, folder), join(share, 'product', folder), {
      ...{ recursive: true, verbatimSymlinks: true },
      filter: (path) => !machines.includes(path),
    })
  if (architecture === 'arm64')
    copyFileSync(`${foreign}launcher`, join(share, 'product/build/launcher'))
  return Object.fromEntries(folders.map((f) => [join(repository, f), `product/${f}`]))
}

/** Items for one reader, which waits for them. */
class Queue<T> implements AsyncIterable<T> {
  readonly #items: T[] = []
  #ended = false
  #wake = () => {}

  put(item: T): void {
    this.#items.push(item)
    this.#wake()
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      yield* this.#items.splice(0)
      if (this.#items.length > 0) continue
      if (this.#ended) return
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

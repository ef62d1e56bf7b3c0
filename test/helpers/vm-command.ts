/** Runs one command under a test kernel, for people: scripts/vm.sh. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { kernels, stockKernels } from './kernels.ts'
import { runInVm } from './vm.ts'

const usage = `usage: scripts/vm.sh [-v] [-i] [-t SECONDS] [-w FOLDER]... KERNEL [--] COMMAND [ARG]...
  KERNEL  a version (6.1, 6.12-arm64, or Debian's own: 6.12-stock) out of $MINDERBINDER_KERNELS, ../shared/kernels
          or build/kernels, or the path of an image for x86_64
  -v      shows what the kernel prints
  -i      one processor, whose clock goes on by a nanosecond with each instruction
  -t      ends it after that long (600)
  -w      FOLDER can be written to inside; what is written is gone afterwards. build/ always can
The command runs as root, here, with the host's files read-only (on arm64 those of build/arm64), a /tmp and /run of
its own, and no network but loopback. Exit status: the command's own; 125 where the kernel complained or the time was over.
`

async function main(args: string[]): Promise<number> {
  const writable = [resolve('build')].filter(existsSync)
  let verbose = false
  let counted = false
  let seconds = 600
  while (args[0]?.startsWith('-')) {
    const option = args.shift()
    if (option === '-v') verbose = true
    else if (option === '-i') counted = true
    else if (option === '-t') seconds = Number(args.shift())
    else if (option === '-w') writable.push(resolve(args.shift() ?? ''))
    else return fail(usage)
  }
  const name = args.shift()
  if (args[0] === '--') args.shift()
  if (name === undefined || args.length === 0 || !(seconds > 0)) return fail(usage)
  const all = [...kernels(), ...stockKernels(), ...kernels('arm64')]
  const kernel = name.includes('/')
    ? { image: resolve(name), architecture: 'x86_64' as const }
    : all.find((each) => each.name === name)
  if (!kernel || !existsSync(kernel.image))
    return fail(`no kernel ${name}; there are: ${all.map((k) => k.name) || 'none'}\n`)
  const result = await runInVm({
    ...{ kernel, command: args, writable, cwd: process.cwd(), timeout: seconds * 1000 },
    ...(counted && { processors: 'counted' as const }),
    env: passedOn(),
    onStdout: (chunk) => process.stdout.write(chunk),
    onStderr: (chunk) => process.stderr.write(chunk),
    onKernel: (chunk) => verbose && process.stderr.write(chunk),
  })
  for (const trouble of result.trouble) process.stderr.write(`vm: ${trouble}\n`)
  if (verbose) process.stderr.write(`vm: boot ${result.bootMs} ms, in all ${result.totalMs} ms\n`)
  return result.trouble.length > 0 ? 125 : (result.status ?? 125)
}

/** Our own switches, as on the host. */
function passedOn(): Record<string, string> {
  const ours = Object.entries(process.env).filter(([name]) => name.startsWith('MINDERBINDER_'))
  return Object.fromEntries(ours) as Record<string, string>
}

function fail(message: string): number {
  process.stderr.write(message)
  return 125
}

process.exitCode = await main(process.argv.slice(2))

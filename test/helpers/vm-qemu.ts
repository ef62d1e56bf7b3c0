/** What a virtual machine is made of: its command line. Pure. */
import { join } from 'node:path'
import type { Architecture } from '../../src/rules/architecture.ts'
import type { Kernel } from './kernels.ts'

/** With a slash at its end. */
export const repository = new URL('../../', import.meta.url).pathname

/** What qemu is told of the machine's processors. */
const processors = {
  'side by side': ['-accel', 'tcg,thread=multi', '-smp', '2'],
  /**
   * Two that take turns on one of the host's: a quarter cheaper, since none waits for one that the host is not
   * running. Switched at any instruction, but no two of them run at the same time.
   */
  'in turn': ['-accel', 'tcg,thread=single', '-smp', '2'],
  /**
   * One whose clock goes on by a nanosecond with each instruction: what is timed inside are instructions, the same
   * on every host and at any load; but while it waits, as for a file of the host, its clock goes on like ours.
   */
  counted: ['-accel', 'tcg,thread=single', '-icount', 'shift=0', '-smp', '1'],
} as const

export type Processors = keyof typeof processors

interface Hardware {
  readonly program: string
  readonly machine: readonly string[]
  readonly console: string
  /** More of the kernel's command line. */
  readonly kernel: string
  /** What it is told of the clock where that is not counted. */
  readonly clock: string
}

const hardware: Readonly<Record<Architecture, Hardware>> = {
  x86_64: {
    ...{ program: 'qemu-system-x86_64', machine: ['-cpu', 'max'], console: 'ttyS0' },
    // A busy host's timer must not look like a broken one: 6.1 panics at boot where its check sees no tick in time.
    kernel: 'no_timer_check',
    /*
     * The emulated TSC is the host's, and kernels measure at boot how fast that is. If the host runs something else
     * meanwhile, they may be wrong: 6.12 once measured 180 MHz by the PIT where the HPET gave 2,445, which makes its
     * clock 14 times too fast, and RCU saw stalls. (7.2 was seen 60 times too fast, with no log of its boot left.) The
     * HPET needs no measuring: it says how fast it is, and qemu moves it by the host's monotonic clock. `unstable`
     * keeps the scheduler's clock to its ticks, too.
     */
    clock: 'clocksource=hpet tsc=unstable',
  },
  arm64: {
    program: 'qemu-system-aarch64',
    // Pointer authentication by the book costs half of the emulator's time (qemu's docs/system/arm/cpu-features).
    machine: ['-machine', 'virt', '-cpu', 'max,pauth-impdef=on'],
    ...{ console: 'ttyAMA0', kernel: '', clock: '' },
  },
}

/** Of the other architecture nothing here runs inside: scripts/build-arm64-machine.sh makes what does. */
export const foreign = `${repository}build/arm64/`
const overlaid = {
  [repository]: repository,
  [`${foreign}node_modules`]: `${repository}node_modules`,
  [`${foreign}launcher`]: `${repository}build/launcher`,
}
/** The checkout is in the root's place for it in this process's sight only: nothing stays mounted. */
const mountForeign = `set -e; root=$1; shift; mkdir -p "$root${repository}"
while [ "$1" != -- ]; do mount --bind "$1" "$root$2"; shift 2; done; shift; exec "$@"`

export interface QemuOptions {
  readonly kernel: Pick<Kernel, 'image' | 'architecture' | 'modules'>
  readonly processors?: Processors
  /** The folder that the machine writes to; with `modules`, it has the initramfs: `initrd`. */
  readonly share: string
  /** Process 1: a path in the repository. */
  readonly init: string
}

const rootFlags = 'trans=virtio,version=9p2000.L,msize=262144,cache=loose'

/** How an initramfs mounts the root. */
export const mountRoot = `-t 9p -o ${rootFlags},ro root`

/** Its descriptors from 3: console, and the ports stdout, stderr, status; the kernel prints warnings and worse. */
export function qemuCommand(options: QemuOptions): string[] {
  const { kernel, processors: how = 'side by side', share, init } = options
  const { program, machine, console, kernel: more, clock } = hardware[kernel.architecture]
  const root = kernel.modules ? '' : `root=root rootfstype=9p rootflags=${rootFlags} ro`
  const ports = ['stdout', 'stderr', 'status'].flatMap((name, index) => [
    ...['-chardev', `socket,id=${name},fd=${index + 4}`],
    ...['-device', `virtserialport,nr=${index + 1},chardev=${name},name=${name}`],
  ])
  const isForeign = kernel.architecture === 'arm64'
  const folder = isForeign ? `${foreign}root` : '/'
  const command = [
    ...[program, ...machine, ...processors[how], '-m', '2048'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-kernel', kernel.image, ...(kernel.modules ? ['-initrd', join(share, 'initrd')] : [])],
    ...['-virtfs', virtfs(folder, 'root', ',readonly=on'), '-virtfs', virtfs(share, 'share')],
    ...['-chardev', 'socket,id=console,fd=3', '-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci', ...ports],
    // A busy host must not look like a stalled guest.
    '-append',
    `console=${console} ${more} ${how === 'counted' ? '' : clock} loglevel=5 panic=-1 rcupdate.rcu_cpu_stall_timeout=60 ${root} init=${init}`,
  ]
  if (!isForeign) return command
  const mounts = Object.entries(overlaid).flat()
  return ['unshare', '--mount', 'sh', '-c', mountForeign, 'sh', folder, ...mounts, '--', ...command]
}

function virtfs(path: string, tag: string, more = ''): string {
  return `local,path=${path.replaceAll(',', ',,')},mount_tag=${tag},security_model=none,multidevs=remap${more}`
}

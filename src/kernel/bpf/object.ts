/** One loaded BPF object: programs and maps that live as long as it is open. */
import { MinderbinderError } from '../../errors.ts'
import { errnoName, type Pointer } from '../ffi.ts'
import { loadLibc } from '../libc.ts'
import { withoutSignals } from '../signal-mask.ts'
import { type Libbpf, loadLibbpf } from './libbpf.ts'
import { uint32 } from './uint32.ts'

/** What is decided before the kernel sees the object. */
export interface BpfObjectSettings {
  /** For messages: `network` is bpf/network.bpf.o. */
  readonly name: string
  /** What needs it, for messages: `network faults`. */
  readonly purpose: string
  /** The other programs of the object are not loaded. */
  readonly programs: readonly string[]
  /** Programs that attach to a kernel function by its BTF, and the names that it may have there. */
  readonly attachTargets?: Readonly<Record<string, readonly string[]>>
  /** Not of maps that are reused: those have their size. */
  readonly maxEntries: Readonly<Record<string, number>>
  /** Maps of another object that these programs share, by descriptor; it may be closed after load(). */
  readonly reuse?: Readonly<Record<string, number>>
  /** The bytes of the `volatile const` variables, in the order of the source. */
  readonly rodata: Buffer
}

/** Verifier logs are read only after a failure; 2,000 lines of bpf/*.bpf.c fill a tenth of it. */
const LOG_SIZE = 4 * 1024 * 1024
const LOG_LINES_SHOWN = 3

export class BpfObject {
  readonly #libbpf: Libbpf
  readonly #object: Pointer
  #closed = false

  private constructor(libbpf: Libbpf, object: Pointer) {
    this.#libbpf = libbpf
    this.#object = object
  }

  /**
   * @throws {MinderbinderError} MB_LIBBPF, MB_NO_PERMISSION, or MB_ATTACH with the verifier's last lines
   *   (all of them in `detail`)
   */
  static async load(bytes: Buffer, settings: BpfObjectSettings): Promise<BpfObject> {
    const libbpf = await loadLibbpf()
    await loadLibc() // for withoutSignals()
    const first = attempt(libbpf, bytes, settings, undefined)
    if (first.object) return new BpfObject(libbpf, first.object)
    // Without privileges libbpf does without BTF, and then the kernel takes no map that needs it (EINVAL).
    const unprivileged = first.errno === EINVAL && process.geteuid?.() !== 0
    if (first.errno === EPERM || unprivileged) throw noPermission(settings)
    // Again with a log, which costs memory and time that a run that works should not pay.
    const log = Buffer.alloc(LOG_SIZE)
    const second = attempt(libbpf, bytes, settings, log)
    if (second.object) return new BpfObject(libbpf, second.object)
    throw refused(settings, second.errno, log)
  }

  /** File descriptor; valid until close(). */
  program(name: string): number {
    return this.#libbpf.programFd(this.#libbpf.findProgram(this.#object, name))
  }

  /** File descriptor; valid until close(). */
  map(name: string): number {
    return this.#libbpf.mapFd(this.#libbpf.findMap(this.#object, name))
  }

  /** Sets an element of an array map. */
  update(map: string, index: number, value: Buffer): void {
    const result = this.#libbpf.mapUpdate(this.map(map), uint32(index), value, 0n)
    if (result < 0) throw new Error(`map ${map}[${index}]: ${errnoName(result)}`)
  }

  /** Sets many elements of an array map at once. */
  updateAll(map: string, values: ReadonlyMap<number, Buffer>): void {
    this.updateMany(map, [...values.keys()], Buffer.concat([...values.values()]))
  }

  /** Sets many elements of a map whose keys are uint32_t. @param values one after the other, in the order of the keys */
  updateMany(map: string, keys: readonly number[], values: Buffer): void {
    if (keys.length === 0) return
    const bytes = Buffer.from(Uint32Array.from(keys).buffer)
    const count = uint32(keys.length)
    const result = this.#libbpf.mapUpdateBatch(this.map(map), bytes, values, count, null)
    if (result < 0) throw new Error(`map ${map}: ${errnoName(result)}`)
  }

  /** Sets an element of any map. @throws {Error} where the map is full, among others */
  put(map: string, key: Buffer, value: Buffer): void {
    const result = this.#libbpf.mapUpdate(this.map(map), key, value, 0n)
    if (result < 0) throw new Error(`map ${map}: ${errnoName(result)}`)
  }

  /** The same, if it has none yet. (A batch takes no such flag.) */
  putNew(map: string, key: Buffer, value: Buffer): void {
    const result = this.#libbpf.mapUpdate(this.map(map), key, value, BPF_NOEXIST)
    if (result < 0 && result !== -EEXIST) throw new Error(`map ${map}: ${errnoName(result)}`)
  }

  /** Every element of a hash map, key and value, once, in no order; one that comes or goes meanwhile may be missing. */
  entries(map: string, keySize: number, valueSize: number): (readonly [Buffer, Buffer])[] {
    const found = new Map<string, readonly [Buffer, Buffer]>()
    const place = Buffer.alloc(Math.max(keySize, 4))
    const count = Buffer.alloc(4)
    for (let first = true, result = 0; result === 0; first = false) {
      const [keys, values] = [Buffer.alloc(BATCH * keySize), Buffer.alloc(BATCH * valueSize)]
      count.writeUInt32LE(BATCH)
      const from = first ? null : place
      const fd = this.map(map)
      result = this.#libbpf.mapLookupBatch(fd, from, place, keys, values, count, null)
      if (result < 0 && result !== -ENOENT) throw new Error(`map ${map}: ${errnoName(result)}`)
      for (let at = 0; at < count.readUInt32LE(0); at++) {
        const key = keys.subarray(at * keySize, (at + 1) * keySize)
        const value = values.subarray(at * valueSize, (at + 1) * valueSize)
        found.set(key.toString('latin1'), [key, value])
      }
    }
    return [...found.values()]
  }

  /** The element's `size` bytes; undefined if there is none. */
  get(map: string, key: Buffer, size: number): Buffer | undefined {
    const value = Buffer.alloc(size)
    const result = this.#libbpf.mapLookup(this.map(map), key, value)
    if (result < 0 && result !== -ENOENT) throw new Error(`map ${map}: ${errnoName(result)}`)
    return result < 0 ? undefined : value
  }

  /** Nothing happens if there is none. */
  remove(map: string, key: Buffer): void {
    const result = this.#libbpf.mapDelete(this.map(map), key)
    if (result < 0 && result !== -ENOENT) throw new Error(`map ${map}: ${errnoName(result)}`)
  }

  /** Every key of `size` bytes, once, in no order; one that comes or goes meanwhile may be missing. */
  keys(map: string, size: number): Buffer[] {
    const fd = this.map(map)
    const keys = new Map<string, Buffer>()
    let key: Buffer | null = null
    // After a key that has gone the kernel starts again at the first (bpf(2)), so this could go on and on.
    for (let step = 0; step < KEY_STEPS_MAX; step++) {
      const next: Buffer = Buffer.alloc(size)
      if (this.#libbpf.mapNextKey(fd, key, next) < 0) break
      keys.set(next.toString('latin1'), next)
      key = next
    }
    return [...keys.values()]
  }

  /** Reads an element of an array map whose values have `size` bytes. */
  lookup(map: string, index: number, size: number): Buffer {
    const value = Buffer.alloc(size)
    const result = this.#libbpf.mapLookup(this.map(map), uint32(index), value)
    if (result < 0) throw new Error(`map ${map}[${index}]: ${errnoName(result)}`)
    return value
  }

  /** What was attached by link stays attached until the link is closed too. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#libbpf.objectClose(this.#object)
  }
}

const EPERM = 1
const ENOENT = 2
const ESRCH = 3
const EEXIST = 17
const EINVAL = 22
const BPF_NOEXIST = 1n
/** Elements that come out in one call. No bucket of a hash map has as many. */
const BATCH = 1024
/** Four times as many as any map of ours has. */
const KEY_STEPS_MAX = 262_144

type Attempt = { object: Pointer; errno: number }

function attempt(
  libbpf: Libbpf,
  bytes: Buffer,
  settings: BpfObjectSettings,
  log: Buffer | undefined,
): Attempt {
  const name = Buffer.from(`${settings.name}\0`)
  const object = libbpf.objectOpenMem(bytes, bytes.length, openOptions(libbpf, name, log))
  if (!object) return { object: null, errno: libbpf.koffi.errno() }
  let result = configure(libbpf, object, settings)
  // The verifier gives up where a signal is pending (EAGAIN; do_check() in kernel/bpf/verifier.c, since Linux 5.0). libbpf
  // tries five times, and a profiler that samples this thread each millisecond ends them all.
  if (result === 0) result = withoutSignals(() => libbpf.objectLoad(object))
  if (result === 0) return { object, errno: 0 }
  libbpf.objectClose(object)
  return { object: null, errno: -result }
}

/** Returns 0 or a negative errno. */
function configure(libbpf: Libbpf, object: Pointer, settings: BpfObjectSettings): number {
  let program = libbpf.nextProgram(object, null)
  for (; program; program = libbpf.nextProgram(object, program)) {
    const wanted = settings.programs.includes(libbpf.programName(program))
    const result = libbpf.setAutoload(program, wanted)
    if (result < 0) return result
  }
  for (const [name, targets] of Object.entries(settings.attachTargets ?? {})) {
    const found = libbpf.findProgram(object, name)
    const results = targets.map((target) => () => libbpf.setAttachTarget(found, 0, target))
    if (!results.some((attempt) => attempt() === 0)) return -ESRCH
  }
  for (const [name, entries] of Object.entries(settings.maxEntries)) {
    const result = libbpf.setMaxEntries(libbpf.findMap(object, name), entries)
    if (result < 0) return result
  }
  for (const [name, fd] of Object.entries(settings.reuse ?? {})) {
    const result = libbpf.reuseFd(libbpf.findMap(object, name), fd)
    if (result < 0) return result
  }
  const { rodata } = settings
  return libbpf.setInitialValue(libbpf.findMap(object, '.rodata'), rodata, rodata.length)
}

/** struct bpf_object_open_opts of libbpf 1.0; newer ones take the shorter struct as well. */
function openOptions(libbpf: Libbpf, name: Buffer, log: Buffer | undefined): Buffer {
  const options = Buffer.alloc(80)
  options.writeBigUInt64LE(BigInt(options.length), 0) // sz
  options.writeBigUInt64LE(libbpf.koffi.address(name), 8) // object_name
  if (log) {
    options.writeBigUInt64LE(libbpf.koffi.address(log), 56) // kernel_log_buf
    options.writeBigUInt64LE(BigInt(log.length), 64) // kernel_log_size
  }
  return options
}

function noPermission({ name, purpose }: BpfObjectSettings): MinderbinderError {
  const root = process.geteuid?.() === 0
  return new MinderbinderError(
    'MB_NO_PERMISSION',
    root
      ? `the kernel refuses to load bpf/${name}.bpf.o for this root (EPERM)`
      : `${purpose} need root (CAP_BPF, CAP_NET_ADMIN) to load bpf/${name}.bpf.o`,
    {
      hint: root
        ? 'in a container, add the capabilities BPF, PERFMON and NET_ADMIN and allow bpf(2) in its seccomp profile; on a locked-down kernel BPF is off'
        : 'try sudo minderbinder …, with -u NAME to run the command as that user',
    },
  )
}

const outOfFiles: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE'])

function refused(
  { name, purpose }: BpfObjectSettings,
  errno: number,
  log: Buffer,
): MinderbinderError {
  const text = log.toString('utf8', 0, log.indexOf(0)).trimEnd()
  // The last lines say why; the very last ones are statistics.
  const lines = text
    .split('\n')
    .filter((line) => !/^(processed|verification time|stack)/.test(line))
  const last = lines.slice(-LOG_LINES_SHOWN).join('; ')
  return new MinderbinderError(
    'MB_ATTACH',
    `the kernel does not load bpf/${name}.bpf.o: ${errnoName(errno)}${last ? `: ${last}` : ''}`,
    {
      hint: outOfFiles.has(errnoName(errno))
        ? 'raise the hard limit of open files (ulimit -H -n)'
        : `${purpose} need Linux 6.1 or newer; on a newer one this is a bug: please report it with what --debug prints`,
      detail: text,
    },
  )
}

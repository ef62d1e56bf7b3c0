/**
 * libbpf.so.1, typed. Functions that return int return a negative errno; those that return a pointer
 * return null and leave errno (libbpf 1.0, LIBBPF_STRICT_ALL).
 */
import { MinderbinderError } from '../../errors.ts'
import { inBackground, type Koffi, loadKoffi, type Memory, type Pointer } from '../ffi.ts'

export interface Libbpf {
  readonly koffi: Koffi
  objectOpenMem(bytes: Memory, size: number, options: Memory): Pointer
  objectLoad(object: Pointer): number
  objectClose(object: Pointer): void
  /** The program after `previous`, the first after null; null after the last. */
  nextProgram(object: Pointer, previous: Pointer): Pointer
  programName(program: Pointer): string
  findProgram(object: Pointer, name: string): Pointer
  setAutoload(program: Pointer, autoload: boolean): number
  /** For programs that attach to a function by its BTF: -ESRCH where the kernel has none of that name. */
  setAttachTarget(program: Pointer, targetProgram: number, name: string): number
  programFd(program: Pointer): number
  findMap(object: Pointer, name: string): Pointer
  mapFd(map: Pointer): number
  setMaxEntries(map: Pointer, entries: number): number
  /** Before the object is loaded: instead of making this map, it takes the one of `fd`, with its size. */
  reuseFd(map: Pointer, fd: number): number
  setInitialValue(map: Pointer, bytes: Memory, size: number): number
  mapUpdate(fd: number, key: Memory, value: Memory, flags: bigint): number
  /** The same on another thread: for maps of maps the kernel waits for a grace period of RCU. */
  mapUpdateInBackground(fd: number, key: Memory, value: Memory, flags: bigint): Promise<number>
  /** The map's descriptor. */
  mapCreate(
    type: number,
    name: string,
    keySize: number,
    valueSize: number,
    entries: number,
    options: Memory,
  ): number
  mapLookup(fd: number, key: Memory, value: Memory): number
  mapDelete(fd: number, key: Memory): number
  /** The key after `key`, the first after null. */
  mapNextKey(fd: number, key: Memory, next: Memory): number
  /** So many values a lookup in a map of per-CPU values gives. */
  possibleCpus(): number
  /** `count`: a uint32_t, which becomes how many were updated. */
  mapUpdateBatch(fd: number, keys: Memory, values: Memory, count: Memory, options: Memory): number
  /** `inBatch` null: from the first on; else what `outBatch` became. -ENOENT: these are the last ones. */
  mapLookupBatch(
    fd: number,
    inBatch: Memory,
    outBatch: Memory,
    keys: Memory,
    values: Memory,
    count: Memory,
    options: Memory,
  ): number
  /** On another thread: for tcx the kernel waits for an RCU grace period, 10 ms or more. */
  linkCreate(
    programFd: number,
    targetFd: number,
    attachType: number,
    options: Memory,
  ): Promise<number>
  /** The link's descriptor. */
  rawTracepointOpen(name: string, programFd: number): number
  /** `size`: a uint32_t, the room in `info`, which becomes how much was filled in. */
  objectInfo(fd: number, info: Memory, size: Memory): number
  testRun(programFd: number, options: Memory): number
  ringNew(mapFd: number, callback: Pointer, context: Memory, options: Memory): Pointer
  ringConsume(ring: Pointer): number
  ringFree(ring: Pointer): void
}

let library: Promise<Libbpf> | undefined

/**
 * @throws {MinderbinderError} MB_LIBBPF
 */
export function loadLibbpf(): Promise<Libbpf> {
  library ??= loadKoffi().then(bind)
  return library
}

function bind(koffi: Koffi): Libbpf {
  try {
    const libbpf = koffi.load('libbpf.so.1')
    const func = (declaration: string) => libbpf.func(declaration)
    const mapUpdate = func(
      'int bpf_map_update_elem(int fd, void *key, void *value, uint64_t flags)',
    )
    // A null callback turns libbpf's own printing to stderr off.
    func('void *libbpf_set_print(void *callback)')(null)
    return {
      koffi,
      objectOpenMem: func('void *bpf_object__open_mem(void *bytes, size_t size, void *options)'),
      objectLoad: func('int bpf_object__load(void *object)'),
      objectClose: func('void bpf_object__close(void *object)'),
      nextProgram: func('void *bpf_object__next_program(void *object, void *previous)'),
      programName: func('const char *bpf_program__name(void *program)'),
      findProgram: func('void *bpf_object__find_program_by_name(void *object, const char *name)'),
      setAutoload: func('int bpf_program__set_autoload(void *program, bool autoload)'),
      setAttachTarget: func(
        'int bpf_program__set_attach_target(void *program, int target, const char *name)',
      ),
      programFd: func('int bpf_program__fd(void *program)'),
      findMap: func('void *bpf_object__find_map_by_name(void *object, const char *name)'),
      mapFd: func('int bpf_map__fd(void *map)'),
      setMaxEntries: func('int bpf_map__set_max_entries(void *map, uint32_t entries)'),
      reuseFd: func('int bpf_map__reuse_fd(void *map, int fd)'),
      setInitialValue: func('int bpf_map__set_initial_value(void *map, void *bytes, size_t size)'),
      mapUpdate,
      mapUpdateInBackground: inBackground(mapUpdate),
      mapCreate: func(
        'int bpf_map_create(int type, const char *name, uint32_t keySize, uint32_t valueSize, uint32_t entries, void *options)',
      ),
      mapLookup: func('int bpf_map_lookup_elem(int fd, void *key, void *value)'),
      mapDelete: func('int bpf_map_delete_elem(int fd, void *key)'),
      mapNextKey: func('int bpf_map_get_next_key(int fd, void *key, void *next)'),
      possibleCpus: func('int libbpf_num_possible_cpus(void)'),
      mapUpdateBatch: func(
        'int bpf_map_update_batch(int fd, void *keys, void *values, void *count, void *options)',
      ),
      mapLookupBatch: func(
        'int bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, void *count, void *options)',
      ),
      linkCreate: inBackground(
        func('int bpf_link_create(int program, int target, int type, void *options)'),
      ),
      rawTracepointOpen: func('int bpf_raw_tracepoint_open(const char *name, int program)'),
      objectInfo: func('int bpf_obj_get_info_by_fd(int fd, void *info, void *size)'),
      testRun: func('int bpf_prog_test_run_opts(int program, void *options)'),
      ringNew: func('void *ring_buffer__new(int fd, void *callback, void *context, void *options)'),
      ringConsume: func('int ring_buffer__consume(void *ring)'),
      ringFree: func('void ring_buffer__free(void *ring)'),
    }
  } catch (error) {
    throw new MinderbinderError('MB_LIBBPF', `libbpf.so.1 cannot be used: ${why(error)}`, {
      hint: 'BPF programs need libbpf 1.0 or newer: apt install libbpf1, or dnf install libbpf',
      cause: error,
    })
  }
}

function why(error: unknown): string {
  return error instanceof Error ? error.message.trim() : String(error)
}

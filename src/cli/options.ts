/** Every option, once: the parsers, --help, the man page and the completions are held to this table. */
export interface OptionEntry {
  /** commander's notation. */
  readonly flags: string
  readonly description: string
  readonly group: 'Faults' | 'Choice' | 'Output' | 'Other'
}

export const faultOptions = {
  syscall: {
    flags: '--syscall <FAULT>',
    description: 'fail, delay or interrupt system calls: openat=ENOENT@50%, %file=delay:10ms',
    group: 'Faults',
  },
  dropNet: {
    flags: '--drop-net <FAULT>',
    description: 'lose packets silently: 100%, 5%,proto=udp,port=53 (root)',
    group: 'Faults',
  },
  refuseNet: {
    flags: '--refuse-net <FAULT>',
    description: 'make connect() fail with ECONNREFUSED: 100%,to=10.0.0.0/8',
    group: 'Faults',
  },
  inject: {
    flags: '--inject <STRACE_SPEC>',
    description: 'inject what an expression of strace describes: openat:error=ENOENT:when=3+',
    group: 'Faults',
  },
  config: {
    flags: '--config <FILE>',
    description: 'read faults from a configuration file; those of the command line come first',
    group: 'Faults',
  },
} as const satisfies Record<string, OptionEntry>

export const execOptions = {
  seed: {
    flags: '--seed <N>',
    description: 'repeat the random choices of an earlier run',
    group: 'Choice',
  },
  control: {
    flags: '--control [SET]',
    description:
      'let the command add and lift faults while it runs; =SET limits them to these system calls',
    group: 'Choice',
  },
  engine: {
    flags: '--engine <ENGINE>',
    description: 'engine for system call faults',
    group: 'Choice',
  },
  includeLoader: {
    flags: '--include-loader',
    description: 'also fault what ld.so does before a program starts',
    group: 'Choice',
  },
  includeSetuid: {
    flags: '--include-setuid',
    description:
      'also fault set-user-ID programs, though a fault can hand their rights to the user',
    group: 'Choice',
  },
  user: {
    flags: '-u, --user <NAME>',
    description: 'run the command as this user (root)',
    group: 'Choice',
  },
  output: {
    flags: '-o, --output <FILE>',
    description: 'write the summary to FILE instead of stderr',
    group: 'Output',
  },
  log: {
    flags: '--log <FILE>',
    description: 'write a line of JSON to FILE for each injection',
    group: 'Output',
  },
  logLimit: {
    flags: '--log-limit <SIZE>',
    description: 'write no more than SIZE to the log: 100M (default: 1G)',
    group: 'Output',
  },
  report: {
    flags: '--report <FILE>',
    description: 'write what each fault did to FILE, as JSON',
    group: 'Output',
  },
  quiet: {
    flags: '-q, --quiet',
    description: 'write no summary to stderr',
    group: 'Output',
  },
  graph: {
    flags: '--graph',
    description: 'draw live graphs on the terminal (the command must not use it)',
    group: 'Output',
  },
  metrics: {
    flags: '--metrics <ADDR:PORT>',
    description: 'serve metrics for Prometheus at ADDR:PORT while the command runs',
    group: 'Output',
  },
  requireHit: {
    flags: '--require-hit',
    description: 'exit with 122 instead of 0 if a fault never fired',
    group: 'Other',
  },
  requireHitAlways: {
    flags: '--require-hit-always',
    description: 'exit with 122 if a fault never fired, however the command ended',
    group: 'Other',
  },
  debug: {
    flags: '--debug',
    description: 'show all details of an error',
    group: 'Other',
  },
} as const satisfies Record<string, OptionEntry>

export const runOptions = {
  interface: {
    flags: '--interface <IF>',
    description: 'apply network rules to this interface only',
    group: 'Choice',
  },
  seed: execOptions.seed,
  includeLoader: execOptions.includeLoader,
  includeSetuid: execOptions.includeSetuid,
  skipUnsupported: {
    flags: '--skip-unsupported',
    description: 'skip rules that cannot be applied here',
    group: 'Choice',
  },
  dryRun: {
    flags: '--dry-run',
    description: 'list the processes that are targets now, and exit',
    group: 'Choice',
  },
  graph: {
    flags: '--no-graph',
    description: 'print lines, even on a terminal',
    group: 'Output',
  },
  metrics: {
    flags: '--metrics <ADDR:PORT>',
    description: 'serve metrics for Prometheus at ADDR:PORT',
    group: 'Output',
  },
  output: execOptions.output,
  log: execOptions.log,
  logLimit: execOptions.logLimit,
  report: execOptions.report,
  quiet: {
    flags: '-q, --quiet',
    description: 'print no lines and no summary',
    group: 'Output',
  },
  debug: execOptions.debug,
} as const satisfies Record<string, OptionEntry>

/** /run is there on every machine that follows the FHS, and only root writes to it. */
export const DEFAULT_SOCKET = '/run/minderbinder.sock'

export const serveOptions = {
  socket: {
    flags: '--socket <PATH>',
    description: 'listen at PATH',
    group: 'Choice',
  },
  group: {
    flags: '--group <NAME>',
    description: 'let members of this group connect, too',
    group: 'Choice',
  },
  stdio: {
    flags: '--stdio',
    description:
      'serve the process that starts it, on standard input and output, until its input ends',
    group: 'Choice',
  },
  engine: execOptions.engine,
  seed: execOptions.seed,
  includeLoader: execOptions.includeLoader,
  quiet: {
    flags: '-q, --quiet',
    description: 'print no line when it is ready',
    group: 'Output',
  },
  debug: execOptions.debug,
} as const satisfies Record<string, OptionEntry>

export const jsonOptions = {
  json: { flags: '--json', description: 'print JSON', group: 'Output' },
} as const satisfies Record<string, OptionEntry>

/** By command; each has --help as well. */
export const optionsOf: Readonly<Record<string, readonly OptionEntry[]>> = {
  exec: [...Object.values(faultOptions), ...Object.values(execOptions)],
  explain: [...Object.values(faultOptions), ...Object.values(execOptions)],
  run: Object.values(runOptions),
  serve: Object.values(serveOptions),
  doctor: Object.values(jsonOptions),
  list: Object.values(jsonOptions),
}

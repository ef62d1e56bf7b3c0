/** Every option, once: the parser, --help, the man page and the completions are held to this table. */
export interface OptionEntry {
  /** commander's notation. */
  readonly flags: string
  readonly description: string
  readonly group: 'Faults' | 'Choice' | 'Output' | 'Other'
}

export const faultOptions = {
  syscall: {
    flags: '--syscall <SET=OUTCOME[@RATE][,KEY=VALUE]...>',
    description: 'fail, delay or interrupt system calls: openat=ENOENT@50%, %file=delay:10ms',
    group: 'Faults',
  },
  dropNet: {
    flags: '--drop-net <RATE[,KEY=VALUE]...>',
    description: 'lose packets silently: 100%, 5%,proto=udp,port=53 (root)',
    group: 'Faults',
  },
  refuseNet: {
    flags: '--refuse-net <RATE[,KEY=VALUE]...>',
    description: 'let connect() fail with ECONNREFUSED: 100%,to=10.0.0.0/8 (root)',
    group: 'Faults',
  },
  inject: {
    flags: '--inject <STRACE_SPEC>',
    description: "strace's own inject= expression: openat:error=ENOENT:when=3+",
    group: 'Faults',
  },
} as const satisfies Record<string, OptionEntry>

export const execOptions = {
  seed: {
    flags: '--seed <N>',
    description: 'make the chances those of an earlier run',
    group: 'Choice',
  },
  engine: {
    flags: '--engine <ENGINE>',
    description: 'how system calls are faulted',
    group: 'Choice',
  },
  includeLoader: {
    flags: '--include-loader',
    description: 'fault what ld.so does before the program starts, too',
    group: 'Choice',
  },
  user: {
    flags: '-u, --user <NAME>',
    description: 'run the command as this user (root)',
    group: 'Choice',
  },
  output: {
    flags: '-o, --output <FILE>',
    description: 'write the summary to FILE, not to stderr',
    group: 'Output',
  },
  log: {
    flags: '--log <FILE>',
    description: 'write one line of JSON for each injection to FILE',
    group: 'Output',
  },
  quiet: {
    flags: '-q, --quiet',
    description: 'write no summary',
    group: 'Output',
  },
  graph: {
    flags: '--graph',
    description: 'show graphs on the terminal while the command runs, which must not use it',
    group: 'Output',
  },
  metrics: {
    flags: '--metrics <ADDR:PORT>',
    description: 'tell Prometheus at ADDR:PORT what happens, while the command runs',
    group: 'Output',
  },
  requireHit: {
    flags: '--require-hit',
    description: 'fail with 122 if a fault never fired though the command succeeded',
    group: 'Other',
  },
  debug: {
    flags: '--debug',
    description: 'show the whole detail of an error',
    group: 'Other',
  },
} as const satisfies Record<string, OptionEntry>

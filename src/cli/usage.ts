import { packageFile } from '../installation.ts'

/** `minderbinder --help`. */
export function usage(): string {
  return `minderbinder: run a command while the kernel breaks things under it

Usage:
  minderbinder exec [FAULT]... [OPTION]... [--] COMMAND [ARG]...
      run COMMAND under faults, and exit with its status
  minderbinder run [OPTION]... CONFIG.yaml...
      fault the processes that the files name, on the whole machine, until ^C (root)
  minderbinder serve [OPTION]...
      let processes inject faults into themselves, through a socket, until ^C (root)
  minderbinder explain [FAULT]... | CONFIG.yaml
      describe what would happen and by which engine; change nothing
  minderbinder doctor [--json]
      check which faults work here, as this user; exit 1 if none does
  minderbinder list syscalls|errnos|families [--json]
      print the names that a fault can use
  minderbinder --interface IF CONFIG.yaml
      the same as run --interface IF CONFIG.yaml

Examples:
  minderbinder exec --syscall openat=ENOENT -- cat /etc/hostname
  minderbinder exec --syscall %write=ENOSPC,fd=1,when=2+ -- sh -c 'echo 1; echo 2'
  minderbinder exec --syscall fsync=delay:200ms -- make test
  minderbinder exec --config config.yaml -- sh -c 'ls /; cat /etc/hostname'
  sudo minderbinder exec --drop-net 100% -- curl --max-time 3 http://127.0.0.1/
  sudo minderbinder run --skip-unsupported docs/prototype.yaml

Options:
  -h, --help     show this text; after a command: its options (minderbinder exec --help)
  -V, --version  show the version

Manual: man ${packageFile('man/minderbinder.1')}
`
}

/** `minderbinder --help`. */
export const usage = `minderbinder: run a command while the kernel breaks things under it

Usage:
  minderbinder exec [FAULT]... [OPTION]... [--] COMMAND [ARG]...
      run COMMAND under faults; its exit status is minderbinder's
  minderbinder run [OPTION]... CONFIG.yaml...
      fault the processes of the whole machine that files name, until ^C (root)
  minderbinder explain [FAULT]... | CONFIG.yaml
      say in words what would be done and by which engine; change nothing
  minderbinder doctor [--json]
      try which faults work here, as this user; exit 1 when none does
  minderbinder list syscalls|errnos|families [--json]
      the names that faults are made of
  minderbinder --interface IF CONFIG.yaml
      the same as run --interface IF CONFIG.yaml

Examples:
  minderbinder exec --syscall openat=ENOENT -- cat /etc/hostname
  minderbinder exec --syscall write=ENOSPC@10%,fd=1 -- make test
  minderbinder exec --config config.yaml -- curl http://127.0.0.1/
  sudo minderbinder exec --drop-net 100% -- curl --max-time 3 http://127.0.0.1/
  sudo minderbinder run --dry-run config.yaml

minderbinder exec --help and run --help show all faults and options; man minderbinder explains them.
`

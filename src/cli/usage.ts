/** `minderbinder --help`. */
export const usage = `minderbinder: run a command while the kernel breaks things under it

Usage:
  minderbinder exec [FAULT]... [OPTION]... [--] COMMAND [ARG]...
      run COMMAND under faults; its exit status is minderbinder's
  minderbinder explain [FAULT]... | CONFIG.yaml
      say in words what would be done and by which engine; change nothing
  minderbinder doctor [--json]
      try which faults work here, as this user; exit 1 when none does
  minderbinder list syscalls|errnos|families [--json]
      the names that faults are made of

Examples:
  minderbinder exec --syscall openat=ENOENT -- cat /etc/hostname
  minderbinder exec --syscall write=ENOSPC@10%,fd=1 -- make test
  minderbinder exec --config config.yaml -- curl http://127.0.0.1/
  sudo minderbinder exec --drop-net 100% -- curl --max-time 3 http://127.0.0.1/

minderbinder exec --help shows all faults and options; man minderbinder explains them.
`

/** The grammar of faults in brief, below the options of `exec --help` and `explain --help`. */
import { packageFile } from '../installation.ts'

export function faultHelp(): string {
  return `
Faults in full:
  --syscall SET=OUTCOME[@RATE][,KEY=VALUE]...
    SET      openat   open+openat   %file (minderbinder list syscalls, families)
    OUTCOME  ENOENT or -2: fails with it      ret:N: returns N
             delay:50ms: runs after a pause   signal:SIGTERM: gets the signal
    KEY      path=GLOB  fd=N  scope=tree|process
  --drop-net RATE[,KEY=VALUE]...
    KEY      proto=tcp|udp|icmp  port=N|N-M  to=ADDRESS[/BITS]  dir=out|in
             interface=IF
  --refuse-net RATE[,KEY=VALUE]...
    KEY      proto=  port=  to=
  RATE       0% to 100%; --syscall takes 100% without one
  every KEY  after=1s  when=3|3+|3+2|3..9|3..9+2  times=N  name=LABEL

Manual: man ${packageFile('man/minderbinder.1')}`
}

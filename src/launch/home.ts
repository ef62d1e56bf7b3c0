import type { Supervisor } from './supervisor.ts'

/** What a command's session is built on: its supervisor, and what cleans up should this process be killed. */
export interface Home {
  readonly supervisor: Supervisor
  /** Pid of the process that the child's cgroup is named after: a cgroup whose owner is dead goes at the next start. */
  readonly owner: number
  /** Learns of the child's cgroup before there is one. */
  announceCgroup(path: string): void
}

/** Every engine, the preferred first. */
import { cgroup } from './cgroup.ts'
import type { Engine } from './engine.ts'
import { override } from './override.ts'
import { seccomp } from './seccomp.ts'
import { tc } from './tc.ts'

export const engines: readonly Engine[] = [override, seccomp, tc, cgroup]

/** Those that reach processes which nobody launched: seccomp has its own command only. */
export const machineEngines: readonly Engine[] = [override, tc, cgroup]

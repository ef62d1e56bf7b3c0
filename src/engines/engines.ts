/** Every engine, the preferred first. */
import type { Engine } from './engine.ts'
import { seccomp } from './seccomp.ts'

export const engines: readonly Engine[] = [seccomp]

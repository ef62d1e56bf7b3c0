/** System call faults by a seccomp filter that stops the caller for its tracer: the supervisor. */
import type { Engine } from '../engine.ts'
import { engineBySupervisor } from './engine-by-supervisor.ts'
import { whyNotTrace } from './why-not-trace.ts'

export const ptrace: Engine = {
  name: 'ptrace',
  ...engineBySupervisor('ptrace'),
  addedRules: 'unless another is named',
  leaves: whyNotTrace,
}

/** System call faults by seccomp user notification. */
import type { Engine } from '../engine.ts'
import { engineBySupervisor } from './engine-by-supervisor.ts'

export const seccomp: Engine = {
  name: 'seccomp',
  addedRules: 'unless another is named',
  ...engineBySupervisor('seccomp'),
}

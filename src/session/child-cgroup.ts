/** The fresh cgroup that the child starts in. */
import type { TargetCgroup } from '../engines/engine.ts'
import type { Launcher } from './launcher.ts'
import type { Plan } from './plan.ts'
import type { UndoStack } from './undo.ts'

export async function openCgroup(
  _plan: Plan,
  _launcher: Launcher,
  _undo: UndoStack,
): Promise<TargetCgroup | undefined> {
  return undefined
}

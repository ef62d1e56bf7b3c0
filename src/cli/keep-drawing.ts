/** Draws what goes on, again and again. */
import type { Activity } from '../report/activity.ts'
import type { View } from '../view/view.ts'

const INTERVAL_MS = 500

/** @param before called ahead of each time @returns how to stop; the view stays open */
export function keepDrawing(
  view: View,
  sample: () => Promise<Activity>,
  before: () => void = () => {},
): () => void {
  let timer: NodeJS.Timeout
  const look = () => {
    before()
    // A sample that fails is the session's to report: it fails of the same.
    sample().then(
      (activity) => view.update(activity),
      () => {},
    )
    timer = setTimeout(look, INTERVAL_MS)
  }
  look()
  return () => clearTimeout(timer)
}

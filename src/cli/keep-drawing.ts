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
    // A failing sample means that the session is failing, too, and the session reports it.
    sample().then(
      (activity) => view.update(activity),
      () => {},
    )
    timer = setTimeout(look, INTERVAL_MS)
  }
  look()
  return () => clearTimeout(timer)
}

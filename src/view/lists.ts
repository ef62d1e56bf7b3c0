/** The parts of the screen that name things: the targets of now, and the last injections. */
import type { Activity, TargetActivity } from '../report/activity.ts'
import type { ScreenInput } from './input.ts'
import { type Line, span } from './line.ts'
import { type Charset, cut, safe } from './text.ts'

/** A table, the youngest first. */
export function targetLines(activity: Activity, rows: number, charset: Charset): Line[] {
  if (rows <= 0) return []
  const { targets, targetCount } = activity
  const room = rows - 1
  const shown = targets.length > room || targetCount > targets.length ? Math.max(0, room - 1) : room
  const listed = targets.slice(0, shown)
  const left = targetCount - listed.length
  return [
    header(targetCount),
    ...listed.map((target): Line => {
      const pid = target.pid === 0 ? '-' : `${target.pid}`
      return [
        span(`${pid.padStart(7)} `, 'dim'),
        span(safe(target.name, charset)),
        span(`  ${ruleText(target, activity, charset)}`, 'dim'),
      ]
    }),
    ...(left > 0 && room > 0 ? [[span(`and ${left} more`, 'dim')]] : []),
  ]
}

/** All on one line: `targets 12: curl 4711, wget 4710 …`. */
export function targetSummary(activity: Activity, columns: number, charset: Charset): Line {
  const [count] = header(activity.targetCount)
  const names = activity.targets.map(({ name, pid }) =>
    pid === 0 ? safe(name, charset) : `${safe(name, charset)} ${pid}`,
  )
  const text = names.length > 0 ? `: ${names.join(', ')}` : ''
  return [count!, span(cut(text, Math.max(0, columns - (count?.text.length ?? 0)), charset))]
}

export function injectionLines({ history, charset }: ScreenInput, rows: number): Line[] {
  if (rows <= 0) return []
  const injections = history.activity?.injections ?? []
  const room = rows - 1
  return [
    [span('last injections', 'title')],
    ...(room > 0 ? injections.slice(-room) : []).map((text): Line => [span(safe(text, charset))]),
  ]
}

function header(count: number) {
  return [span(`targets ${count}`, 'title')] as const
}

function ruleText({ rules }: TargetActivity, activity: Activity, charset: Charset): string {
  if (rules.length > 1 && rules.length === activity.rules.length) return 'all rules'
  return safe(rules.join(', '), charset)
}

/**
 * An Activity as lines of text, where there is no terminal or no graphs are wanted: what has changed since the last
 * time, one fact a line. Scripts grep them, so their beginnings are a promise: `start:`, `fired:`, `targets:`,
 * `lost:`, `stop:`.
 */
import { counted } from '../rules/words/numbers.ts'
import type { Activity } from './activity.ts'
import { oneLine } from './printable.ts'

const PREFIX = 'minderbinder: '
/** Targets that are named; the others are counted. */
const NAMED = 5

/** What runs, and how to repeat it: each line with its newline, as all of them here. */
export function startLines(title: string, ruleCount: number, seed: string): string[] {
  return lines([`start: ${title}: ${counted(ruleCount, 'rule')}, seed ${seed}`])
}

/**
 * ```
 * fired: break_curl 12 (+3), matched 20, seen 31, by override
 * targets: 2 (+1): curl 4711, wget 4709
 * lost: 7 injections not reported
 * ```
 */
export function activityLines(previous: Activity | undefined, now: Activity): string[] {
  return lines([
    ...now.rules.flatMap(({ label, engine, counts }, index) => {
      const before = previous?.rules[index]
      const known = before?.label === label && before.counts.fired <= counts.fired
      const more = counts.fired - (known ? before.counts.fired : 0n)
      if (more === 0n) return []
      return [
        `fired: ${label} ${counts.fired} (+${more}), matched ${counts.matched}, seen ${counts.seen}, by ${engine}`,
      ]
    }),
    ...targetLine(previous, now),
    ...(now.lostEvents > (previous?.lostEvents ?? 0n)
      ? [`lost: ${counted(now.lostEvents, 'injection')} not reported`]
      : []),
  ])
}

/** The last line; the summary follows. */
export function stopLine(seconds: number): string {
  return `${PREFIX}stop: after ${seconds.toFixed(1)} s\n`
}

/** Nothing if the number stayed the same, though processes came and went: a busy machine would print nothing else. */
function targetLine(previous: Activity | undefined, now: Activity): string[] {
  const before = previous?.targetCount ?? 0
  const change = now.targetCount - before
  if (change === 0) return []
  const named = now.targets.slice(0, NAMED).map(({ name, pid }) => (pid ? `${name} ${pid}` : name))
  const others = now.targetCount - named.length
  const names = [...named, ...(others > 0 && named.length > 0 ? [`${others} more`] : [])].join(', ')
  const sign = change > 0 ? '+' : ''
  return [`targets: ${now.targetCount} (${sign}${change})${names ? `: ${names}` : ''}`]
}

function lines(texts: readonly string[]): string[] {
  return texts.map((text) => `${PREFIX}${oneLine(text)}\n`)
}

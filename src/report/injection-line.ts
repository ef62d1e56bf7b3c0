/** One injection in words, for the views: the log has the whole of it. */
import type { Rule } from '../rules/rule.ts'
import { ordinal } from '../rules/words/numbers.ts'
import type { InjectionEvent } from './event.ts'
import { type LogContext, type LogLine, logObject } from './log.ts'

/** `12:03:27.123 curl[4711] openat /etc/hosts: ENOENT (break_curl, 5th)`, on one line; UTC. */
export function injectionLine(
  event: InjectionEvent,
  rules: readonly Rule[],
  names: LogContext,
): string {
  const line = logObject(event, rules, names)
  const time = line.time.slice('2026-11-23T'.length, '2026-11-23T15:03:27.123'.length)
  const who = line.pid === undefined ? [] : [`${line.comm}[${line.pid}]`]
  return [time, ...who, ...what(line), `(${line.rule}, ${ordinal(line.n)})`].join(' ')
}

function what(line: LogLine): string[] {
  const object = line.path ?? line.address
  const subject = [
    ...(line.syscall === undefined ? [] : [line.syscall]),
    ...(line.protocol === undefined ? [] : [line.protocol]),
    ...(line.direction === undefined || line.syscall !== undefined
      ? []
      : [line.direction === 'out' ? 'to' : 'from']),
    ...(object === undefined ? [] : [object]),
    ...(line.interface === undefined ? [] : [`on ${line.interface}`]),
  ]
  return [`${subject.join(' ')}:`, line.outcome]
}

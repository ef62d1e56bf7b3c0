/** An Activity in Prometheus' text format; names follow prometheus.io/docs/practices/naming. */
import { Counter, Gauge, Registry } from 'prom-client'
import type { Activity } from '../report/activity.ts'

export interface Exposition {
  readonly contentType: string
  readonly text: string
}

/** @param version of minderbinder */
export async function exposition(activity: Activity, version: string): Promise<Exposition> {
  const registry = new Registry()
  const registers = [registry]
  /** Rules of the same name count together. */
  const ofRules = (name: string, help: string, count: (at: number) => bigint) => {
    const counter = new Counter({ name, help, labelNames: ['rule', 'engine'], registers })
    activity.rules.forEach(({ label, engine }, index) => {
      counter.inc({ rule: label, engine }, Number(count(index)))
    })
  }
  const total = (name: string, help: string, value: bigint) =>
    new Counter({ name, help, registers }).inc(Number(value))

  new Gauge({
    name: 'minderbinder_build_info',
    help: 'Constant 1, with the version.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1)
  const counts = (index: number) => activity.rules[index]!.counts
  ofRules(
    'minderbinder_rule_seen_total',
    'System calls, connections or packets that the rule looked at.',
    (index) => counts(index).seen,
  )
  ofRules(
    'minderbinder_rule_matched_total',
    'Of these, those that met all of its conditions.',
    (index) => counts(index).matched,
  )
  ofRules(
    'minderbinder_rule_fired_total',
    'Of these, those that were faulted.',
    (index) => counts(index).fired,
  )
  new Gauge({
    name: 'minderbinder_targets',
    help: 'Processes that are targets now.',
    registers,
  }).set(activity.targetCount)
  total(
    'minderbinder_events_lost_total',
    'Injections that happened and were not reported.',
    activity.lostEvents,
  )
  if (activity.calls) {
    const calls = new Counter({
      name: 'minderbinder_target_syscalls_total',
      help: 'System calls of the targets that returned, by name and result.',
      labelNames: ['syscall', 'result'],
      registers,
    })
    // Both, once a call was made: the share of errors is a quotient of two series that begin together.
    for (const { name, succeeded, failed } of activity.calls.byCall) {
      calls.inc({ syscall: name, result: 'ok' }, Number(succeeded))
      calls.inc({ syscall: name, result: 'error' }, Number(failed))
    }
    total(
      'minderbinder_target_context_switches_total',
      'Times that a thread of a target left a CPU.',
      activity.calls.contextSwitches,
    )
  }
  return { contentType: registry.contentType, text: await registry.metrics() }
}

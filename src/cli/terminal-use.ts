/** Whose terminal it is. */
import { readStat } from '../kernel/process/proc-stat.ts'
import { frontPid, launcherFds } from '../launch/front.ts'
import { writeTo } from './standard-streams.ts'

/** A job in the background leaves the terminal to the shell. False if there is no such process any more. */
export function inForeground(pid: number): boolean {
  try {
    const { field } = readStat(pid)
    return field(5) === field(8) // pgrp, tpgid
  } catch {
    return false
  }
}

/** The summary where the graphs of exec were, which are gone. Not from the background: that would stop us, or intrude. */
export function writeAfterView(text: string): void {
  if (inForeground(frontPid)) writeTo(launcherFds.terminal, text)
}

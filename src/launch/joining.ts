/** A process that installs a filter of its own, as the helper sees it that it has started: src/own-filter/helper.c. */
import { spawn } from 'node:child_process'
import { closeSync, fstatSync } from 'node:fs'
import { MinderbinderError } from '../errors.ts'
import { writeDescriptor } from './descriptor.ts'
import { launcherPath } from './launcher-path.ts'
import { type StartedSupervisor, supervisorName, supervisorOf } from './supervisor-process.ts'

/** To the process, and the supervisor's from its start on. */
const JOINING = 3

/** JOIN_REFUSED of src/launcher/shared/joining.h, and what is shorter than its JOIN_TEXT_MAX in any encoding. */
const REFUSED = 4
const MESSAGE_MAX = 512

/** Has a process started this one to be joined? */
export function isJoining(): boolean {
  try {
    return fstatSync(JOINING).isSocket()
  } catch {
    return false
  }
}

/** There will be no supervisor, and this is why: own-filter.ts of src/testing makes an error of it. */
export function refuseJoining({ code, message, hint }: MinderbinderError): void {
  const head = Buffer.alloc(4)
  head.writeUInt32LE(REFUSED)
  const text = JSON.stringify({ code, message: message.slice(0, MESSAGE_MAX), hint })
  writeDescriptor(JOINING, Buffer.concat([head, Buffer.from(text)]))
}

/** The supervisor has it now, alone: its end is the supervisor's end. */
export function leaveJoining(): void {
  closeSync(JOINING)
}

/** @throws {MinderbinderError} MB_LAUNCHER */
export async function startJoinedSupervisor(): Promise<StartedSupervisor> {
  const child = spawn(launcherPath(), ['joined'], {
    argv0: supervisorName,
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe', JOINING],
  })
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  }).catch((error) => {
    throw new MinderbinderError('MB_LAUNCHER', `cannot start its supervisor: ${error.message}`)
  })
  return supervisorOf(child.stdio, () => child.unref())
}

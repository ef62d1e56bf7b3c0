/**
 * A process that owns network faults, for tests that kill it or put it in a network namespace.
 * Its arguments: JSON of the faults and, if given, a command line to run before it waits until they are in force.
 * Prints its cgroup as JSON once attached, or the error's code; then answers each line on stdin: `counts`, `words`
 * (what it has said and would say at the end), `close`.
 */
import { execFileSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { tc } from '../../src/engines/network/tc.ts'
import { createCgroup, destroyCgroup } from '../../src/kernel/cgroup/cgroup.ts'
import { processIdentity } from '../../src/kernel/process/identity.ts'
import { networkRule } from './network-rule.ts'

const [, , faultsText = '[]', beforeReady] = process.argv
const faults = JSON.parse(faultsText) as string[]
const rules = faults.map(networkRule)
const cgroup = createCgroup(processIdentity(process.pid)!)
const say = (answer: unknown) =>
  process.stdout.write(
    `${JSON.stringify(answer, (_, v) => (typeof v === 'bigint' ? Number(v) : v))}\n`,
  )

try {
  const notices: string[] = []
  const onNotice = (text: string) => void notices.push(text)
  const context = { rules, seed: 1n, cgroup, onNotice }
  const engine = await tc.attach(context, [...rules.keys()])
  if (beforeReady !== undefined) {
    const [program = '', ...args] = beforeReady.split(' ')
    execFileSync(program, args)
  }
  await engine.ready?.()
  engine.start?.()
  say({ cgroup })
  for await (const line of createInterface(process.stdin)) {
    if (line === 'close') break
    if (line === 'words') {
      say({ notices, notes: (await engine.snapshot()).notes })
      continue
    }
    say(
      [...(await engine.snapshot()).counts.values()].map(({ seen, matched, fired }) => [
        seen,
        matched,
        fired,
      ]),
    )
  }
  await engine.close()
} catch (error) {
  const { code, message, hint } = error as { code?: string; message: string; hint?: string }
  say({ code, message, hint })
}
await destroyCgroup(cgroup.path)
process.stdin.destroy()

/** The whole examination, in order. Nothing is left of it, whatever goes wrong on the way. */
import { tryCgroup, tryKill } from './cgroup.ts'
import { tryEgress } from './egress.ts'
import { readFacts } from './facts.ts'
import { tryHook } from './hook.ts'
import { tryLibbpf } from './libbpf.ts'
import { tryNetwork } from './network.ts'
import { tryOverride } from './override.ts'
import { privilegeChecks } from './privileges.ts'
import { probePtrace, ptraceCheck } from './ptrace.ts'
import type { Report } from './report.ts'
import { hasIoUring, probeSeccomp, seccompChecks } from './seccomp.ts'
import { tryTracing } from './tracing.ts'
import { verdicts } from './verdict.ts'

export async function examine(): Promise<Report> {
  const answers = await probeSeccomp()
  const facts = readFacts(hasIoUring(answers) ?? null)
  const { trial, checks: cgroupChecks } = await tryCgroup(facts)
  const where = trial ?? cgroupChecks.at(-1)!
  try {
    const checks = [
      await tryOverride(where, facts),
      await tryHook(where, facts),
      ...seccompChecks(answers),
      ptraceCheck(await probePtrace()),
      ...cgroupChecks,
      await tryLibbpf(facts),
      ...(await tryEgress(facts)),
      ...(await tryNetwork(where, facts)),
      ...(await tryTracing(facts)),
      ...privilegeChecks(facts),
      await tryKill(trial),
    ]
    return { checks, facts, verdicts: verdicts(checks) }
  } finally {
    await trial?.close()
  }
}

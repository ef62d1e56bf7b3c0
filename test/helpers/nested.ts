/** minderbinder in a command of `exec --control`. */
import { minderbinder, type RunOptions, type RunResult, runMinderbinder } from './run.ts'

export const outerEngines = ['ptrace', 'seccomp'] as const

/** For sh, which finds it as "$M". */
export function outerArguments(engine: string, script: string, options: readonly string[] = []) {
  return ['exec', '--engine', engine, '--control', ...options, '--', 'sh', '-c', script]
}

export function runInOuter(
  engine: string,
  script: string,
  { outer = [], ...options }: RunOptions & { readonly outer?: readonly string[] } = {},
): Promise<RunResult> {
  return runMinderbinder(outerArguments(engine, script, ['-q', ...outer]), {
    ...options,
    env: { ...options.env, M: minderbinder },
  })
}

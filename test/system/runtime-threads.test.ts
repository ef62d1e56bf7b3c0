/** scope=thread in programs whose runtime has threads of its own: each of the program's counts for itself. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { type Need, requires } from '../helpers/requires.ts'
import { runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const fixtures = new URL('../fixtures/', import.meta.url).pathname

interface Runtime {
  readonly needs: Need
  /** Opens a file 5 times in each of 4 threads, and prints for each which failed. */
  command(t: TestContext): readonly string[]
  readonly failed: (call: number) => string
}

const runtimes: Readonly<Record<string, Runtime>> = {
  Go: {
    needs: 'go',
    command(t) {
      const folder = scratch(t)
      const program = join(folder, 'threads')
      const env = { ...process.env, GOCACHE: join(folder, 'cache'), CGO_ENABLED: '0' }
      const build = ['build', '-o', program, join(fixtures, 'go-threads.go')]
      execFileSync('go', build, { cwd: folder, env })
      return [program]
    },
    failed: (call) => `${call} input/output error;`,
  },
  Java: {
    needs: 'java',
    command: () => ['java', join(fixtures, 'Threads.java')],
    failed: (call) => `${call} /etc/hostname (Input/output error);`,
  },
}

for (const [name, { needs, command, failed }] of Object.entries(runtimes))
  test(`${name}: each thread counts its own calls, the runtime’s threads among them`, async (t) => {
    if (!requires(t, needs)) return
    const program = command(t)
    for (const engine of ['ptrace', 'seccomp'])
      for (const [when, calls] of [
        ['when=2+2', [2, 4]],
        // The twin: no thread makes a sixth call.
        ['when=6+', []],
      ] as const) {
        const fault = `openat=EIO,path=/etc/hostname,${when},scope=thread`
        const args = ['exec', '--engine', engine, '--syscall', fault, '--', ...program]
        const done = await runMinderbinder([...args, '/etc/hostname'])
        const line = calls.map(failed).join('')
        assert.deepEqual(done.stdout.split('\n'), [line, line, line, line, ''], done.stderr)
        assert.match(done.stderr, new RegExp(` ${engine} +\\d+ +20 +${4 * calls.length}$`, 'm'))
      }
  })

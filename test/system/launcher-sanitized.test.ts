/** The launcher's C under the address and undefined-behaviour sanitizers, through everything it does. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after } from 'node:test'
import { requires } from '../helpers/requires.ts'
import { run } from '../helpers/run.ts'

const repository = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'minderbinder-test-'))
after(() => {
  rmSync(folder, { recursive: true })
  if (built) rmSync(built)
})
let built: string | undefined

function launcher(): string {
  if (built === undefined) {
    // Beside the real one: it finds dist from there.
    built = join(repository, 'build', `launcher-sanitized-${process.pid}`)
    execFileSync('sh', [
      join(repository, 'scripts/build-launcher.sh'),
      built,
      '-fsanitize=address,undefined',
      '-fno-sanitize-recover=all',
    ])
  }
  return built
}

function exec(...args: string[]) {
  // The supervisor has no stderr any more when it serves: reports go to files.
  const options = `log_path=${join(folder, 'report')}`
  return run([launcher(), 'exec', ...args], {
    env: { ASAN_OPTIONS: options, UBSAN_OPTIONS: options },
  })
}

const cases: [what: string, args: string[], status: number | null, signal: string | null][] = [
  ['an errno', ['--syscall', 'openat=ENOENT', 'cat', '/etc/hostname'], 1, null],
  ['a return value', ['--syscall', 'getppid=ret:7', '/bin/true'], 0, null],
  ['a delay', ['--syscall', 'openat=delay:1ms', 'cat', '/etc/hostname'], 0, null],
  ['a signal', ['--syscall', 'openat=signal:TERM', 'cat', '/etc/hostname'], null, 'SIGTERM'],
  [
    'a path and a process',
    [
      '--syscall',
      'openat=EIO,path=/etc/host*,scope=process,after=1us',
      'sh',
      '-c',
      'cat /etc/hostname; cat /etc/passwd >/dev/null',
    ],
    0,
    null,
  ],
  ['every call', ['--syscall', '%all=EIO@0%', 'sh', '-c', 'ls / >/dev/null; true'], 0, null],
  ['threads', ['--syscall', 'openat=EIO@1%', 'node', '-e', '0'], 0, null],
  ['a command that is not there', ['--syscall', 'openat=EIO', '/nonexistent'], 127, null],
  ['a usage error', ['--syscall', 'nonsense', 'true'], 125, null],
]

for (const [what, args, status, signal] of cases)
  test(`no sanitizer complains: ${what}`, async (t) => {
    if (!requires(t, 'cc')) return
    const log = join(folder, 'log')
    const result = await exec('--log', log, ...args)
    const reports = readdirSync(folder).filter((name) => name.startsWith('report'))
    assert.deepEqual(
      reports,
      [],
      reports.map((name) => readFileSync(join(folder, name), 'utf8'))[0],
    )
    assert.deepEqual([result.status, result.signal], [status, signal], result.stderr)
    if (status === 1) assert.match(readFileSync(log, 'utf8'), /"path":"\/etc\/hostname"/)
  })

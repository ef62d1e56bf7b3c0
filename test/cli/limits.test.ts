/** Limits that the caller set for the command are not node's; what env(1) takes, exec takes. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { identities, unprivileged } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run } from '../helpers/run.ts'

const prefix = [minderbinder, 'exec', '-q', '--syscall', 'getppid=EPERM@0%', '--']

for (const { title, options } of identities)
  for (const [limit, show] of [
    ['-S -v 300000', '-v'],
    ['-S -d 10000', '-d'],
    ['-S -u 5', '-u'],
    ['-S -n 5', '-n'],
    ['-n 30', '-n'],
    ['-S -s 200', '-s'],
    ['-S -t 1000', '-t'],
    ['-S -i 0', '-i'],
  ] as const)
    test(`ulimit ${limit}: node lives, and the command has the limit, ${title}`, async () => {
      const script = `ulimit ${limit}; exec "$@" bash --norc -c 'ulimit ${show}'`
      const done = await run(['bash', '--norc', '-c', script, 'bash', ...prefix], options)
      assert.deepEqual(
        [done.stdout, done.stderr, done.status],
        [`${limit.split(' ').at(-1)}\n`, '', 0],
      )
    })

for (const [limit, what] of [
  ['-v 300000', 'virtual memory \\(ulimit -v\\)'],
  ['-d 10000', 'data \\(ulimit -d\\)'],
] as const)
  test(`a hard ulimit ${limit} is named, unless root may lift it`, async () => {
    const script = `ulimit ${limit}; exec "$@"`
    const done = await run(
      ['bash', '--norc', '-c', script, 'bash', ...prefix, 'true'],
      unprivileged.options,
    )
    assert.equal(done.status, 125)
    assert.match(
      done.stderr,
      new RegExp(`^minderbinder: the hard limit of ${what} is too low for node\n`),
    )
  })

test('a hundred and fifty thousand arguments, and two megabytes of them', async (t) => {
  if (!requires(t, 'python3')) return
  const program = `import subprocess, sys
def status(front, arguments): return subprocess.run(front + ['/bin/sh', '-c', 'test $# -eq $0'] + [str(len(arguments))] + arguments).returncode
for arguments in ['a'] * 150000, ['a' * 100000] * 20: print(status(['env'], arguments), status(sys.argv[1:], arguments))`
  const done = await run(['/usr/bin/python3', '-c', program, ...prefix])
  assert.deepEqual([done.stdout, done.stderr], ['0 0\n0 0\n', ''])
})

test('no variable of the environment makes exec print another process’s environment', async () => {
  const env = { MINDERBINDER_ENVIRONMENT: `of:${process.pid}` }
  const done = await run([...prefix, 'sh', '-c', 'echo "$MINDERBINDER_ENVIRONMENT"; exit 3'], {
    env,
  })
  assert.deepEqual([done.stdout, done.status], [`of:${process.pid}\n`, 3])
})

/** -o and --log by the names of the caller's descriptors, and never by those of node's. */
import assert from 'node:assert/strict'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { identities } from '../helpers/identity.ts'
import { minderbinder, run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

/** A fault that fires once: one line of log, three of summary. */
const faulted = [
  '--syscall',
  'openat=ENOENT,path=/no/such',
  '--',
  'sh',
  '-c',
  ': <"$0"',
  '/no/such',
]
const summary = /^minderbinder: rule.*\n.*\nminderbinder: .*--seed \d+\n$/
const log = /^\{"time":.*"syscall":"openat".*\}\n$/

/** `"$@"` is exec with these options; the command's own message goes away. */
function shell(script: string, options: readonly string[], cwd: string, user = {}) {
  const line = [
    minderbinder,
    'exec',
    ...options,
    ...faulted.slice(0, -2),
    ': 2>/dev/null <"$0"',
    '/no/such',
  ]
  return run(['bash', '--norc', '-c', script, 'bash', ...line], { cwd, ...user })
}

for (const { title, options } of identities) {
  for (const name of ['-', '/dev/stdout', '/dev/fd/1', '/proc/self/fd/1'])
    test(`-o ${name}: the summary is on standard output, ${title}`, async (t) => {
      const done = await shell('"$@" | cat', ['-o', name], scratch(t), options)
      assert.match(done.stdout, summary)
      assert.equal(done.stderr, '')
    })

  test(`--log /dev/stderr: among what the command writes there, ${title}`, async (t) => {
    const done = await shell('"$@"', ['-q', '--log', '/dev/stderr'], scratch(t), options)
    assert.match(done.stderr, log)
  })

  test(`--log /dev/fd/N and -o /proc/self/fd/N: the caller’s, appended to where they stand, ${title}`, async (t) => {
    const folder = scratch(t)
    for (const name of ['five', 'nine'])
      writeFileSync(join(folder, name), 'before\n', { mode: 0o666 })
    await run(['chmod', '666', join(folder, 'five'), join(folder, 'nine')])
    const options_ = ['--log', '/dev/fd/5', '--output=/proc/self/fd/9']
    const done = await shell('"$@" 5>>five 9>>nine; echo $?', options_, folder, options)
    assert.deepEqual([done.stdout, done.stderr], ['2\n', ''])
    const [five, nine] = ['five', 'nine'].map((name) => readFileSync(join(folder, name), 'utf8'))
    assert.match(five!.replace(/^before\n/, ''), log)
    assert.match(nine!.replace(/^before\n/, ''), summary)
    assert.match(five! + nine!, /^before\n[\s\S]*\nbefore\n/)
  })

  test(`--log >(command), ${title}`, async (t) => {
    const script = 'exec=$1; shift; "$exec" exec -q --log >(sed s/^/got:/) "$@"'
    const line = ['bash', '--norc', '-c', script, 'bash', minderbinder, ...faulted]
    const done = await run(line, { cwd: scratch(t), ...options })
    assert.match(done.stdout, /^got:\{"time"/)
  })

  test(`a descriptor that is closed, or that only node has, is an error, ${title}`, async (t) => {
    const folder = scratch(t)
    for (let number = 3; number < 30; number++) {
      const done = await shell('"$@"; echo $?', ['--log', `/dev/fd/${number}`], folder, options)
      assert.equal(done.stdout, '125\n')
      assert.match(
        done.stderr,
        new RegExp(
          `^minderbinder: cannot write /dev/fd/${number}: it is not open \\[MB_OUTPUT\\]\\n`,
        ),
      )
    }
  })

  test(`nor does a link lead to one of node’s, ${title}`, async (t) => {
    const folder = scratch(t)
    for (let number = 3; number < 30; number++) {
      symlinkSync(`/proc/self/fd/${number}`, join(folder, `${number}`))
      const done = await shell('"$@"; echo $?', ['-q', '--log', `${number}`], folder, options)
      assert.equal(done.stdout, '125\n', `${number}: ${done.stderr}`)
      assert.match(done.stderr, /^minderbinder: cannot write \d+: /)
    }
  })
}

test('standard output closed: - is an error', async (t) => {
  const done = await shell('"$@" >&-', ['-o', '-'], scratch(t))
  assert.match(done.stderr, /^minderbinder: cannot write -: it is not open \[MB_OUTPUT\]\n/)
  assert.equal(done.status, 125)
})

test('a descriptor that is open for reading only is an error', async (t) => {
  const done = await shell('"$@" 5</etc/passwd', ['--log', '/dev/fd/5'], scratch(t))
  assert.match(
    done.stderr,
    /^minderbinder: cannot write \/dev\/fd\/5: it is open for reading only \[MB_OUTPUT\]\n$/,
  )
  assert.equal(done.status, 125)
})

test('-o and --log that are one file are an error; /dev/null can be both', async (t) => {
  const folder = scratch(t)
  symlinkSync('same', join(folder, 'link'))
  const same = await shell('"$@"; echo $?', ['-o', 'same', '--log', './link'], folder)
  assert.equal(same.stdout, '125\n')
  assert.match(
    same.stderr,
    /^minderbinder: --output and --log are one file, \.\/link \[MB_OUTPUT\]\n/,
  )
  const nowhere = await shell('"$@"; echo $?', ['-o', '/dev/null', '--log', '/dev/null'], folder)
  assert.deepEqual([nowhere.stdout, nowhere.stderr], ['2\n', ''])
})

test('what the command alone names stays the command’s: a reader sees its end when the command closes it', async (t) => {
  const script = 'mkfifo f; { cat f; echo end; } & "$@" 7>f; wait'
  const command = ['sh', '-c', 'echo one >&7; exec 7>&-; sleep 0.5; echo late', '/dev/fd/7']
  const line = [minderbinder, 'exec', '-q', '--', ...command]
  const done = await run(['bash', '--norc', '-c', script, 'bash', ...line], { cwd: scratch(t) })
  assert.equal(done.stdout, 'one\nend\nlate\n')
})

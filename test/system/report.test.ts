/** `exec --report FILE` with rules that need root. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { parseReport } from '../helpers/report-schema.ts'
import { requires } from '../helpers/requires.ts'
import { runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

/** Sends three datagrams to itself. */
const program = `import socket
own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own.bind(("127.0.0.1", 0))
for _ in range(3): own.sendto(b"x", own.getsockname())`

test('each rule stands beside the engine that did it', async (t) => {
  if (!requires(t, 'root', 'cgroup2', 'libbpf', 'python3')) return
  const file = join(scratch(t), 'report')
  const faults = [
    '--syscall',
    'sendto=delay:1us',
    '--drop-net',
    'proto=udp',
    '--refuse-net',
    '100%',
  ]
  const command = ['/usr/bin/python3', '-c', program]
  await runMinderbinder([
    'exec',
    '-q',
    '--engine',
    'seccomp',
    '--report',
    file,
    ...faults,
    '--',
    ...command,
  ])
  const { rules, notes } = parseReport(readFileSync(file, 'utf8'))
  assert.deepEqual(
    rules.map(({ engine, fired, whyNotFired }: Record<string, unknown>) => [
      engine,
      fired,
      whyNotFired,
    ]),
    [
      ['seccomp', 3, undefined],
      ['tc', 3, undefined],
      ['cgroup', 0, 'no connect() of the command was seen'],
    ],
  )
  assert.deepEqual(notes, [])
})

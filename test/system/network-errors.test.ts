/** What network faults say where they cannot work; nothing is left then. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { settingsOf } from '../../src/engines/network/settings.ts'
import { MinderbinderError } from '../../src/errors.ts'
import { readBpfObject } from '../../src/kernel/bpf/file.ts'
import { BpfObject } from '../../src/kernel/bpf/object.ts'
import { Namespace } from '../helpers/network-namespace.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run } from '../helpers/run.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'

/** Loads the object in a process of its own and prints the error. */
const script = `
import { readBpfObject } from '${new URL('../../src/kernel/bpf/file.ts', import.meta.url).pathname}'
import { BpfObject } from '${new URL('../../src/kernel/bpf/object.ts', import.meta.url).pathname}'
const settings = { name: 'network', purpose: 'network faults', programs: ['mb_drop_out'], maxEntries: {}, rodata: Buffer.alloc(40) }
BpfObject.load(readBpfObject('network'), settings).then(
  () => console.log('loaded'),
  ({ code, message, hint }) => console.log(JSON.stringify({ code, message, hint })),
)
`
const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', script]

test('an ordinary user is told to use sudo', async (t) => {
  if (!requires(t, 'root', 'libbpf', 'user:nobody')) return
  const { stdout, stderr } = await run(node, { user: 'nobody' })
  assert.match(stdout, /"MB_NO_PERMISSION"/)
  assert.match(stdout, /need root/)
  assert.match(stdout, /try sudo/)
  assert.equal(stderr, '')
})

test('a missing libbpf is named, with how to install it', async (t) => {
  if (!requires(t, 'root', 'libbpf', 'unshare', 'mount')) return
  const hide = `
    for path in $(ldconfig -p | sed -n 's/.*libbpf\\.so\\.1.*=> //p'); do
      mount --bind /dev/null "$path" || exit 9
    done
    exec "$@"`
  const { stdout } = await run(['unshare', '--mount', 'sh', '-c', hide, 'sh', ...node])
  assert.match(stdout, /"MB_LIBBPF"/)
  assert.match(stdout, /apt install libbpf1/)
})

test('the verifier’s last lines are in the message, all of them in the detail', async (t) => {
  if (!requires(t, 'root', 'libbpf')) return
  const before = systemState()
  const bytes = readBpfObject('network')
  // call bpf_set_retval (187) becomes a call of a helper that no kernel has.
  const call = Buffer.from([0x85, 0, 0, 0, 187, 0, 0, 0])
  const at = bytes.indexOf(call)
  assert.ok(at > 0)
  bytes.writeUInt32LE(99_999, at + 4)
  const settings = {
    name: 'network',
    purpose: 'network faults',
    programs: ['mb_connect4', 'mb_connect6'],
    maxEntries: {},
    rodata: settingsOf(
      { dropIn: [] },
      { targeted: false, machine: false, table: 0, netns: 0n },
      { rules: [], wantsEvents: false },
    ),
  }
  await assert.rejects(BpfObject.load(bytes, settings), (error) => {
    assert.ok(error instanceof MinderbinderError)
    assert.equal(error.code, 'MB_ATTACH')
    assert.match(error.message, /EINVAL: .*unknown.*99999/)
    assert.ok(!error.message.includes('\n'))
    assert.match(error.detail ?? '', /walk\.remote\.family = 4/)
    assert.match(error.hint ?? '', /Linux 6\.1/)
    return true
  })
  await nothingLeft(before)
})

test('if one interface cannot be attached to, the command does not start, and nothing is left at the others', async (t) => {
  if (!requires(t, 'root', 'cgroup2', 'libbpf', 'netns', 'ip', 'tc', 'unshare')) return
  const namespace = await Namespace.open(t)
  for (const line of [
    'ip link add shut0 type veth peer name shut1',
    'ip link set shut1 up',
    'ip link set shut0 up',
    'tc qdisc add dev shut0 ingress', // a clsact qdisc has no place beside it
  ])
    namespace.run(line)
  const attached = () =>
    ['lo', 'shut0', 'shut1'].map((name) => namespace.run(`tc qdisc show dev ${name}`)).join('')
  const [before, state] = [attached(), systemState()]
  const exec = ['exec', '--drop-net', '100%', '--', 'echo', 'it ran']
  const env = { MINDERBINDER_NO_FEATURE: 'tcx' }
  const failed = await run(namespace.inside(minderbinder, ...exec), { env })
  assert.deepEqual([failed.status, failed.stdout], [125, ''])
  assert.match(failed.stderr, /^minderbinder: .*interface shut0: E.* \[MB_ATTACH\]$/m)
  assert.equal(attached(), before)
  await nothingLeft(state)
  namespace.run('tc qdisc del dev shut0 ingress')
  const ran = await run(namespace.inside(minderbinder, ...exec), { env })
  assert.deepEqual([ran.status, ran.stdout], [0, 'it ran\n'])
})

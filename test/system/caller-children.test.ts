/** `helper & exec minderbinder exec ...`, as entry points of containers do: the helper is none of our business. */
import assert from 'node:assert/strict'
import { constants } from 'node:os'
import test from 'node:test'
import { alive, descendants, ourProcesses, program } from '../helpers/processes.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, type RunResult, run, start } from '../helpers/run.ts'
import { until } from '../helpers/until.ts'

const { SIGKILL } = constants.signals
const helper = 'sleep 1000 >/dev/null 2>&1 & echo $!; exec "$@"'
const fault = ['--syscall', 'getppid=EPERM@0%']

function spared({ stdout }: Pick<RunResult, 'stdout'>): void {
  const pid = Number(stdout.split('\n')[0])
  const lives = alive(pid)
  if (lives) process.kill(pid, SIGKILL)
  assert.ok(pid > 0 && lives, 'the helper was killed')
}

for (const args of [
  ['--help'],
  ['--bogus'],
  [],
  ['--log', '/nonexistent/x', ...fault, 'true'],
  ['--config', '/nonexistent', 'true'],
  [...fault, '/nonexistent'],
  ['-q', ...fault, 'true'],
])
  test(`exec ${args.join(' ')}: a child that the caller had before lives on`, async () => {
    spared(await run(['bash', '--norc', '-c', helper, 'bash', minderbinder, 'exec', ...args]))
  })

for (const victim of ['supervisor', 'node'] as const)
  test(`the ${victim} is killed: the command’s tree ends, and the caller’s own children do not`, async (t) => {
    if (!requires(t, 'bash' as 'cc')) return
    // One that becomes the front's only when its parent, a child of the caller's, has ended.
    const script = `bash --norc -c 'sleep 1001 >/dev/null 2>&1 & echo $!; read line' & ${helper}`
    const tree = 'setsid sleep 1002 & sleep 1002 & echo ready; wait'
    const line = [
      'bash',
      '--norc',
      '-c',
      script,
      'bash',
      minderbinder,
      'exec',
      ...fault,
      'sh',
      '-c',
      tree,
    ]
    const running = start(line)
    await until(() => running.stdout().includes('ready'), { what: 'the tree' })
    const { node, supervisor } = ourProcesses(running.pid)
    const pid = victim === 'node' ? node : supervisor
    assert.ok(pid && supervisor)
    let targets: number[] = []
    // setsid(1) is another program for a moment.
    const isTree = () => {
      targets = descendants(supervisor)
      return targets.filter((each) => /sleep|sh$/.test(program(each))).length === 3
    }
    await until(isTree, { what: 'the programs of the tree' })
    process.kill(pid, SIGKILL)
    assert.equal((await running.exited).status, 125)
    await until(() => !targets.some(alive), { what: 'the end of the tree' })
    const earlier = running.stdout().match(/^\d+$/gm)?.map(Number) ?? []
    const lives = earlier.map(alive)
    for (const each of earlier) if (alive(each)) process.kill(each, SIGKILL)
    assert.deepEqual(lives, [true, true])
  })

test('in a pid namespace with the /proc outside nothing runs', async (t) => {
  if (!requires(t, 'root', 'unshare')) return
  const inside = ['unshare', '--pid', '--fork']
  const line = [minderbinder, 'exec', '-q', ...fault, '--', 'echo', 'ran']
  const refused = await run([...inside, ...line])
  assert.deepEqual([refused.status, refused.stdout], [125, ''])
  assert.match(
    refused.stderr,
    /^minderbinder: \/proc is that of another pid namespace\nminderbinder: hint: .*--mount-proc/,
  )
  const done = await run([...inside, '--mount-proc', ...line])
  assert.deepEqual([done.status, done.stdout, done.stderr], [0, 'ran\n', ''])
})

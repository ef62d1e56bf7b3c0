/** At a terminal: job control works as if minderbinder were not there. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { descendants, program } from '../helpers/processes.ts'
import { requires } from '../helpers/requires.ts'
import { engineOption, minderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { keys, shell, type Terminal, terminal } from '../helpers/terminal.ts'
import { until } from '../helpers/until.ts'

const options = [...engineOption, '-q', '--syscall', 'openat=ENOENT@0%'].join(' ')
const prefix = `${minderbinder} exec ${options} --`
// Where ^Z may come at any moment the child is bash: dash starts commands by vfork(), and hangs in it where the new
// process is stopped before its exec, under env too.
const signals = (count: number) => `${prefix} ${fixture('signals')} ${count}`

/** A shell at a terminal; what it leaves behind fails the test. */
function atTerminal(
  title: string,
  steps: (screen: Terminal, t: TestContext) => Promise<void>,
): void {
  test(title, async (t) => {
    if (!requires(t, 'pty', 'cc')) return
    const before = systemState()
    const screen = await shell()
    screen.type('stty -echo\n')
    await screen.sees('$ ')
    await steps(screen, t)
    screen.hangUp()
    await screen.ended
    await nothingLeft(before)
  })
}

/** `$?` of the last command, as the shell prints it. */
async function status(screen: Terminal): Promise<string> {
  screen.type('echo "status=$?."\n')
  return (await screen.sees(/status=\d+\./)).slice('status='.length, -1)
}

atTerminal('^C reaches the child once, and its own exit status counts', async (screen) => {
  screen.type(`${signals(1)}\n`)
  await screen.sees('ready')
  screen.type(keys.interrupt)
  await screen.sees('got 2')
  assert.equal(await status(screen), '1')
})

atTerminal(
  'a child that handles ^C goes on, and gets the second and third one too',
  async (screen) => {
    screen.type(`${signals(3)}\n`)
    await screen.sees('ready')
    for (let i = 0; i < 3; i++) {
      screen.type(keys.interrupt)
      await screen.sees('got 2')
    }
    assert.equal(await status(screen), '3')
  },
)

atTerminal('^C is one signal for the child, not two', async (screen, t) => {
  const file = join(scratch(t), 'pid')
  screen.type(`sh -c 'echo $$ >${file}; exec ${signals(2)}'\n`)
  await screen.sees('ready')
  const front = Number(readFileSync(file, 'utf8'))
  const supervisor = descendants(front).find((pid) => program(pid).endsWith('/launcher'))
  assert.ok(supervisor !== undefined)
  // A second SIGINT would melt into the first if that is still pending: the test has to wait.
  process.kill(supervisor, 'SIGSTOP')
  screen.type(keys.interrupt)
  await screen.sees('got 2')
  process.kill(supervisor, 'SIGCONT')
  // Passed on behind whatever else is passed on.
  process.kill(front, 'SIGUSR1')
  await screen.sees(/got \d+/)
  assert.equal(await status(screen), '2')
  assert.match(screen.screen(), /got 2\ngot 10\n/)
})

atTerminal('a child that dies of ^C: the shell sees a death by SIGINT', async (screen) => {
  // One process: what dash forks at this moment would miss the signal, and dash wait for it.
  screen.type(`${prefix} sh -c 'echo here; exec sleep 100'; echo "status=$?."\n`)
  await screen.sees('here')
  screen.type(keys.interrupt)
  // bash gives up the list only where the command died of the signal itself; then $? is 130 at the next prompt.
  await screen.sees('$ ')
  assert.equal(await status(screen), '130')
})

atTerminal('^\\ kills, as SIGQUIT', async (screen) => {
  screen.type('ulimit -c 0\n')
  await screen.sees('$ ')
  screen.type(`${prefix} sh -c 'echo here; exec sleep 100'\n`)
  await screen.sees('here')
  screen.type(keys.quit)
  await screen.sees('$ ')
  assert.equal(await status(screen), '131')
})

atTerminal('^Z stops it all, fg goes on, and the child has lost nothing', async (screen) => {
  screen.type(`${prefix} sh -c 'echo first; read line; echo got $line'\n`)
  await screen.sees('first')
  screen.type(keys.suspend)
  await screen.sees('Stopped')
  await screen.sees('$ ')
  screen.type('echo shell works\n')
  await screen.sees('shell works')
  screen.type('fg\n')
  await screen.sees('echo got')
  screen.type('text\n')
  await screen.sees('got text')
  assert.equal(await status(screen), '0')
})

atTerminal('^Z and fg three times over', async (screen) => {
  screen.type(`${signals(1)}\n`)
  await screen.sees('ready')
  for (let i = 0; i < 3; i++) {
    screen.type(keys.suspend)
    await screen.sees('Stopped')
    await screen.sees('$ ')
    screen.type('fg\n')
    await screen.sees('got 18')
  }
  screen.type(keys.interrupt)
  await screen.sees('got 2')
  assert.equal(await status(screen), '1')
})

atTerminal('bg: it runs on in the background, and kill %1 ends it', async (screen, t) => {
  const file = join(scratch(t), 'beats')
  screen.type(`${prefix} bash -c 'while :; do echo beat >>${file}; sleep 0.02; done'\n`)
  await until(() => readFileSync(file).length > 0, { what: 'the child running' })
  screen.type(keys.suspend)
  await screen.sees('Stopped')
  await screen.sees('$ ')
  const stopped = readFileSync(file).length
  screen.type('bg\n')
  await screen.sees('$ ')
  await until(() => readFileSync(file).length > stopped + 20, { what: 'the child going on' })
  screen.type('kill %1; wait %1; echo "waited=$?."\n')
  await screen.sees('waited=143.')
})

atTerminal('while it is stopped, its child is stopped too', async (screen, t) => {
  const file = join(scratch(t), 'beats')
  screen.type(`${prefix} bash -c 'while :; do echo beat >>${file}; sleep 0.01; done'\n`)
  await until(() => readFileSync(file).length > 0, { what: 'the child running' })
  screen.type(keys.suspend)
  await screen.sees('Stopped')
  const length = readFileSync(file).length
  screen.type('sleep 0.3; echo "slept"\n')
  await screen.sees('slept\n')
  assert.ok(readFileSync(file).length - length <= 10)
  screen.type('kill -KILL %1\n')
  // bash tells of it in front of a prompt. 5.2 can overlook the end of a stopped job until another child ends, be it
  // a job of ours, of env or of strace: so there is another child each time.
  await until(
    () => {
      screen.type('env true\n')
      return screen.screen().includes('Killed')
    },
    { what: 'bash telling of the end of the job' },
  ).catch((error: Error) => assert.fail(`${error.message}\n${screen.screen()}`))
})

atTerminal('started in the background it may not read the terminal, as any job', async (screen) => {
  screen.type(`${prefix} cat &\n`)
  await screen.sees(/\[1\] \d+/)
  await until(
    async () => {
      screen.type('jobs\n')
      return /\[1\]\+ +Stopped \(tty input\)|\[1\]\+ +Stopped/.exec(await screen.sees(/\[1\].*\n/))
    },
    { what: 'the job stopped for input' },
  )
  screen.type('fg\n')
  await screen.sees('cat\n')
  screen.type('line\n')
  await screen.sees('line')
  screen.type(keys.endOfFile)
  assert.equal(await status(screen), '0')
})

atTerminal('a pipeline at the terminal: ^C ends all of it', async (screen) => {
  screen.type(`${prefix} sh -c 'echo here >&2; exec sleep 100' | ${prefix} cat\n`)
  await screen.sees('here')
  screen.type(keys.interrupt)
  await screen.sees('$ ')
  assert.equal(await status(screen), '130')
})

atTerminal('what the child does to the terminal stays done', async (screen) => {
  screen.type(`${prefix} stty -opost; stty -a | tr ' ' '\\n' | grep opost\n`)
  await screen.sees('-opost')
  screen.type('stty opost\n')
})

test('hangup: the child gets it, and all of ours end', async (t) => {
  if (!requires(t, 'pty', 'cc')) return
  const before = systemState()
  const file = join(scratch(t), 'out')
  const child = `${fixture('signals')} 1 >${file}`
  const screen = terminal(['sh', '-c', `exec ${prefix} sh -c 'exec ${child}'`])
  await until(() => readFileSync(file, 'utf8').includes('ready'), { what: 'the child ready' })
  screen.hangUp()
  await until(() => readFileSync(file, 'utf8').includes('got 1\n'), { what: 'SIGHUP at the child' })
  await screen.ended
  await nothingLeft(before)
})

test('as the leader of a session, without a shell: ^C and the status', async (t) => {
  if (!requires(t, 'pty', 'cc')) return
  const screen = terminal(['sh', '-c', `exec ${signals(2)}`])
  await screen.sees('ready')
  screen.type(keys.interrupt)
  await screen.sees('got 2')
  screen.type(keys.interrupt)
  await screen.sees('got 2')
  assert.equal(await screen.ended, 'exited 2')
})

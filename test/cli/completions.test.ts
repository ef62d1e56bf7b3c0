/** The completions, in the shells that they are for, with the Tab key pressed. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { type Need, requires } from '../helpers/requires.ts'
import { minderbinder, run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { terminal } from '../helpers/terminal.ts'

const folder = new URL('../../completions', import.meta.url).pathname
const PATH = `${dirname(minderbinder)}${delimiter}${process.env.PATH}`

/** What is typed before Tab, and how the line goes on after it. */
const completed: readonly (readonly [typed: string, becomes: string])[] = [
  ['minderbinder expl', 'minderbinder explain '],
  ['minderbinder doctor --js', 'minderbinder doctor --json '],
  ['minderbinder list fam', 'minderbinder list families '],
  ['minderbinder exec --refuse', 'minderbinder exec --refuse-net'],
  ['minderbinder explain --require-hit-', 'minderbinder explain --require-hit-always '],
  ['minderbinder exec --syscall copy_f', 'minderbinder exec --syscall copy_file_range='],
  ['minderbinder exec --syscall=copy_f', 'minderbinder exec --syscall=copy_file_range='],
  ['minderbinder exec --syscall open+%memo', 'minderbinder exec --syscall open+%memory='],
  // After = the outcome, after , the keys, and the values of some of them.
  ['minderbinder exec --syscall openat=ENOTB', 'openat=ENOTBLK '],
  ['minderbinder exec --syscall=openat=ENOTB', '--syscall=openat=ENOTBLK '],
  ['minderbinder exec --syscall openat=sig', 'openat=signal:'],
  ['minderbinder exec --syscall openat=delay-', 'openat=delay-exit:'],
  ['minderbinder exec --syscall openat=signal:SIGWI', 'openat=signal:SIGWINCH '],
  ['minderbinder exec --syscall openat=delay:1s+ENOTB', 'openat=delay:1s+ENOTBLK '],
  ['minderbinder exec --syscall openat=EIO+delay-', 'openat=EIO+delay-exit:'],
  ['minderbinder exec --syscall openat=delay:1s+signal:SIGWI', 'openat=delay:1s+signal:SIGWINCH '],
  ['minderbinder exec --syscall openat=EIO,pa', 'openat=EIO,path='],
  ['minderbinder exec --syscall openat=EIO@5%,fd=3,sc', 'openat=EIO@5%,fd=3,scope='],
  ['minderbinder exec --syscall openat=EIO,scope=pr', 'openat=EIO,scope=process '],
  ['minderbinder exec --syscall openat=EIO,path=unique-', 'openat=EIO,path=unique-file'],
  ['minderbinder exec --inject copy_f', '--inject copy_file_range:'],
  ['minderbinder exec --inject openat,copy_f', 'openat,copy_file_range:'],
  ['minderbinder exec --inject=openat:err', '--inject=openat:error='],
  ['minderbinder exec --inject openat:error=ENOTB', 'openat:error=ENOTBLK'],
  ['minderbinder exec --inject openat:error=EIO:wh', 'openat:error=EIO:when='],
  ['minderbinder exec --drop-net 5%,inter', '--drop-net 5%,interface='],
  ['minderbinder exec --drop-net 5%,proto=udp,interface=l', '5%,proto=udp,interface=lo '],
  ['minderbinder exec --drop-net=5%,dir=o', '--drop-net=5%,dir=out '],
  ['minderbinder exec --refuse-net 5%,proto=t', '5%,proto=tcp '],
  ['minderbinder exec --engine sec', 'minderbinder exec --engine seccomp '],
  ['minderbinder exec -o unique-', 'minderbinder exec -o unique-file '],
  ['minderbinder ru', 'minderbinder run '],
  ['minderbinder run --skip', 'minderbinder run --skip-unsupported '],
  ['minderbinder run --interface l', 'minderbinder run --interface lo '],
  ['minderbinder run --dry-run uni', 'minderbinder run --dry-run unique.yaml '],
  ['minderbinder run --interface lo --log log uni', '--log log unique.yaml '],
  ['minderbinder run unique.yaml --no-g', 'minderbinder run unique.yaml --no-graph '],
  ['minderbinder --inter', 'minderbinder --interface'],
  ['minderbinder --interface l', 'minderbinder --interface lo '],
  ['minderbinder --interface lo uni', 'minderbinder --interface lo unique.yaml '],
  // The command's own: from the first operand on, whatever stands in the faults before it.
  ['minderbinder exec --syscall openat=EIO@5%,fd=3 sha512s', 'EIO@5%,fd=3 sha512sum '],
  ['minderbinder exec --inject openat:error=EIO -q -- sha512s', '-q -- sha512sum '],
  ['minderbinder exec -u root sha512sum unique-', 'sha512sum unique-file'],
]

/** A folder with a configuration file and another. */
function folderWithFiles(t: TestContext): string {
  const cwd = scratch(t)
  for (const name of ['unique-file', 'unique.yaml']) writeFileSync(join(cwd, name), '')
  return cwd
}

async function pressTab(t: TestContext, shell: readonly string[], setUp: string) {
  const session = terminal(shell, {
    cwd: folderWithFiles(t),
    env: { PATH, HOME: scratch(t), TERM: 'dumb' },
  })
  t.after(() => session.hangUp())
  // Split, so that the line's own echo is not taken for the prompt.
  session.type(`${setUp}; PROMPT='READ''Y '; PS1='READ''Y '\n`)
  for (const [typed, becomes] of completed) {
    await session.sees('READY ')
    session.type(`${typed}\t`)
    await session.sees(becomes)
    // ^U empties the line. (^C at this moment can hit zsh within its completion, and no prompt follows.)
    session.type('\x15\n')
  }
  session.hangUp()
  await session.ended
}

test('bash', async (t) => {
  if (!requires(t, 'bash' as string as Need, 'pty')) return
  await pressTab(t, ['bash', '--norc', '-i'], `. ${folder}/minderbinder.bash`)
})

test('bash, with bash-completion: it is told where the command begins', async (t) => {
  if (!requires(t, 'bash' as string as Need)) return
  const script = `
    . ${folder}/minderbinder.bash
    _command_offset() { COMPREPLY=("command at $1"); }
    COMP_WORDS=(minderbinder exec --syscall openat = EIO @ 5% -o = out git comm) COMP_CWORD=12
    _minderbinder
    echo "\${COMPREPLY[*]}"`
  const { stdout, stderr } = await run(['bash', '-c', script], { env: { PATH } })
  assert.deepEqual([stdout, stderr], ['command at 11\n', ''])
})

test('zsh', async (t) => {
  if (!requires(t, 'zsh' as string as Need, 'pty')) return
  const load = `fpath=(${folder} $fpath); autoload -Uz compinit; compinit -D -u`
  await pressTab(t, ['zsh', '-f', '-i'], load)
})

test('fish', async (t) => {
  if (!requires(t, 'fish' as string as Need)) return
  const cwd = folderWithFiles(t)
  for (const [typed, becomes] of completed) {
    const script = `source ${folder}/minderbinder.fish; complete -C '${typed}'`
    const { stdout, stderr } = await run(['fish', '-c', script], {
      env: { PATH, HOME: scratch(t) },
      cwd,
    })
    const last = becomes.trim().split(' ').at(-1)!
    const offers = stdout.split('\n').map((line) => line.split('\t')[0]!)
    assert.ok(
      offers.some((offer) => offer.startsWith(last)),
      `${typed}: ${stdout}${stderr}`,
    )
    assert.equal(stderr, '')
  }
})

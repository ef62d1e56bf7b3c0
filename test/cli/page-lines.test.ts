/** The lines that README.md and docs/ tell a reader to type: they print what stands there, or at least parse. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { delimiter, dirname } from 'node:path'
import test from 'node:test'
import { parse } from 'yaml'
import { linesOf, runClient } from '../helpers/control.ts'
import { identities } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run } from '../helpers/run.ts'

const root = new URL('../..', import.meta.url).pathname
const read = (path: string) => readFileSync(root + path, 'utf8')
const readme = read('README.md')
const env = { LC_ALL: 'C', PATH: `${dirname(minderbinder)}${delimiter}${process.env.PATH}` }

interface Block {
  /** `#` is root's prompt. */
  readonly prompt: string
  readonly commands: readonly string[]
  readonly output: string
}

const blocks = [...readme.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(
  ([, text = '']): Block => {
    const lines = [...text.matchAll(/^([$#]) (.*)\n/gm)]
    return {
      prompt: lines[0]![1]!,
      commands: lines.map(([, , command]) => command!),
      output: text.replaceAll(/^[$#] .*\n/gm, ''),
    }
  },
)

/** What differs between two runs or machines: seeds, engines and their column, times, calls of a libc, the host's name. */
function steady(text: string): string {
  return text
    .replaceAll(/--seed \d+/g, '--seed N')
    .replaceAll(/\d+ milliseconds/g, 'N milliseconds')
    .replaceAll(/ +(?:ptrace|override|seccomp|tc) +/g, ' ENGINE ')
    .replaceAll(/ENGINE \d+ +([1-9]\d*) +\1$/gm, 'ENGINE ALL FIRED')
    .replaceAll(/ENGINE \d+/g, 'ENGINE SEEN')
    .replaceAll(/^(?!minderbinder:)[\w.-]+$/gm, (line) => (/^\d+$/.test(line) ? line : 'HOST'))
    .replaceAll(/ +/g, ' ')
}

const executed = blocks.filter(({ commands: [first = ''] }) =>
  first.startsWith('./bin/minderbinder exec '),
)

test('README has console blocks that exec prints', () => assert.ok(executed.length >= 5))

for (const { prompt, commands, output } of executed)
  for (const { title, options } of prompt === '#' ? identities.slice(0, 1) : identities)
    test(`README: ${commands[0]}, ${title}`, async (t) => {
      if (prompt === '#' && !requires(t, 'root', 'libbpf', 'cgroup2', 'curl')) return
      const typed = ['sh', '-c', `exec 2>&1\n${commands.join('\n')}`]
      const { stdout } = await run(typed, { ...options, env, cwd: root })
      assert.equal(steady(stdout), steady(output))
    })

test('README: the beginning of what doctor prints', async (t) => {
  if (!requires(t, 'root', 'libbpf', 'cgroup2')) return
  const { commands, output } = blocks.find(({ commands: [first = ''] }) =>
    first.includes('doctor'),
  )!
  const { stdout } = await run(['sh', '-c', commands[0]!], { env })
  const headings = (text: string) => text.split('\n')[0]!.match(/[a-z ]+: yes/g)
  assert.deepEqual(headings(stdout), headings(output))
  const [, , ...rest] = output.split('\n')
  if (stdout.includes('built without CONFIG_FUNCTION_ERROR_INJECTION'))
    assert.deepEqual(stdout.split('\n').slice(2), rest)
})

test('README: its files of rules are valid, and the first stands in config.yaml', async () => {
  const files = [...readme.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text]) => text!)
  assert.equal(files.length, 2)
  const [rule] = parse(files[0]!).agents_of_chaos.syscall
  assert.deepEqual(parse(read('config.yaml')).agents_of_chaos.syscall[0], rule)
  for (const input of files)
    assert.equal((await run([minderbinder, 'explain', '-'], { input })).stderr, '')
})

test('docs/control.md: its session, with two files opened under the fault', async (t) => {
  if (!requires(t, 'python3')) return
  const [, session = ''] = /^```\n(> [\s\S]*?)^```$/m.exec(read('docs/control.md')) ?? []
  const side = (mark: string) =>
    session.split('\n').flatMap((line) => (line.startsWith(mark) ? [line.slice(2)] : []))
  const program = `
c = Client(greet=False)
for request in ${JSON.stringify(side('> '))}:
    c.send(request.encode() + b"\\n")
    answer = c.receive()
    if answer["type"] == "injected": opens("x.db"), opens("x.txt")
    say(answer)
`
  const answers = await runClient(program, { args: ['--control=openat+read'] })
  const steadyAnswers = (all: readonly unknown[]) =>
    JSON.parse(
      JSON.stringify(all).replaceAll(/"(seed|minderbinder|engine)":"[^"]*"/g, '"$1":"differs"'),
    )
  assert.ok(answers.length >= 4)
  assert.deepEqual(steadyAnswers(answers), steadyAnswers(linesOf(side('< ').join('\n'))))
})

const pages = [
  'README.md',
  'clients/go/README.md',
  'clients/python/README.md',
  'clients/rust/README.md',
].concat(readdirSync(`${root}docs`).flatMap((name) => (name.endsWith('.md') ? `docs/${name}` : [])))
const lines = pages.flatMap((page) =>
  [...read(page).matchAll(/^ {4}(?:\$ )?(minderbinder exec .*?)(?: +#.*)?$/gm)].map(
    ([, line]) => [page, line!] as const,
  ),
)

test('the pages have lines for exec', () => assert.ok(lines.length >= 8))

for (const [page, line] of lines)
  test(`${page}: exec takes ${line}`, async () => {
    const { status, stderr } = await run(
      ['sh', '-c', line.replace(' exec ', ' explain --syscall openat=EIO ')],
      { env },
    )
    assert.deepEqual([status, stderr], [0, ''])
  })

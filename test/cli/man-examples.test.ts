/** Every example of the man pages and of --help does what the page says, as it stands there. */
import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { usage } from '../../src/cli/usage.ts'
import { type Identity, identities } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const fromRoot = (path: string) => new URL(`../../${path}`, import.meta.url).pathname
const examples = readFileSync(fromRoot('man/minderbinder.1'), 'utf8')
  .replace(/^[\s\S]*^\.SH EXAMPLES\n/m, '')
  .replace(/^\.SH [\s\S]*/m, '')
  .split('.EE\n')
  .filter((part) => part.includes('.EX'))
  .map((part) => {
    const [text = '', line = ''] = part.split('.EX\n')
    const caption = text.match(/^(?!\.).*exits with \d+:$/m)?.[0] ?? ''
    const command = line.trim().replaceAll('\\-', '-').replaceAll('\\(aq', "'")
    return { caption, command, status: Number(/exits with (\d+)/.exec(caption)?.[1]) }
  })

/** Types a line in a folder that has the files which examples name. */
function types(t: TestContext, line: string, options: Identity['options']) {
  const cwd = scratch(t)
  for (const file of ['config.yaml', 'docs/prototype.yaml']) cpSync(fromRoot(file), join(cwd, file))
  writeFileSync(join(cwd, 'Makefile'), 'test:\n\t@echo tested\n')
  const env = { PATH: `${dirname(minderbinder)}${delimiter}${process.env.PATH}` }
  return run(['sh', '-c', `${line}\nexit $?`], { ...options, cwd, env })
}

test('examples are found, and there is no escape in them that this test does not know', () => {
  assert.ok(examples.length >= 10)
  for (const { caption, command } of examples) {
    assert.match(caption, /\d/, command)
    assert.match(command, /^(timeout --preserve-status \d )?minderbinder \S.*$/)
    assert.ok(!/\\[(fe]/.test(command), command)
  }
})

for (const { caption, command, status } of examples) {
  const asRoot = caption.startsWith('As root:')
  for (const { title, options } of asRoot ? [{ title: 'as root', options: {} }] : identities)
    test(`${caption.replace(/:$/, '')}: ${command}, ${title}`, async (t) => {
      if (asRoot && !requires(t, 'root', 'libbpf', 'cgroup2', 'curl')) return
      const { status: got, stderr } = await types(t, command, options)
      assert.equal(got, status, stderr)
      // Another failure could have the same status: none of ours has been reported. Whose wget is in a network
      // namespace of its own is the machine's affair.
      assert.doesNotMatch(
        stderr.replaceAll(/^minderbinder: .* network namespace, out of .*\n/gm, ''),
        /^minderbinder: (?!rule|hint|to repeat|left out)(?!.* \d+ +\d+ +\d+$)(?!.*never fired)/m,
      )
      if (status === 1 || (asRoot && !command.includes(' run ')))
        assert.doesNotMatch(stderr, /never fired/)
    })
}

/** The lines under Examples of `minderbinder --help`, and how each ends. */
const helpExamples: readonly (readonly [line: string, status: number])[] = [
  ['minderbinder exec --syscall openat=ENOENT -- cat /etc/hostname', 1],
  ["minderbinder exec --syscall %write=ENOSPC,fd=1,when=2+ -- sh -c 'echo 1; echo 2'", 1],
  ['minderbinder exec --syscall fsync=delay:200ms -- make test', 0],
  ["minderbinder exec --config config.yaml -- sh -c 'ls /; cat /etc/hostname'", 1],
  ['sudo minderbinder exec --drop-net 100% -- curl --max-time 3 http://127.0.0.1/', 28],
  ['sudo minderbinder run --skip-unsupported docs/prototype.yaml', 0],
]

test('--help has these examples', () => {
  const [, text = ''] = /^Examples:\n((?: {2}.*\n)*)/m.exec(usage()) ?? []
  assert.deepEqual(
    text.trimEnd().split('\n'),
    helpExamples.map(([line]) => `  ${line}`),
  )
})

for (const [line, status] of helpExamples) {
  const asRoot = line.startsWith('sudo ')
  for (const { title, options } of asRoot ? [{ title: 'as root', options: {} }] : identities)
    test(`--help: ${line}, ${title}`, async (t) => {
      if (asRoot && !requires(t, 'root', 'libbpf', 'cgroup2', 'curl')) return
      if (line.includes('make') && !requires(t, 'make')) return
      const command = line.replace(/^sudo /, '')
      const until = command.includes(' run ') ? 'timeout --preserve-status 2 ' : ''
      const done = await types(t, until + command, options)
      assert.equal(done.status, status, done.stderr)
      if (status !== 0) assert.doesNotMatch(done.stderr, /never fired/)
    })
}

test('the example of minderbinder.yaml(5) is what it describes', async (t) => {
  const page = readFileSync(fromRoot('man/minderbinder.yaml.5'), 'utf8')
  const [, text = ''] = /^\.EX\n([\s\S]*?)^\.EE$/m.exec(page) ?? []
  assert.equal(page.match(/^\.EX$/gm)?.length, 1)
  const file = join(scratch(t), 'config.yaml')
  writeFileSync(file, text.replaceAll('\\-', '-'))
  const done = await run([minderbinder, 'explain', file])
  assert.equal(done.stderr, '')
  assert.match(done.stdout, /break_curl_openat[\s\S]*ENOENT[\s\S]*curl/)
  assert.match(done.stdout, /break_ping[\s\S]*50%/)
})

/** Every line under EXAMPLES in the man page does what its caption says. */
import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import test from 'node:test'
import { identities } from '../helpers/identity.ts'
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
      const cwd = scratch(t)
      copyFileSync(fromRoot('config.yaml'), join(cwd, 'config.yaml'))
      const { status: got, stderr } = await run(['sh', '-c', `${command}\nexit $?`], {
        ...options,
        cwd,
        env: { PATH: `${dirname(minderbinder)}${delimiter}${process.env.PATH}` },
      })
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

/** Options of other tools: the hint names what does it here. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { addExecOptions } from '../../../src/cli/exec/options.ts'
import { newCommand, parseArguments } from '../../../src/cli/parse.ts'
import { MinderbinderError } from '../../../src/errors.ts'

const latency = /^latency is not offered yet: --drop-net loses packets/
const table: readonly (readonly [args: readonly string[], hint: RegExp])[] = [
  [['-e', 'inject=write:error=EIO'], /^strace's -e inject=EXPRESSION is --inject EXPRESSION$/],
  [['-einject=write:error=EIO'], /--inject EXPRESSION$/],
  [['-p', '1234'], /^exec faults what it starts; run with targets: \(- pid: N/],
  [['--attach=3'], /^exec faults what it starts/],
  [['--delay-net', '100ms'], latency],
  [['--latency', '100ms'], latency],
  [['--limit-net', '1mbit'], /^only loss and refusal are offered yet/],
  [['-f'], /^this is the default/],
  [['--version'], /^minderbinder --version/],
  [['--bogus'], /^minderbinder exec --help lists the options$/],
  [['--sycall', 'x'], /^Did you mean --syscall\?$/],
]
for (const [args, hint] of table)
  test(`exec ${args.join(' ')}: ${hint.source}`, () => {
    const command = newCommand('exec').argument('[command...]')
    addExecOptions(command)
    assert.throws(
      () => parseArguments(command, args),
      (error) => {
        assert.ok(error instanceof MinderbinderError)
        assert.match(error.hint ?? '', hint)
        return true
      },
    )
  })

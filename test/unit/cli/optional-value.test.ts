/** `--control[=SET]`: the value of such an option stands behind `=`, or is not there. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { execParser } from '../../../src/cli/exec/options.ts'
import { parseArguments } from '../../../src/cli/parse.ts'

function parsed(...args: readonly string[]) {
  const { parser, read } = execParser()
  parseArguments(parser, args)
  const { control, user, quiet } = read().options
  return { control, command: parser.args.join(' '), user, quiet }
}

for (const [args, expected] of [
  [['--control', 'npm', 'test'], { control: '', command: 'npm test' }],
  [['--control', '--', 'npm'], { control: '', command: 'npm' }],
  [['--control=openat', 'npm'], { control: 'openat', command: 'npm' }],
  [['npm', '--control'], { control: undefined, command: 'npm --control' }],
  [['--', '--control'], { control: undefined, command: '--control' }],
  [['-u', '--control', 'npm'], { control: undefined, command: 'npm', user: '--control' }],
  [['-qu', 'me', '--control', 'npm'], { control: '', command: 'npm', user: 'me', quiet: true }],
  [['-ume', '--control', 'npm'], { control: '', command: 'npm', user: 'me' }],
  [['--user=me', '--control', 'npm'], { control: '', command: 'npm', user: 'me' }],
  [['--seed', '5', '--control', 'npm'], { control: '', command: 'npm' }],
] as const)
  test(`exec ${args.join(' ')}`, () => {
    assert.deepEqual(parsed(...args), { user: undefined, quiet: false, ...expected })
  })

/** One table of options: --help, the man page and the completions say the same as src/cli/options.ts. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import test from 'node:test'
import { addExecOptions } from '../../src/cli/exec-options.ts'
import { execOptions, faultOptions } from '../../src/cli/options.ts'
import { HelpRequest, newCommand, parseArguments } from '../../src/cli/parse.ts'
import { usage } from '../../src/cli/usage.ts'
import { jsonSchema } from '../../src/config/json-schema.ts'
import { exitStatus } from '../../src/errors.ts'
import { families } from '../../src/rules/families.ts'
import { networkKeys, syscallKeys } from '../../src/rules/grammar-keys.ts'
import { type Need, requires } from '../helpers/requires.ts'

const fromRoot = (path: string) => new URL(`../../${path}`, import.meta.url).pathname
const read = (path: string) => readFileSync(fromRoot(path), 'utf8')

const pages = ['man/minderbinder.1', 'man/minderbinder.yaml.5'].map(fromRoot)
/** As a reader sees it, but for the macros: `\-` is a dash, fonts are left out. */
const plain = (path: string) =>
  read(path)
    .replaceAll(/\\f[BIPR]/g, '')
    .replaceAll('\\-', '-')
    .replaceAll('\\~', ' ')
const man = plain('man/minderbinder.1')

const table = [...Object.values(faultOptions), ...Object.values(execOptions)]
/** Those that commander, or another command than exec, brings. */
const others = ['-h', '--help', '-V', '--version', '--json']
const namesOf = (flags: string) => flags.match(/(?<![\w-])--?[a-zA-Z][\w-]*/g) ?? []
const names = table.flatMap(({ flags }) => namesOf(flags))
const valued = table
  .filter(({ flags }) => flags.includes('<'))
  .flatMap(({ flags }) => namesOf(flags))
const commands = [...usage.matchAll(/^ {2}minderbinder (\w+)(?= .*\n {6})/gm)].map(
  ([, name]) => name!,
)

function section(title: string): string {
  const found = new RegExp(`^\\.SH ${title}\\n([\\s\\S]*?)(?=^\\.SH )`, 'm').exec(`${man}\n.SH `)
  assert.ok(found, `the man page has a section ${title}`)
  return found[1]!
}

/** The options that the tags of a section name. */
function tagged(text: string): string[] {
  const tags = [...text.matchAll(/^\.TP.*\n(.*)$/gm)].map(([, tag]) => tag!.replaceAll('"', ''))
  return tags.flatMap((tag) => namesOf(tag))
}

function sorted(list: Iterable<string>): string[] {
  return [...new Set(list)].sort()
}

test('the table is read as it is meant', () => {
  assert.ok(names.includes('--syscall') && names.includes('-u') && names.includes('--user'))
  assert.ok(valued.includes('--seed') && !valued.includes('--quiet'))
  for (const name of ['exec', 'explain', 'doctor', 'list']) assert.ok(commands.includes(name), name)
})

test('the man page describes every option, and no other', () => {
  assert.deepEqual(sorted(tagged(section('OPTIONS'))), sorted([...names, ...others]))
})

test('the man page describes every key, every exit status, and families that exist', () => {
  const syntax = section('FAULT SYNTAX')
  const keys = [...syntax.matchAll(/^\.TP\n\.B[IR] ([a-z]+)=/gm)].map(([, key]) => key!)
  assert.deepEqual(sorted(keys), sorted([...syscallKeys, ...networkKeys]))
  for (const status of Object.values(exitStatus))
    assert.match(section('EXIT STATUS'), new RegExp(`^\\.B ${status}$`, 'm'))
  for (const [, family] of man.matchAll(/%([a-z]+)\b/g))
    assert.ok(families('x86_64').has(family!), `%${family}`)
})

for (const [what, text] of [
  ['the synopsis', section('SYNOPSIS').replaceAll(/^\.BR? /gm, '')],
  ['bash', /compgen -W '([^']*--version)'/.exec(read('completions/minderbinder.bash'))?.[1] ?? ''],
  ['zsh', /1:command:\(\((.*)\)\)/.exec(read('completions/_minderbinder'))?.[1] ?? ''],
  [
    'fish',
    read('completions/minderbinder.fish')
      .match(/-n \$first -a \w+/g)
      ?.join() ?? '',
  ],
] as const)
  test(`every command is in ${what}`, () => {
    for (const command of commands) assert.match(text, new RegExp(`\\b${command}\\b`))
  })

for (const name of ['exec', 'explain'])
  test(`${name} --help shows every option with its description`, () => {
    const command = newCommand(name)
    addExecOptions(command)
    const help = thrownBy(() => parseArguments(command, ['--help']))
    assert.ok(help instanceof HelpRequest)
    for (const { flags, description } of table) {
      assert.ok(help.text.includes(flags), flags)
      assert.ok(help.text.replaceAll(/\s+/g, ' ').includes(description), description)
    }
  })

test('bash: every option is offered, and those with a value are known as such', () => {
  const source = read('completions/minderbinder.bash')
  const list = (variable: string) =>
    new RegExp(`local ${variable}=['"]([^'"]*)['"]`).exec(source)?.[1]?.split(' ') ?? []
  assert.deepEqual(sorted(list('valued')), sorted(valued))
  const offered = [...list('valued'), ...list('options').filter((word) => word.startsWith('-'))]
  assert.deepEqual(sorted(offered), sorted([...names, '-h', '--help']))
})

test('zsh: every option is offered, and those with a value are known as such', () => {
  const source = read('completions/_minderbinder')
  const specs = /faults=\(([\s\S]*)\n {2}_arguments/.exec(source)?.[1] ?? ''
  const offered = [...specs.matchAll(/^ +["'](?:\([^)]*\)'\{(.*?)\}|\*?(--[\w-]+=?))/gm)].flatMap(
    ([, several, one]) => (several ? several.split(',') : [one!]),
  )
  assert.deepEqual(
    sorted(offered.map((name) => name.replace(/[+=]$/, ''))),
    sorted([...names, '-h', '--help']),
  )
  assert.deepEqual(
    sorted(offered.filter((name) => /[+=]$/.test(name)).map((name) => name.slice(0, -1))),
    sorted(valued),
  )
})

test('fish: every option is offered, and those with a value are known as such', () => {
  const source = read('completions/minderbinder.fish')
  const lines = source.split('\n').filter((line) => line.includes('-n __minderbinder_wants_option'))
  const namesIn = (line: string) => [
    ...[...line.matchAll(/ -s (\w)/g)].map(([, letter]) => `-${letter}`),
    ...[...line.matchAll(/ -l ([\w-]+)/g)].map(([, word]) => `--${word}`),
  ]
  assert.deepEqual(sorted(lines.flatMap(namesIn)), sorted([...names, '-h', '--help']))
  assert.deepEqual(
    sorted(lines.filter((line) => / -(x|rF) /.test(line)).flatMap(namesIn)),
    sorted(valued),
  )
  const parsed = /argparse -s ([\s\S]*?) -- /.exec(source)?.[1]?.replaceAll('\\\n', '').split(/ +/)
  const words = parsed?.map((word) => /^(?:(\w)\/)?([\w-]+)(=?)/.exec(word)!) ?? []
  const long = (word: RegExpExecArray) => [`--${word[2]}`, ...(word[1] ? [`-${word[1]}`] : [])]
  assert.deepEqual(sorted(words.flatMap(long)), sorted([...names, '-h', '--help']))
  assert.deepEqual(sorted(words.filter((word) => word[3]).flatMap(long)), sorted(valued))
})

test('the page of the configuration file describes every key of it, and no other', () => {
  const page = plain('man/minderbinder.yaml.5')
  const tags = [...page.matchAll(/^\.TP\n\.BR? (.*)$/gm)].flatMap(([, tag]) => tag!.match(/\w+/g)!)
  const keys = new Set<string>()
  const collect = (schema: object): void => {
    for (const [key, value] of Object.entries(schema)) {
      if (key === 'properties') for (const name of Object.keys(value)) keys.add(name)
      if (typeof value === 'object' && value !== null) collect(value)
    }
  }
  collect(jsonSchema())
  assert.deepEqual(sorted(['agents_of_chaos', ...tags]), sorted(keys))
})

for (const command of pages.flatMap((page) => [
  ['mandoc', '-T', 'lint', '-W', 'warning', page],
  ['man', '--warnings', '-E', 'UTF-8', '-l', page],
]))
  test(`clean under ${command.slice(0, -1).join(' ')}: ${basename(command.at(-1)!)}`, (t) => {
    if (!requires(t, command[0] as Need)) return
    const env = { ...process.env, LC_ALL: 'C.UTF-8', MANWIDTH: '80', MANPAGER: 'cat' }
    const { status, stdout, stderr } = spawnSync(command[0]!, command.slice(1), {
      encoding: 'utf8',
      env,
    })
    assert.equal(stderr, '')
    assert.equal(status, 0)
    if (command[0] === 'mandoc') assert.equal(stdout, '')
    else assert.match(stdout, /--require-hit|process_name/)
  })

function thrownBy(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}

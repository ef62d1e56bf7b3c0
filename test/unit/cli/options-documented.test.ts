/** One table of options: --help, the man page and the completions say the same as src/cli/options.ts. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import test from 'node:test'
import { completionFiles, withWords } from '../../../src/cli/completion-words.ts'
import { doctorCommand } from '../../../src/cli/doctor-command.ts'
import { addExecOptions, execHelp } from '../../../src/cli/exec/options.ts'
import { explainCommand } from '../../../src/cli/explain-command.ts'
import { faultHelp } from '../../../src/cli/fault-help.ts'
import { listCommand } from '../../../src/cli/list-command.ts'
import { optionsOf } from '../../../src/cli/options.ts'
import { HelpRequest, newCommand, parseArguments } from '../../../src/cli/parse.ts'
import { runCommand } from '../../../src/cli/run/command.ts'
import { serveCommand } from '../../../src/cli/serve/command.ts'
import { usage } from '../../../src/cli/usage.ts'
import { jsonSchema } from '../../../src/config/json-schema.ts'
import { exitStatus } from '../../../src/errors.ts'
import { keyNames } from '../../../src/rules/keys/index.ts'
import { families } from '../../../src/rules/names/families.ts'
import { type Need, requires } from '../../helpers/requires.ts'

const fromRoot = (path: string) => new URL(`../../../${path}`, import.meta.url).pathname
const read = (path: string) => readFileSync(fromRoot(path), 'utf8')

const pages = ['man/minderbinder.1', 'man/minderbinder.yaml.5'].map(fromRoot)
/** As a reader sees it, but for the macros: `\-` is a dash, fonts are left out. */
const plain = (path: string) =>
  read(path)
    .replaceAll(/\\f[BIPR]/g, '')
    .replaceAll('\\-', '-')
    .replaceAll('\\~', ' ')
const man = plain('man/minderbinder.1')

const namesOf = (flags: string) => flags.match(/(?<![\w-])--?[a-zA-Z][\w-]*/g) ?? []
const help = ['-h', '--help']
const [syscallKeys, networkKeys] = [keyNames('syscall'), keyNames('drop-net')]
/** The options of a command, those that commander brings included; `valued` takes a value. */
function optionNames(command: string): { names: string[]; valued: string[] } {
  const table = optionsOf[command] ?? []
  const valued = table.filter(({ flags }) => flags.includes('<'))
  return {
    names: sorted([...table.flatMap(({ flags }) => namesOf(flags)), ...help]),
    valued: sorted(valued.flatMap(({ flags }) => namesOf(flags))),
  }
}
const commands = [...usage().matchAll(/^ {2}minderbinder (\w+)(?= .*\n {6})/gm)].map(
  ([, name]) => name!,
)

function section(title: string): string {
  const found = new RegExp(`^\\.SH ${title}\\n([\\s\\S]*?)(?=^\\.SH )`, 'm').exec(`${man}\n.SH `)
  assert.ok(found, `the man page has a section ${title}`)
  return found[1]!
}

/** The options that the tags of a section name. */
function tagged(text: string): string[] {
  const tags = [...text.matchAll(/^\.T[PQ].*\n(.*)$/gm)].map(([, tag]) => tag!.replaceAll('"', ''))
  return tags.flatMap((tag) => namesOf(tag))
}

function sorted(list: Iterable<string>): string[] {
  return [...new Set(list)].sort()
}

test('the tables are read as they are meant', () => {
  const { names, valued } = optionNames('exec')
  assert.ok(names.includes('--syscall') && names.includes('-u') && names.includes('--user'))
  assert.ok(valued.includes('--seed') && !valued.includes('--quiet'))
  assert.deepEqual(sorted(commands), sorted(Object.keys(optionsOf)))
})

test('the man page describes every option of every command, and no other', () => {
  const [ofExec = '', ...others] = section('OPTIONS').split(/^\.SS (?=Options? of )/m)
  assert.deepEqual(
    sorted(tagged(ofExec)),
    sorted([...optionNames('exec').names, '-V', '--version']),
  )
  for (const [title, command] of [
    ['Options of run', 'run'],
    ['Options of serve', 'serve'],
    ['Option of doctor and list', 'doctor'],
  ] as const) {
    const text = others.find((each) => each.startsWith(`${title}\n`)) ?? ''
    assert.deepEqual(sorted([...tagged(text), ...help]), optionNames(command).names, title)
  }
})

test('the man page has its sections, in the order of man-pages(7)', () => {
  assert.deepEqual(
    [...man.matchAll(/^\.SH (.*)$/gm)].map(([, title]) => title),
    [
      ...['NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'FAULT SYNTAX', 'EXIT STATUS', 'ERRORS'],
      ...[
        'SIGNALS',
        'ENVIRONMENT',
        'FILES',
        'KERNEL SUPPORT',
        'NOTES',
        'BUGS',
        'EXAMPLES',
        'SEE ALSO',
      ],
    ],
  )
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

test('exec --help names every key, each where it belongs', () => {
  const lines = faultHelp().split('\n')
  const keysAfter = (start: RegExp) => {
    const from = lines.findIndex((line) => start.test(line))
    const next = lines.findIndex((line, at) => at > from && /^ {2}\S/.test(line))
    const text = lines.slice(from, next < 0 ? undefined : next).join('\n')
    return Array.from(text.matchAll(/\b[a-z]+(?==)/g), ([key]) => key)
  }
  const common = keysAfter(/^ {2}every KEY/)
  const ofCalls = syscallKeys.filter((key) => !networkKeys.includes(key))
  assert.deepEqual(sorted([...common, ...ofCalls]), sorted(syscallKeys))
  for (const key of ofCalls) assert.ok(keysAfter(/^ {2}--syscall/).includes(key))
  const network = keysAfter(/^ {2}--drop-net/)
  assert.deepEqual(sorted([...common, ...network]), sorted(networkKeys))
  assert.deepEqual(
    sorted(keysAfter(/^ {2}--refuse-net/)),
    sorted(network.filter((key) => key !== 'dir' && key !== 'interface')),
  )
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

const helpCommands: Readonly<Record<string, (args: readonly string[]) => unknown>> = {
  exec: (args) => {
    const command = newCommand('exec')
    addExecOptions(command)
    parseArguments(command, args)
  },
  explain: explainCommand,
  run: runCommand,
  serve: serveCommand,
  doctor: doctorCommand,
  list: listCommand,
}

for (const [name, table] of Object.entries(optionsOf)) {
  const { names, valued } = optionNames(name)

  test(`${name} --help shows every option with its description, and no other`, async () => {
    const { text } = await helpRequest(() => helpCommands[name]!(['--help']))
    for (const { flags, description } of table) {
      assert.ok(text.includes(flags), flags)
      assert.ok(text.replaceAll(/\s+/g, ' ').includes(description), description)
    }
    const shown = [...text.matchAll(/^ {2}(-.*?)(?: {2}|$)/gm)].flatMap(([, tag]) => namesOf(tag!))
    assert.deepEqual(sorted(shown), names)
  })

  // explain takes what exec takes: the completions have one list for both.
  if (name === 'explain') continue

  test(`bash: every option of ${name} is offered, and those with a value are known as such`, () => {
    const source = read('completions/minderbinder.bash')
    const list = (kind: string) =>
      new RegExp(`local ${name}_${kind}=['"]([^'"]*)['"]`).exec(source)?.[1]?.split(' ') ?? []
    assert.deepEqual(sorted(list('valued')), valued)
    assert.deepEqual(sorted([...list('valued'), ...list('plain')]), names)
  })

  test(`zsh: every option of ${name} is offered, and those with a value are known as such`, () => {
    const source = read('completions/_minderbinder')
    const specs = new RegExp(`${name}_options=\\(\n([\\s\\S]*?)\n {2}\\)`).exec(source)?.[1] ?? ''
    const offered = [...specs.matchAll(/^ +["'](?:\([^)]*\)'\{(.*?)\}|\*?(--[\w-]+=?))/gm)].flatMap(
      ([, several, one]) => (several ? several.split(',') : [one!]),
    )
    assert.deepEqual(sorted(offered.map((each) => each.replace(/[+=]$/, ''))), names)
    assert.deepEqual(
      sorted(offered.filter((each) => /[+=]$/.test(each)).map((each) => each.slice(0, -1))),
      valued,
    )
  })

  test(`fish: every option of ${name} is offered, and those with a value are known as such`, () => {
    const when = name === 'exec' ? '__minderbinder_wants_option' : `$${name}`
    const lines = read('completions/minderbinder.fish')
      .split('\n')
      .filter((line) => line.includes(` -n ${when} -`))
    const namesIn = (line: string) => [
      ...[...line.matchAll(/ -s (\w)/g)].map(([, letter]) => `-${letter}`),
      ...[...line.matchAll(/ -l ([\w-]+)/g)].map(([, word]) => `--${word}`),
    ]
    assert.deepEqual(sorted(lines.flatMap(namesIn)), names)
    const taking = lines.filter((line) => / -(x|rF) /.test(line))
    assert.deepEqual(sorted(taking.flatMap(namesIn)), valued)
  })
}

for (const file of completionFiles)
  test(`${file} has the words of the tables of outcomes and keys (npm run build:completions)`, () => {
    const text = read(`completions/${file}`)
    assert.equal(withWords(file, text), text)
    for (const missing of [/(?<=after for )when /g, /[ ,]process\b/, /[ ,]delay:/, /[ ,]retval/]) {
      const without = text.replace(missing, '')
      assert.notEqual(without, text, `${missing}`)
      assert.equal(withWords(file, without), text, `${missing}`)
    }
  })

test('fish: what is parsed to find the command of exec is every option of it', () => {
  const source = read('completions/minderbinder.fish')
  const { names, valued } = optionNames('exec')
  const parsed = /argparse -s ([\s\S]*?) -- /.exec(source)?.[1]?.replaceAll('\\\n', '').split(/ +/)
  const words = parsed?.map((word) => /^(?:(\w)\/)?([\w-]+)(=?)/.exec(word)!) ?? []
  const long = (word: RegExpExecArray) => [`--${word[2]}`, ...(word[1] ? [`-${word[1]}`] : [])]
  assert.deepEqual(sorted(words.flatMap(long)), names)
  assert.deepEqual(sorted(words.filter((word) => word[3]).flatMap(long)), valued)
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

/** `.BR a b` prints `ab`: macros of two fonts join their arguments, so a sentence after one loses its blanks. */
function gluedWords(page: string): string[] {
  return page.split('\n').filter((line) => {
    const [, text] = /^\.(?:BI|BR|IB|IR|RB|RI) (.*)$/.exec(line) ?? []
    const parts = text?.match(/"[^"]*"|\S+/g)?.map((part) => part.replaceAll('"', '')) ?? []
    return parts.some(
      (part, at) => /([a-z]{2}|[,;]|[a-z]\.)$/i.test(part) && /^[a-z]/i.test(parts[at + 1] ?? ''),
    )
  })
}

test('no sentence of the man pages stands behind a macro that joins its words', () => {
  for (const page of pages) assert.deepEqual(gluedWords(readFileSync(page, 'utf8')), [], page)
  const line = '.BR exec , or a configuration file.'
  assert.deepEqual(gluedWords(`${line}\n.BR exec ,\n.IR F th\n.BR a ", " b`), [line])
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

for (const [command, action] of Object.entries({
  exec: execHelp,
  run: () => runCommand(['--help']),
  explain: () => explainCommand(['--help']),
  doctor: () => doctorCommand(['--help']),
  list: () => listCommand(['--help']),
}))
  test(`the help of ${command} ends with the manual pages`, async () => {
    const { text } = await helpRequest(action)
    assert.match(text, /\n\nManual: man \S+\/man\/minderbinder\.1\n(Files: {2}man \S+\.5\n)?$/)
  })

async function helpRequest(action: () => unknown): Promise<HelpRequest> {
  try {
    await action()
  } catch (error) {
    if (error instanceof HelpRequest) return error
    throw error
  }
  throw new Error('no help was shown')
}

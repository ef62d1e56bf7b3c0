/** What users read has no phrase that made our English read as translated: each has a reason and a better wording here. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import ts from 'typescript'

const root = new URL('../..', import.meta.url).pathname

/** Files and folders, from the root. Of sources only the strings count: comments are for their own readers. */
const covered = [
  'src',
  'completions',
  'README.md',
  'CONTRIBUTING.md',
  'man',
  'docs',
  'clients/README.md',
  'clients/go/README.md',
  'clients/python/README.md',
  'clients/rust/README.md',
]

/** What must not come back, why, and what to write. */
const phrases: readonly {
  readonly phrase: RegExp
  readonly why: string
  readonly write: string
}[] = [
  {
    phrase: /\b(is|are|was|were) said\b/i,
    why: 'hides what says it',
    write: 'minderbinder reports it',
  },
  {
    phrase: /\b(tells?|told) of\b/i,
    why: 'a program reports, it tells no story',
    write: 'reports',
  },
  {
    phrase: /(?<!\bthere )\b(is|are) no (?!longer\b|more\b)/i,
    why: 'translated: English negates the verb',
    write: "is not a, or invalid X 'x'; 'there is no X' is fine",
  },
  { phrase: /\b(whoever|whomever)\b/i, why: 'a program is no person', write: 'what, any process' },
  { phrase: /\b(some|any)body\b/i, why: 'a program is no person', write: 'something, a process' },
  {
    // The account: as nobody, --user nobody, `nobody`, nobody's files.
    phrase: /(?<!(?:\bas|\buser|-u|reuid|['"`/]|\\fB|\\fI) ?)\bnobody\b(?!['’]s|:|`)/i,
    why: 'a program is no person; only the account has this name',
    write: 'nothing, no process',
  },
  {
    phrase: /\bleft out: (no|all|for)\b|\bwhere it is left out\b/i,
    why: 'telegram style',
    write: 'by default, or (default: X)',
  },
  { phrase: /\bwhat for\b/i, why: 'a question in the middle of a sentence', write: 'why, its use' },
  { phrase: /\bsuch an? one\b|\bthat one's\b/i, why: 'translated', write: 'the noun again, or it' },
  { phrase: /\banew\b/i, why: 'archaic', write: 'again' },
  {
    phrase: /\bstands? (before|behind|among|after)\b/i,
    why: 'translated: words in a text do not stand',
    write: 'comes before, comes after',
  },
  { phrase: /\b(is|are) there twice\b/i, why: 'translated', write: 'appears twice' },
  { phrase: /\bso often\b/i, why: 'translated: how often?', write: 'this many times' },
]

test('no text for users has a phrase that must not come back', () => {
  const texts = covered.flatMap(filesBelow).flatMap(textsOf)
  assert.ok(
    texts.length > 1000,
    `only ${texts.length} texts: are the files still where this looks?`,
  )
  const found = texts.flatMap(({ file, text }) =>
    phrases.flatMap(({ phrase, why, write }) => {
      const [match] = phrase.exec(text) ?? []
      return match === undefined
        ? []
        : [`${file}: "${match}" (${why}); better: ${write}\n    ${excerpt(text, match)}`]
    }),
  )
  assert.deepEqual(found, [])
})

test('the phrases are found, and the account nobody and ordinary English are not', () => {
  const isFound = (text: string) => phrases.some(({ phrase }) => phrase.test(text))
  for (const text of [
    'A fault that did not happen is said',
    'tells of injections',
    "'x' is no seed",
    'Whoever connects',
    'somebody has it',
    'nobody has it',
    'left out: no',
    'all where it is left out',
    'what for',
    'makes it anew',
    'fires so often',
  ])
    assert.ok(isFound(text), text)
  for (const text of [
    'there is no cgroup here',
    'it is no longer there',
    'run it as nobody, with --user nobody',
    'chown nobody: FILE',
    'it is not a seed',
  ])
    assert.ok(!isFound(text), text)
})

function filesBelow(place: string): string[] {
  if (!statSync(join(root, place)).isDirectory()) return [place]
  return readdirSync(join(root, place), { recursive: true, encoding: 'utf8' })
    .map((file) => join(place, file))
    .filter((file) => statSync(join(root, file)).isFile())
    .filter((file) => !file.startsWith('src/') || /\.(ts|c|h)$/.test(file))
}

/** With single spaces: a phrase may be broken over two lines. */
function textsOf(file: string): { file: string; text: string }[] {
  const content = readFileSync(join(root, file), 'utf8')
  const texts = file.endsWith('.ts')
    ? stringsOfTypeScript(content)
    : /\.[ch]$/.test(file)
      ? stringsOfC(content)
      : content.split(/\n\s*\n/)
  return texts.map((text) => ({ file, text: text.replaceAll(/\s+/g, ' ') }))
}

function stringsOfTypeScript(content: string): string[] {
  const strings: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node))
      strings.push(node.text)
    // A value stands for any word.
    if (ts.isTemplateExpression(node))
      strings.push(
        [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join("'x'"),
      )
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('a.ts', content, ts.ScriptTarget.Latest))
  return strings
}

/** Strings that only white space divides are one, as for the compiler. */
function stringsOfC(content: string): string[] {
  const code = content.replaceAll(/("(?:[^"\\\n]|\\.)*")|\/\*[\s\S]*?\*\/|\/\/.*/g, '$1')
  return [...code.matchAll(/"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*/g)].map(([text]) =>
    text.replaceAll(/"\s*"|\\n/g, ' '),
  )
}

function excerpt(text: string, match: string): string {
  const at = text.indexOf(match)
  return text.slice(Math.max(0, at - 40), at + 60)
}

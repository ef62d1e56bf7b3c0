/**
 * The words in the completion files that stand in the tables of outcomes and keys: `npm run build:completions` writes
 * them there, and a test holds the files to them.
 */
import { keysOf } from '../rules/keys/index.ts'
import { outcomeKinds } from '../rules/outcomes/index.ts'
import type { Rule } from '../rules/rule.ts'
import { straceActions } from '../rules/strace.ts'

/** Where words of a table stand in a file, and what stands there. */
type Place = readonly [pattern: RegExp, words: string]

/** By file in completions/. */
const places: Readonly<Record<string, readonly Place[]>> = {
  'minderbinder.bash': [
    [/(?<=--syscall\) keys=')[^']*/, keysFor('syscall').join(' ')],
    [/(?<=--drop-net\) keys=')[^']*/, keysFor('drop-net').join(' ')],
    [/(?<= \*\) keys=')[^']*/, keysFor('refuse-net').join(' ')],
    [
      /(?: +\w+=\*\) _minderbinder_offer '.*\n)+/,
      valuesBy(
        (key, values) =>
          `      ${key}=*) _minderbinder_offer '${values.join(' ')}' "$current" ;;\n`,
      ),
    ],
    [/(?<=compgen .*-W ')[^']*:(?=' -- "\$current"\))/, verbs().join(' ')],
    [/(?<=_minderbinder_offer ')[^']*(?=' "\$current" '' =)/, straceActions.join(' ')],
  ],
  _minderbinder: [
    [/(?<= _minderbinder_key )[a-z ]+/, keysFor('syscall').join(' ')],
    [/(?<=--drop-net=.*:_minderbinder_network )[a-z ]+/, keysFor('drop-net').join(' ')],
    [/(?<=--refuse-net=.*:_minderbinder_network )[a-z ]+/, keysFor('refuse-net').join(' ')],
    [
      /(?: +(?:el)?if compset -P '\w+='; then compadd [a-z].*\n)+/,
      valuesBy(
        (key, values, at) =>
          `  ${at === 0 ? '' : 'el'}if compset -P '${key}='; then compadd ${values.join(' ')}\n`,
      ),
    ],
    [/(?<=compadd -S '' ).*/, verbs().join(' ')],
    [/(?<=compadd -S = )[a-z].*/, straceActions.join(' ')],
  ],
  'minderbinder.fish': [
    [/(?<=_fault --syscall )[^)]*/, keysFor('syscall').join(' ')],
    [/(?<=_fault --drop-net )[^)]*/, keysFor('drop-net').join(' ')],
    [/(?<=_fault --refuse-net )[^)]*/, keysFor('refuse-net').join(' ')],
    [
      /(?: +case \w+=\n +printf '%s\\n' "\$before"\{.*\n)+/,
      valuesBy(
        (key, values) =>
          `            case ${key}=\n                printf '%s\\n' "$before"{${values.join(',')}}\n`,
      ),
    ],
    [/(?<=printf '%s\\n' \$before)\{.*:\}/, `{${verbs().join(',')}}`],
    [/(?<=printf '%s=\\n' \$before)\{.*\}/, `{${straceActions.join(',')}}`],
  ],
}

export const completionFiles = Object.keys(places)

/** The text of a completion file, with the words of the tables in place of those that it has. */
export function withWords(file: string, text: string): string {
  return places[file]!.reduce((before, [pattern, words]) => {
    if (!pattern.test(before)) throw new Error(`${file} has nothing like ${pattern}`)
    return before.replace(pattern, () => words)
  }, text)
}

/** Those that do something for this fault. */
function keysFor(kind: Rule['kind']): string[] {
  const keys = keysOf(kind).filter(({ faults }) => faults.includes(kind))
  return keys.map(({ name }) => name)
}

/** A line, or some, for each key that has few values. */
function valuesBy(line: (key: string, values: readonly string[], at: number) => string): string {
  const keys = [...new Set([...keysOf('syscall'), ...keysOf('drop-net')])]
  return keys
    .flatMap(({ name, values }) => (values ? [{ name, values }] : []))
    .map(({ name, values }, at) => line(name, values, at))
    .join('')
}

function verbs(): string[] {
  return outcomeKinds.flatMap(({ verb }) => (verb === undefined ? [] : `${verb}:`))
}

/**
 * Extended regular expressions of POSIX, as strace takes them for names of system calls (`/^get.id$`).
 *
 * JavaScript's own would backtrack, for minutes on an expression like `(a*)*b`. Here an expression is the
 * relation between the positions of a text that it can match from and to, put together from those of its
 * parts: the time is bounded by the length of the expression times a constant.
 */
import { quote, type Span } from './span.ts'

/** Texts are names of system calls: at most so long that a position is a bit of an integer. */
export const longestText = 30
const longestExpression = 200
const mostRepetitions = 255 // RE_DUP_MAX

/** Element i: the positions that a match from position i can end at, as bits. */
type Relation = readonly number[]
type Expression = (text: string) => Relation

/**
 * Compiles the expression that `span` is; throws MB_FAULT_SYNTAX that points into it.
 * @returns whether the expression matches anywhere in a text of at most `longestText` characters
 */
export function compileRegex(span: Span): (text: string) => boolean {
  if (span.length > longestExpression)
    throw span.error(
      'MB_FAULT_SYNTAX',
      `a regular expression has at most ${longestExpression} characters`,
    )
  const parser = new Parser(span)
  const expression = parser.alternatives()
  parser.expectEnd()
  return (text) => text.length <= longestText && expression(text).some((ends) => ends !== 0)
}

class Parser {
  private readonly span: Span
  private readonly text: string
  private at = 0

  constructor(span: Span) {
    this.span = span
    this.text = span.text
  }

  alternatives(): Expression {
    const choices = [this.sequence()]
    while (this.take('|')) choices.push(this.sequence())
    return (text) => choices.map((choice) => choice(text)).reduce(union)
  }

  expectEnd(): void {
    if (this.at < this.text.length) throw this.wrong('there is no ( for this )')
  }

  private sequence(): Expression {
    const parts: Expression[] = []
    while (this.at < this.text.length && !'|)'.includes(this.text[this.at] ?? ''))
      parts.push(this.repeated())
    return (text) => parts.map((part) => part(text)).reduce(compose, identity(text))
  }

  private repeated(): Expression {
    let expression = this.atom()
    for (;;) {
      const repeated = expression
      if (this.take('*')) expression = (text) => closure(repeated(text), text)
      else if (this.take('+'))
        expression = (text) => {
          const once = repeated(text) // not twice: nested, that would double at each level
          return compose(once, closure(once, text))
        }
      else if (this.take('?')) expression = (text) => union(identity(text), repeated(text))
      else if (this.text[this.at] === '{') {
        const times = this.repetitions()
        expression = (text) => {
          const once = repeated(text)
          let relation = identity(text)
          for (let time = 0; time < times; time++) relation = compose(relation, once)
          return relation
        }
      } else return expression
    }
  }

  private repetitions(): number {
    const match = /^\{(\d{1,3})\}/.exec(this.text.slice(this.at))
    if (!match || Number(match[1]) > mostRepetitions) throw this.wrong('only {N} is supported')
    this.at += match[0].length
    return Number(match[1])
  }

  private atom(): Expression {
    const character = this.text[this.at] ?? ''
    if ('*+?{'.includes(character)) throw this.wrong('nothing to repeat')
    if (this.take('(')) {
      const group = this.alternatives()
      if (!this.take(')')) throw this.wrong('a ) is missing')
      return group
    }
    if (this.take('^')) return (text) => identity(text).map((bit, i) => (i === 0 ? bit : 0))
    if (this.take('$'))
      return (text) => identity(text).map((bit, i) => (i === text.length ? bit : 0))
    if (this.take('.')) return one(() => true)
    if (this.take('[')) return one(this.bracket())
    if (this.take('\\')) {
      const literal = this.text[this.at] ?? ''
      if (!/^[^\w]$/.test(literal)) throw this.wrong('only a punctuation mark follows a backslash')
      this.at++
      return one((other) => other === literal)
    }
    this.at++
    return one((other) => other === character)
  }

  /** After the [. A first ] is itself, and a - between two characters is their range. */
  private bracket(): (character: string) => boolean {
    const negated = this.take('^')
    const ranges: [string, string][] = []
    for (let first = true; first || this.text[this.at] !== ']'; first = false) {
      const low = this.text[this.at++]
      if (low === undefined) throw this.wrong('a ] is missing')
      const high = this.text[this.at + 1]
      if (this.text[this.at] !== '-' || high === undefined || high === ']') {
        ranges.push([low, low])
        continue
      }
      if (high < low) throw this.wrong('this range is empty')
      ranges.push([low, high])
      this.at += 2
    }
    this.at++
    return (character) =>
      ranges.some(([low, high]) => low <= character && character <= high) !== negated
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false
    this.at++
    return true
  }

  private wrong(what: string) {
    const here = this.span.slice(Math.min(this.at, this.text.length), this.at + 1)
    return here.error('MB_FAULT_SYNTAX', `regular expression ${quote(this.text)}: ${what}`)
  }
}

function identity(text: string): Relation {
  return Array.from({ length: text.length + 1 }, (_, position) => 1 << position)
}

function one(matches: (character: string) => boolean): Expression {
  return (text) =>
    identity(text).map((bit, i) => (i < text.length && matches(text[i] ?? '') ? bit << 1 : 0))
}

function union(left: Relation, right: Relation): Relation {
  return left.map((ends, start) => ends | (right[start] ?? 0))
}

function compose(left: Relation, right: Relation): Relation {
  return left.map((middles) =>
    right.reduce((ends, more, middle) => ((middles >> middle) & 1 ? ends | more : ends), 0),
  )
}

/** Any number of times: at most once for each position can make a difference. */
function closure(relation: Relation, text: string): Relation {
  let all = identity(text)
  for (;;) {
    const more = union(all, compose(all, relation))
    if (more.every((ends, start) => ends === all[start])) return all
    all = more
  }
}

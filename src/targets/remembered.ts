/** Pure functions of lists that many processes have in common: the same list, the same answer. */
export function remembered<Key extends object, Answer>(
  answerTo: (key: Key) => Answer,
): (key: Key) => Answer {
  const answers = new WeakMap<Key, { readonly answer: Answer }>()
  return (key) => {
    const known = answers.get(key) ?? { answer: answerTo(key) }
    answers.set(key, known)
    return known.answer
  }
}

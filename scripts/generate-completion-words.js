// Writes the words of the tables of outcomes and keys into the completion files.
import { readFileSync, writeFileSync } from 'node:fs'
import { completionFiles, withWords } from '../src/cli/completion-words.ts'

for (const name of completionFiles) {
  const file = new URL(`../completions/${name}`, import.meta.url)
  writeFileSync(file, withWords(name, readFileSync(file, 'utf8')))
}

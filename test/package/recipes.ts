/** docs/recipes.md: its files and its lines for a shell, by section. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { repository } from './tarball.ts'

export interface Recipe {
  /** By the name that stands after `file=`. */
  readonly files: ReadonlyMap<string, string>
  /** Blocks that are marked `run`. */
  readonly lines: readonly string[]
}

const fence = /^```(\w+) (?:file=(\S+)|(run))\n([\s\S]*?)^```$/gm

function recipe(text: string): Recipe {
  const files = new Map<string, string>()
  const lines: string[] = []
  for (const [, , file, , body = ''] of text.matchAll(fence)) {
    if (file === undefined) lines.push(body)
    else files.set(file, body)
  }
  return { files, lines }
}

/** By title; what stands before the first one is under ''. */
function recipesOf(page: string): ReadonlyMap<string, Recipe> {
  return new Map(
    readFileSync(join(repository, 'docs', page), 'utf8')
      .split(/^## /m)
      .map((section, i): [string, Recipe] => {
        const title = i === 0 ? '' : section.slice(0, section.indexOf('\n'))
        return [title, recipe(section)]
      }),
  )
}

export const recipes = recipesOf('recipes.md')
/** docs/testing.md, in the same form. */
export const examples = recipesOf('testing.md')

/** Lays out the files of a recipe, and those that all have. */
export function layOut(title: string, folder: string): Recipe {
  const chosen = recipes.get(title)
  if (chosen === undefined) throw new Error(`docs/recipes.md has no section ${title}`)
  writeFileSync(join(folder, 'app.conf'), 'colour = blue\n')
  writeFiles([...(recipes.get('')?.files ?? []), ...chosen.files], folder)
  return chosen
}

export function writeFiles(files: Iterable<readonly [string, string]>, folder: string): void {
  for (const [name, text] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
    if (text.startsWith('#!')) chmodSync(join(folder, name), 0o755)
  }
}

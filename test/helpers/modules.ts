/** The repository's modules: what each one imports and exports, as TypeScript's parser sees it. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

export interface Import {
  /** The other module, from the repository's root. */
  readonly module: string
  /** undefined: any of its names, for the text does not tell which. */
  readonly names: readonly string[] | undefined
}

export interface Export {
  readonly name: string
  /** An interface or another type: nothing is left of it at run time. */
  readonly isType: boolean
}

export interface Module {
  /** Of types alone and those by import() included. */
  readonly imports: readonly Import[]
  readonly exports: readonly Export[]
  /** How often each name stands in it, its declaration included. */
  readonly mentions: ReadonlyMap<string, number>
}

const root = new URL('../..', import.meta.url).pathname

/** Those below these folders, by their paths from the repository's root. */
export function readModules(...folders: readonly string[]): ReadonlyMap<string, Module> {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.[jt]s$/.test(file))
      .map((file) => join(folder, file)),
  )
  return new Map(files.map((file) => [file, parse(file, readFileSync(join(root, file), 'utf8'))]))
}

/** @param file its path, which relative imports begin from */
export function parse(file: string, text: string): Module {
  const imports: Import[] = []
  const exports: Export[] = []
  const mentions = new Map<string, number>()
  const add = (specifier: ts.Node, names: Import['names']) => {
    if (ts.isStringLiteralLike(specifier) && /^\.\.?\/.*\.[jt]s$/.test(specifier.text))
      imports.push({ module: join(dirname(file), specifier.text), names })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) mentions.set(node.text, (mentions.get(node.text) ?? 0) + 1)
    if (isExported(node)) {
      const isType = ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)
      exports.push(...declared(node).map((name) => ({ name, isType })))
    }
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, importedNames(node))
    else if (ts.isExportDeclaration(node)) {
      const list = node.exportClause && ts.isNamedExports(node.exportClause) && node.exportClause
      const isType = (each: ts.ExportSpecifier) => node.isTypeOnly || each.isTypeOnly
      for (const each of list ? list.elements : [])
        exports.push({ name: each.name.text, isType: isType(each) })
      if (node.moduleSpecifier) add(node.moduleSpecifier, list ? namesOf(list.elements) : undefined)
    } else if (isDynamicImport(node)) add(node.arguments[0]!, takenNames(node))
    // A path that is built into a program, or that new URL() makes whole.
    else if (ts.isStringLiteralLike(node)) add(node, undefined)
    else ts.forEachChild(node, visit)
  }
  ts.forEachChild(ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true), visit)
  return { imports, exports, mentions }
}

function isExported(node: ts.Node): boolean {
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false)
  )
}

function declared(node: ts.Node): string[] {
  if (!ts.isVariableStatement(node)) return [(node as ts.DeclarationStatement).name?.text ?? '']
  return node.declarationList.declarations.map(({ name }) => name.getText())
}

function importedNames({ importClause }: ts.ImportDeclaration): Import['names'] {
  const bindings = importClause?.namedBindings
  if (bindings && ts.isNamespaceImport(bindings)) return undefined
  return [
    ...(importClause?.name ? ['default'] : []),
    ...(bindings ? namesOf(bindings.elements) : []),
  ]
}

/** What the other module calls them. */
function namesOf(elements: readonly (ts.ImportSpecifier | ts.ExportSpecifier)[]): string[] {
  return elements.map(({ propertyName, name }) => (propertyName ?? name).text)
}

function isDynamicImport(node: ts.Node): node is ts.CallExpression {
  return ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
}

/** Of `(await import(…)).name` and of `const { name } = await import(…)`. */
function takenNames(node: ts.CallExpression): Import['names'] {
  let user: ts.Node = node.parent
  while (ts.isAwaitExpression(user) || ts.isParenthesizedExpression(user)) user = user.parent
  if (ts.isPropertyAccessExpression(user) && user.name.text !== 'then') return [user.name.text]
  if (ts.isVariableDeclaration(user) && ts.isObjectBindingPattern(user.name))
    return user.name.elements.map(({ propertyName, name }) => (propertyName ?? name).getText())
  return undefined
}

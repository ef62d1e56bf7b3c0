// Bundles the CLI into one CommonJS file: node 20 starts that a tenth faster than ES modules, and twice as
// fast as unbundled packages. koffi stays outside: it is native, and only network faults load it.
import { spawnSync } from 'node:child_process'
import { copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * What packages import and exec never uses, but would load node:net and node:stream for at every start:
 * commander's child_process (it starts no executable subcommands of ours), and chalk's look at the terminal
 * (it is always given its level).
 */
const unused = {
  name: 'unused',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer, path }) =>
      importer.includes('/commander/') ? { path, namespace: 'unused' } : undefined,
    )
    onResolve({ filter: /^#supports-color$/ }, ({ path }) => ({ path, namespace: 'unused' }))
    onLoad({ filter: /./, namespace: 'unused' }, ({ path }) => ({
      contents: path === '#supports-color' ? 'export default { stdout: false, stderr: false }' : '',
    }))
  },
}

/**
 * Parts with packages that few runs need: files of their own, read where import() asks for them. Each has its own
 * copy of what it shares with the rest, so none of them may throw or compare a class of ours.
 */
const parts = ['src/view/view.ts', 'src/metrics/exposition.ts']
const partFile = (path) => `${basename(path, '.ts')}.cjs`
const apart = {
  name: 'apart',
  setup({ onResolve }) {
    onResolve({ filter: /\.ts$/ }, ({ kind, path, resolveDir }) => {
      const part = parts.find((each) => join(resolveDir, path) === join(root, each))
      if (part === undefined) return undefined
      if (kind === 'entry-point') return undefined
      if (kind === 'dynamic-import') return { path: `./${partFile(part)}`, external: true }
      return { errors: [{ text: `${part} is a file of its own: only import() brings it in` }] }
    })
  },
}

const commonJs = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: true,
  external: ['koffi'],
  // import() of a package becomes require(): node's loader of ES modules takes milliseconds to start.
  supported: { 'dynamic-import': false },
  // Bundled code asks __dirname where the package lies; making a URL takes a millisecond of every start.
  define: { 'import.meta.url': '""' },
  logLevel: 'warning',
}

await build({
  ...commonJs,
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/minderbinder.cjs',
  plugins: [unused, apart],
  // A function expression, for start.cjs to call.
  banner: {
    js: '(function (require, __filename, __dirname) { const module = { exports: {} };',
  },
  footer: { js: '})' },
})
for (const part of parts)
  await build({
    ...commonJs,
    entryPoints: [part],
    outfile: `dist/${partFile(part)}`,
    plugins: [unused],
  })
copyFileSync('src/cli/start.cjs', 'dist/cli.cjs')
run('ignore', 'scripts/compile-cli.cjs')

/** One class of errors for all that the package exports, and so one file. */
const sharedErrors = {
  name: 'shared-errors',
  setup({ onResolve }) {
    onResolve({ filter: /\/errors\.ts$/ }, ({ kind, path, resolveDir }) =>
      kind !== 'entry-point' && join(resolveDir, path) === join(root, 'src/errors.ts')
        ? { path: './errors.js', external: true }
        : undefined,
    )
  },
}

// The library (package.json, "exports"): ES modules, and their declarations.
await build({
  entryPoints: { errors: 'src/errors.ts', index: 'src/index.ts', testing: 'src/testing/index.ts' },
  outdir: 'dist',
  bundle: true,
  plugins: [sharedErrors],
  platform: 'node',
  target: 'node20',
  format: 'esm',
  external: ['koffi'],
  // What is bundled of execa is CommonJS in part, and asks for node's own modules.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  logLevel: 'warning',
})
const typescript = createRequire(import.meta.url).resolve('typescript/bin/tsc')
run('inherit', typescript, '-p', 'tsconfig.build.json')
keepDeclarations(['dist/index.d.ts', 'dist/testing/index.d.ts'])

/** Of the declarations only those that the library's own name, directly or not. */
function keepDeclarations(entries) {
  const kept = new Set()
  const keep = (path) => {
    if (kept.has(path)) return
    kept.add(path)
    const text = readFileSync(join(root, path), 'utf8')
    for (const [, name] of text.matchAll(/from '(\.[^']*)\.ts'/g))
      keep(join(dirname(path), `${name}.d.ts`))
  }
  for (const entry of entries) keep(entry)
  for (const name of readdirSync(join(root, 'dist'), { recursive: true })) {
    const path = join('dist', name)
    if (path.endsWith('.d.ts') && !kept.has(path)) rmSync(join(root, path))
  }
}

function run(stdout, ...args) {
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', stdout, 'inherit'],
  })
  if (status !== 0) process.exit(status ?? 1)
}

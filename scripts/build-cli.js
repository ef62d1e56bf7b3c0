// Bundles the CLI into one CommonJS file: node 20 starts that a tenth faster than ES modules, and twice as
// fast as unbundled packages. koffi stays outside: it is native, and only network faults load it.
import { spawnSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

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

await build({
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/minderbinder.cjs',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: true,
  external: ['koffi'],
  plugins: [unused],
  // import() of a package becomes require(): node's loader of ES modules takes milliseconds to start.
  supported: { 'dynamic-import': false },
  // Bundled code asks __dirname where the package lies; making a URL takes a millisecond of every start.
  define: { 'import.meta.url': '""' },
  // A function expression, for start.cjs to call.
  banner: {
    js: '(function (require, __filename, __dirname) { const module = { exports: {} };',
  },
  footer: { js: '})' },
  logLevel: 'warning',
})
copyFileSync('src/cli/start.cjs', 'dist/cli.cjs')
run('ignore', 'scripts/compile-cli.cjs')

// The library (package.json, "exports"): one ES module, and its declarations.
await build({
  entryPoints: ['src/index.ts'],
  outfile: 'dist/index.js',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  logLevel: 'warning',
})
const typescript = createRequire(import.meta.url).resolve('typescript/bin/tsc')
run('inherit', typescript, '-p', 'tsconfig.build.json')

function run(stdout, ...args) {
  const { status } = spawnSync(process.execPath, args, {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', stdout, 'inherit'],
  })
  if (status !== 0) process.exit(status ?? 1)
}

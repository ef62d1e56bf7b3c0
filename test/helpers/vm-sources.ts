/**
 * TypeScript for virtual machines: bundled here, once, since tsx and its compiler take 10 seconds to start in
 * there, and each module read some more. Inside, `--import tsx` is a loader that finds the bundles.
 */
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'

const repository = new URL('../../', import.meta.url).pathname

/** What `--import tsx` loads. */
export const tsxLoader = join(repository, 'node_modules/tsx/dist/loader.mjs')

/** Where in the folder the bundle of a source (relative to the repository) is. */
export function bundleOf(source: string): string {
  return `js/${source.replace(/\.ts$/, '.js')}`
}

/**
 * Puts a bundle of each source, and the loader (`loader.mjs`), into a folder, which is at `inside` in the
 * machine.
 */
export async function bundleSources(folder: string, inside: string): Promise<void> {
  const entryPoints = ['src', 'test'].flatMap((top) =>
    readdirSync(join(repository, top), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(repository, top, file)),
  )
  await build({
    ...{
      entryPoints,
      outbase: repository,
      outdir: join(folder, 'js'),
      format: 'esm',
      bundle: true,
    },
    ...{ platform: 'node', target: 'node20', packages: 'external', logLevel: 'error' },
    plugins: [ownUrls],
  })
  writeFileSync(join(folder, 'js', 'package.json'), '{"type":"module"}')
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'))
  const hooks = `
    import { readFileSync } from 'node:fs'
    const root = ${JSON.stringify(pathToFileURL(repository).href)}
    export async function load(url, context, next) {
      if (!url.startsWith(root) || !url.endsWith('.ts')) return next(url, context)
      const file = ${JSON.stringify(`${inside}/js/`)} + decodeURI(url.slice(root.length, -3)) + '.js'
      return { format: 'module', source: readFileSync(file), shortCircuit: true }
    }`
  const url = `data:text/javascript,${encodeURIComponent(hooks)}`
  const loader = `import { register } from 'node:module'\nregister(${JSON.stringify(url)})\n`
  writeFileSync(join(folder, 'loader.mjs'), loader)
}

/** Sources find fixtures and each other beside themselves: in a bundle too. */
const ownUrls: Plugin = {
  name: 'own-urls',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const url = JSON.stringify(pathToFileURL(path).href)
      const contents = readFileSync(path, 'utf8').replaceAll('import.meta.url', url)
      return { contents, loader: 'ts' }
    })
  },
}

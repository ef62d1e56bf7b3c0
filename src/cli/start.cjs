/**
 * Runs the bundled CLI with the code that V8 made of it at build time (scripts/compile-cli.cjs): parsing and
 * compiling it at each start costs more. Another V8 than the build's finds that code out by itself and rejects
 * it, and so does one with other flags; then the source is compiled as ever.
 */
const { readFileSync, writeSync } = require('node:fs')
const { join } = require('node:path')
const { Script } = require('node:vm')

/** package.json, "engines": what an older one does with the code below, nobody has looked at. */
const OLDEST = 20

if (Number(process.versions.node.split('.')[0]) < OLDEST) {
  const found = `${process.execPath} is ${process.version}`
  writeSync(
    2,
    `minderbinder: it needs Node.js ${OLDEST} or newer, and the first in PATH, ${found}\n`,
  )
  process.exit(125)
}

/** One byte a character: the bundle is ASCII, and V8 takes that as it is. */
function read(name, encoding) {
  return readFileSync(join(__dirname, name), encoding)
}

function code() {
  try {
    return read('minderbinder.code')
  } catch {
    return undefined // never built: nothing but slower
  }
}

const filename = join(__dirname, 'minderbinder.cjs')
const source = read('minderbinder.cjs', 'latin1')
const script = new Script(source, { filename, cachedData: code() })
script.runInThisContext()(require, filename, __dirname)

module.exports = script

/**
 * Runs the bundled CLI with the code that V8 made of it at build time (scripts/compile-cli.cjs): parsing and
 * compiling it at each start costs more. Where there is none for this node, the source is compiled as ever.
 */
const { readFileSync, statSync, writeSync } = require('node:fs')
const { join } = require('node:path')
const { Script } = require('node:vm')

/** package.json, "engines": older ones are not tested with the code below. */
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

/**
 * The very node that the code was made by. V8 rejects that of another version of its own, but all of Node 20 has the
 * same: v20.19.6 takes the code of v20.20.2, arm64 that of x64, and crashes.
 */
function codeFile() {
  const { size } = statSync(process.execPath)
  return `minderbinder-${process.version}-${process.arch}-${size}.code`
}

function code() {
  try {
    return read(codeFile())
  } catch {
    return undefined // never built, or by another node: nothing but slower
  }
}

const filename = join(__dirname, 'minderbinder.cjs')
const source = read('minderbinder.cjs', 'latin1')
const script = new Script(source, { filename, cachedData: code() })
script.runInThisContext()(require, filename, __dirname)

module.exports = { script, codeFile }

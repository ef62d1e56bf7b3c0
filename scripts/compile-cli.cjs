// Writes dist/minderbinder-NODE.code, which is for this very node: what V8 has compiled of dist/minderbinder.cjs at the
// end of a run of `exec`, so that each start finds the functions that it calls. node scripts/compile-cli.cjs
const { spawnSync } = require('node:child_process')
const { mkdtempSync, readdirSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const dist = join(__dirname, '../dist')
const launcher = join(__dirname, '../build/launcher')
const callRule = ['--syscall', 'openat=ENOENT@0%']
const networkRule = ['--drop-net', '0%']

/** The first that works here says most. Network rules need root; of this machine's network they are to see nothing. */
const runs = [
  ['unshare', '--net', launcher, 'exec', '-q', ...callRule, ...networkRule, '--', 'true'],
  [launcher, 'exec', '-q', ...callRule, '--', 'true'],
]

/** The launcher starts the `node` that it finds in PATH, and gives it what exec needs: that one loads this script first. */
function compile() {
  for (const name of readdirSync(dist))
    if (name.endsWith('.code')) rmSync(join(dist, name), { force: true })
  const folder = mkdtempSync(join(tmpdir(), 'minderbinder-compile-'))
  try {
    const [node, self] = [process.execPath, __filename].map(shellWord)
    writeFileSync(join(folder, 'node'), `#!/bin/sh\nexec ${node} -r ${self} "$@"\n`, {
      mode: 0o755,
    })
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` }
    for (const [program, ...args] of runs)
      if (spawnSync(program, args, { env, stdio: 'ignore' }).status === 0) return
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Exec's last act is to kill its own process (src/launch/front.ts): before that, everything is compiled. */
function writeAtTheEnd() {
  const kill = process.kill
  process.kill = (...args) => {
    const { script, codeFile } = require(join(dist, 'cli.cjs'))
    writeFileSync(join(dist, codeFile()), script.createCachedData())
    return kill.apply(process, args)
  }
}

function shellWord(text) {
  return `'${text.replaceAll("'", "'\\''")}'`
}

if (require.main === module) compile()
else writeAtTheEnd()

// Writes dist/minderbinder-NODE.code, which is for this very node: what V8 has compiled of dist/minderbinder.cjs after
// a run of `explain`, which is most of what a start of `exec` needs. node scripts/compile-cli.cjs
const { readdirSync, rmSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const dist = join(__dirname, '../dist')
const faults = ['--syscall', 'openat=ENOENT@0%', '--drop-net', '0%', '--refuse-net', '0%']

for (const name of readdirSync(dist))
  if (name.endsWith('.code')) rmSync(join(dist, name), { force: true })
process.argv = [process.argv[0], join(dist, 'cli.cjs'), 'explain', ...faults]
const { script, codeFile } = require(join(dist, 'cli.cjs'))
process.on('exit', () => writeFileSync(join(dist, codeFile()), script.createCachedData()))

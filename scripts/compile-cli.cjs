// Writes dist/minderbinder.code: what V8 has compiled of dist/minderbinder.cjs after a run of `explain`, which
// is most of what a start of `exec` needs. node scripts/compile-cli.cjs
const { rmSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const dist = join(__dirname, '../dist')
const code = join(dist, 'minderbinder.code')
const faults = ['--syscall', 'openat=ENOENT@0%', '--drop-net', '0%', '--refuse-net', '0%']

rmSync(code, { force: true })
process.argv = [process.argv[0], join(dist, 'cli.cjs'), 'explain', ...faults]
const script = require(join(dist, 'cli.cjs'))
process.on('exit', () => writeFileSync(code, script.createCachedData()))

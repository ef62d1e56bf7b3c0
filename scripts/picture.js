// Makes a picture of what a command shows on a terminal, for docs/:
//   node --import tsx scripts/picture.js FILE.svg COLUMNSxROWS SECONDS COMMAND
// COMMAND is typed at a shell, where minderbinder is on the PATH; the picture is what is on the screen SECONDS later.
// Then it gets ^C. FILE may be - for standard output, from a virtual machine:
//   sh scripts/vm.sh 7.2 -- unshare --net sh scripts/prototype-scene.sh \
//     node --import tsx scripts/picture.js - 112x44 90 'minderbinder run --interface near0 docs/prototype.yaml' >docs/run.svg
import { writeFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { emulate } from '../test/helpers/emulator.ts'
import { keys, shell } from '../test/helpers/terminal.ts'
import { screenSvg } from './screen-svg.js'

const [file, size, seconds, command] = process.argv.slice(2)
const [columns, rows] = size?.split('x').map(Number) ?? []
if (!file || !columns || !rows || !(Number(seconds) > 0) || !command) {
  process.stderr.write('usage: picture.js FILE.svg COLUMNSxROWS SECONDS COMMAND\n')
  process.exit(2)
}
const bin = new URL('../bin', import.meta.url).pathname
const PATH = `${bin}${delimiter}${process.env.PATH}`
const terminal = await shell({
  env: { TERM: 'xterm-256color', LC_ALL: 'C.UTF-8', PATH },
  timeout: (Number(seconds) + 300) * 1000,
})
terminal.resize(columns, rows)
terminal.type(`${command}\n`)
await pause(Number(seconds) * 1000)
const { terminal: screen } = await emulate(terminal.bytes(), columns, rows)
writeFileSync(file === '-' ? 1 : file, screenSvg(screen))
terminal.type(keys.interrupt)
terminal.hangUp()
await terminal.ended

/**
 * The prototype's own file, byte for byte where the machine has its calls, under `run`: between two namespaces with a
 * link, for `--interface`.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { countsOf, startRun } from '../helpers/machine-run.ts'
import { type Namespace, openPair } from '../helpers/network-namespace.ts'
import { patience } from '../helpers/patience.ts'
import { has, requires } from '../helpers/requires.ts'
import { type RunResult, run, start } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

/** What the file names and no program calls: arm64 has no such call, and the file is refused there. */
const uncalled = process.arch === 'arm64' ? 'truncate' : 'open'
const prototype = readFileSync(
  new URL('../../docs/prototype.yaml', import.meta.url),
  'utf8',
).replace('syscall: open\n', `syscall: ${uncalled}\n`)
const needs = [
  'root',
  'cgroup2',
  'libbpf',
  'netns',
  'ip',
  'python3',
  'wget',
  'curl',
  'ping',
] as const

/** Answers after what the file has as delay_ms, and long after it where the machine is slow. */
const delayedServer = `
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(float(sys.argv[1]))
        self.send_response(200)
        self.send_header('Content-Length', '6')
        self.send_header('Connection', 'close')
        self.end_headers()
        self.wfile.write(b'hello\\n')
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(('0.0.0.0', 8000), Handler)
print('ready', flush=True)
server.serve_forever()
`

async function serve(t: TestContext, namespace: Namespace): Promise<void> {
  const server = start(namespace.inside('/usr/bin/python3', '-c', delayedServer, '0.4'), {
    timeout: 240_000,
  })
  t.after(() => server.child.kill('SIGKILL'))
  await until(() => server.stdout().includes('ready'), { what: 'a server' })
}

/** How many of the packets that ping sent had no answer. */
function lostBy({ stdout }: RunResult): number {
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? []
  assert.ok(sent && received, stdout)
  return Number(sent) - Number(received)
}

test('curl, wget, ping, vim and cat under the file of the prototype', async (t) => {
  if (!requires(t, ...needs)) return
  const fails = has('linux:override') || has('linux:hook')
  const state = systemState()
  const folder = scratch(t)
  const file = join(folder, 'text')
  writeFileSync(file, 'text\n')
  const { near, far } = await openPair(t)
  await Promise.all([serve(t, near), serve(t, far)])
  const here = (...command: string[]) => run(near.inside(...command), { timeout: 60_000 })
  const wget = (address: string) => {
    const url = `http://${address}:8000/`
    // The second request leaves after the first answer: later than delay_ms.
    return here('wget', '-q', '-t', '1', '-T', `${2 * patience}`, '-O', '/dev/null', url, url)
  }
  const curl = () => here('curl', '-sS', '-o', join(folder, 'out'), 'http://198.18.0.2:8000/')
  const args = ['--interface', 'near0', ...(fails ? [] : ['--skip-unsupported'])]
  const work = await startRun(t, prototype, { args, inside: (...each) => near.inside(...each) })

  assert.equal((await wget('198.18.0.2')).status, 4, 'wget has a network failure')
  assert.equal((await wget('127.0.0.1')).status, 0, 'on another interface it has none')
  const ping = await here('ping', '-n', '-c', '30', '-i', '0.05', '-W', '1', '198.18.0.2')
  const curled = await curl()
  if (fails) {
    assert.equal(curled.status, 23, `curl cannot open its output: ${curled.stderr}`)
    assert.match(curled.stderr, /No such file or directory|Failed to open|[Ww]rit/)
  } else {
    assert.equal(curled.status, 0, curled.stderr)
  }
  // They call openat, and the rule is for open, which has never meant anything else here.
  assert.equal((await here('cat', file)).stdout, 'text\n')
  if (has('vim')) {
    const vim = await here('vim', '-u', 'NONE', '-es', '-c', '%print', '-c', 'q!', file)
    assert.match(vim.stdout, /^text/m, vim.stderr)
  }

  const result = await work.end()
  assert.equal(result.status, 0, result.stderr)
  const lost = lostBy(ping)
  const [, matched, fired] = countsOf(result, 'break_ping')
  assert.equal(fired, lost, ping.stdout)
  assert.ok(matched! > 20 && fired! > 0 && fired! < matched!, result.stderr)
  assert.ok(countsOf(result, 'break_wget_network')[2]! > 0)
  if (fails) {
    assert.ok(countsOf(result, 'break_curl_openat')[2]! > 0, result.stderr)
    const hint = `break_vim_file_opening never fired: ${uncalled} was never called`
    assert.ok(result.stderr.includes(hint), result.stderr)
  } else {
    assert.match(result.stderr, /left out: break_curl_openat: override: /)
  }
  // Afterwards nothing is broken.
  const ended = await Promise.all([wget('198.18.0.2'), curl()])
  assert.deepEqual(
    ended.map(({ status }) => status),
    [0, 0],
  )
  await nothingLeft(state)
})

test('rules that cannot be done here are refused, with the reason, unless they may be left out', async (t) => {
  if (!requires(t, 'root', 'libbpf')) return
  if (has('linux:override') || has('linux:hook')) return t.skip('this kernel can do them all')
  const file = join(scratch(t), 'config.yaml')
  writeFileSync(file, prototype)
  const { minderbinder } = await import('../helpers/run.ts')
  const refused = await run([minderbinder, 'run', '--no-graph', file])
  assert.equal(refused.status, 1)
  assert.match(refused.stderr, /no engine can do break_curl_openat: override: /)
  assert.match(refused.stderr, /--skip-unsupported/)
})

/** The units in docs: systemd understands them, and `run` and `serve` can work with what they leave them. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { echoDatagrams } from '../helpers/loopback.ts'
import { countsOf, startClient, startRun } from '../helpers/machine-run.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { runServed, startServe } from '../helpers/serve.ts'
import { until } from '../helpers/until.ts'

const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')
const unit = read('minderbinder.service')
const ofServe = read('minderbinder-serve.service')
const setting = (name: string, of = unit) => new RegExp(`^${name}=(.*)$`, 'm').exec(of)?.[1] ?? ''

for (const [name, unit] of [
  ['minderbinder.service', read('minderbinder.service')],
  ['minderbinder-serve.service', ofServe],
] as const)
  test(`systemd-analyze finds nothing wrong with ${name}`, async (t) => {
    if (!requires(t, 'systemd-analyze')) return
    const file = join(scratch(t), name)
    const program = /^ExecStart=(\S+)/m.exec(unit)![1]!
    writeFileSync(file, unit.replace(`ExecStart=${program}`, `ExecStart=${minderbinder}`))
    const verified = await run(['systemd-analyze', 'verify', '--man=no', file])
    assert.deepEqual([verified.stderr, verified.status], ['', 0])
    writeFileSync(file, unit.replace('ProtectHome', 'ProtectHouse'))
    const broken = await run(['systemd-analyze', 'verify', '--man=no', file])
    assert.match(broken.stderr, /ProtectHouse/)
  })

test('with the capabilities that it leaves, run finds and hits whomever it shall; reload and stop work', async (t) => {
  if (!requires(t, 'root', 'setpriv', 'cgroup2', 'libbpf', 'cc')) return
  const port = await echoDatagrams(t)
  const yaml = (name: string) => `agents_of_chaos:
  outgoing_network:
    - {name: lose, proto: udp, port: ${port}, targets: [{process_name: ${name}}]}
`
  const by = (...command: string[]) => ['setpriv', '--reuid=54321', '--clear-groups', ...command]
  const before = await startClient(t, { name: 'mb-served', port, by })
  const second = await startClient(t, { name: 'mb-served-too', port })
  const inside = (...command: string[]) => [...confined(unit), ...command]
  const work = await startRun(t, yaml('mb-served'), { inside })
  const after = await startClient(t, { name: 'mb-served', port, by })
  const answers = async () => [
    await before.ask('udp'),
    await after.ask('udp'),
    await second.ask('udp'),
  ]
  assert.deepEqual(await answers(), ['lost', 'lost', 'answered'])
  writeFileSync(work.file, yaml('mb-served-too'))
  const reload = /^ExecReload=\/bin\/kill -(\w+) \$MAINPID$/m.exec(unit)![1]
  work.running.child.kill(`SIG${reload}` as NodeJS.Signals)
  await until(() => work.running.stderr().includes('read again'), { what: 'the new rules' })
  assert.deepEqual(await answers(), ['answered', 'answered', 'lost'])
  work.running.child.kill('SIGTERM') // as systemctl stop does
  const result = await work.running.result
  assert.equal(result.status, 0, result.stderr)
  assert.deepEqual(countsOf(result, 'lose').slice(1), [1, 1])
})

test('with the capabilities that it leaves, serve lets members of its group fault their own processes', async (t) => {
  if (!requires(t, 'root', 'linux:6.1', 'setpriv', 'python3')) return
  const folder = scratch(t)
  const socket = join(folder, 'socket')
  const served = await startServe(t, ['--group', 'nogroup'], socket, confined(ofServe))
  const program = `
of_root = Other()
os.setgid(65534); os.setgroups([]); os.setresuid(65534, 65534, 65534)
old = udp()
c = Client(); c.inject("--drop-net 100%,to=127.0.0.9")
say([sends(), sends(old), Other().ask("sends()"), of_root.ask("sends()")])
c.lift()
say(sends(old))
`
  assert.deepEqual(await runServed(served, program), [['lost', 'lost', 'lost', 'ok'], 'ok'])
  assert.equal((await served.end()).status, 0) // as systemctl stop does
})

/** Put in front of what is to have only the capabilities that a unit leaves. */
function confined(unit: string): string[] {
  const kept = setting('CapabilityBoundingSet', unit).toLowerCase().replaceAll('cap_', '+')
  return ['setpriv', `--bounding-set=-all,${kept.replaceAll(' ', ',')}`, '--no-new-privs']
}

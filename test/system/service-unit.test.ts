/** docs/minderbinder.service: systemd understands it, and `run` can work with what it leaves it. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { echoDatagrams } from '../helpers/loopback.ts'
import { countsOf, startClient, startRun } from '../helpers/machine-run.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { until } from '../helpers/until.ts'

const unit = readFileSync(new URL('../../docs/minderbinder.service', import.meta.url), 'utf8')
const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? ''

test('systemd-analyze finds nothing wrong with it', async (t) => {
  if (!requires(t, 'systemd-analyze')) return
  const file = join(scratch(t), 'minderbinder.service')
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
  const kept = setting('CapabilityBoundingSet').toLowerCase().replaceAll('cap_', '+').split(' ')
  const inside = (...command: string[]) => [
    ...['setpriv', `--bounding-set=-all,${kept.join(',')}`, '--no-new-privs', ...command],
  ]
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

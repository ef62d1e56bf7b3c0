// A test file as a user writes it, for `exec --control -- node --test`: test/cli/testing.test.ts runs it.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import https from 'node:https'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { MinderbinderError } from 'minderbinder'
import { failures, unavailable, withFailures } from 'minderbinder/testing'

const file = '/etc/hostname'
const fault = `openat=EIO,path=${file}`
const opened = () => {
  try {
    return readFileSync(file).length > 0
  } catch ({ code }) {
    return code
  }
}
const catOpened = () => spawnSync('cat', [file]).status === 0

/** The program under test: it asks a service by HTTPS, and reads a file. */
const pem = fileURLToPath(new URL('../fixtures/localhost.pem', import.meta.url))
const certificate = readFileSync(pem)
const service = `const pem = require('node:fs').readFileSync(process.argv[1])
  require('node:https').createServer({ key: pem, cert: pem }, (_, response) => response.end('up'))
  .listen(0, '127.0.0.1', function () { console.log(this.address().port) })`
let serviceProcess
let servicePort
const app = createServer(async (request, response) => {
  try {
    response.end(request.url === '/file' ? await readFile(file) : await asked())
  } catch (error) {
    response.statusCode = request.url === '/file' ? 500 : 502
    response.end(error.code)
  }
})

async function asked() {
  const options = { port: servicePort, host: '127.0.0.1', ca: certificate, agent: false }
  const request = https.get(options)
  const [response] = await once(request, 'response')
  return (await response.toArray()).join('')
}

/** From another process: the fault hits this one, and not what it starts. */
function get(path) {
  const { port } = app.address()
  const script = `fetch('http://127.0.0.1:${port}${path}').then(async (r) => console.log(r.status, await r.text()))`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  return child.stdout.toArray().then((chunks) => chunks.join('').trim())
}

before(async () => {
  serviceProcess = spawn(process.execPath, ['-e', service, pem], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  servicePort = Number((await once(serviceProcess.stdout, 'data')).toString())
  await once(app.listen(0, '127.0.0.1'), 'listening')
})
after(() => {
  serviceProcess.kill()
  app.close()
})

test('a server answers 500 while its file cannot be read, and 502 while its service is down', async () => {
  assert.equal(await get('/service'), '200 up')
  const process = { scope: 'process' }
  const down = `connect=ECONNREFUSED`
  await withFailures(
    down,
    async () => assert.equal(await get('/service'), '502 ECONNREFUSED'),
    process,
  )
  assert.equal(await get('/service'), '200 up')
  await withFailures(fault, async () => assert.equal(await get('/file'), '500 EIO'), process)
  assert.equal(await get('/file'), `200 ${readFileSync(file, 'utf8').trim()}`)
})

test('the result says what the block returned, and what the faults did', async () => {
  const { value, faults, injections, seed } = await withFailures(
    [
      fault,
      { syscall: [{ syscall: 'openat', ret_code: 'EACCES', path: '/etc/passwd', name: 'second' }] },
    ],
    async (failures) => {
      assert.equal(opened(), 'EIO')
      assert.throws(() => readFileSync('/etc/passwd'), { code: 'EACCES' })
      const sofar = await failures.counts()
      assert.deepEqual(
        sofar.faults.map(({ fired }) => fired),
        [1, 1],
      )
      assert.equal(catOpened(), false)
      return 'its value'
    },
  )
  assert.deepEqual([value, injections, /^\d+$/.test(seed)], ['its value', 3, true])
  assert.deepEqual(
    faults.map(({ label, matched, fired }) => [label, matched, fired]),
    [
      [fault, 2, 2],
      ['second', 1, 1],
    ],
  )
  assert.deepEqual([opened(), catOpened()], [true, true])
})

test('a fault that never fired is an error, unless that is allowed', async () => {
  const near = `openat=EIO,path=${file}x`
  await assert.rejects(withFailures(near, opened), (error) => {
    assert.ok(error instanceof MinderbinderError)
    assert.equal(error.code, 'MB_NEVER_FIRED')
    assert.match(
      error.message,
      /^openat=EIO,path=\/etc\/hostnamex never fired: 1 call, none with .*nearest path was: \/etc\/hostname \(seed \d+\)$/,
    )
    return true
  })
  assert.equal(opened(), true)
  const { injections } = await withFailures(near, opened, { requireHit: false })
  assert.equal(injections, 0)
})

test('what the block throws is what the test gets, and the faults are lifted', async () => {
  const error = new Error('its own')
  const thrown = await withFailures(fault, () => {
    opened()
    throw error
  }).catch((reason) => reason)
  assert.deepEqual([thrown === error, error.message, opened()], [true, 'its own', true])
})

test('a fault that is wrong keeps the block from running', async () => {
  const block = () => assert.fail('it ran')
  await assert.rejects(withFailures('opena=EIO', block), { code: 'MB_UNKNOWN_NAME', hint: /open/ })
  await assert.rejects(withFailures('futex=EIO', block), { code: 'MB_NO_ENGINE' })
  await assert.rejects(withFailures('--refuse-net 5%,interface=lo', block), {
    code: 'MB_NO_ENGINE',
  })
  await assert.rejects(withFailures(fault, block, { scope: 'threads' }), { code: 'MB_CONTROL' })
})

test('two blocks at once both apply, and each lifts its own', async () => {
  const one = await failures('socket=EMFILE', { requireHit: false })
  // It needs no second connection.
  const two = await failures(fault, { scope: 'process' })
  const three = await failures('openat=EACCES,path=/etc/passwd', { scope: 'children' })
  assert.deepEqual([opened(), catOpened()], ['EIO', true])
  assert.equal(spawnSync('cat', ['/etc/passwd']).status, 1)
  readFileSync('/etc/passwd')
  assert.equal((await two.end()).injections, 1)
  assert.equal(opened(), true)
  assert.equal((await two.lift()).injections, 1)
  assert.equal(spawnSync('cat', ['/etc/passwd']).status, 1)
  assert.equal((await three.end()).injections, 2)
  assert.equal((await one.lift()).injections, 0)
  assert.equal(spawnSync('cat', ['/etc/passwd']).status, 0)
})

test('scope thread is this JavaScript, and neither its workers nor what it starts', async () => {
  const { injections } = await withFailures(
    fault,
    async () => {
      assert.deepEqual([opened(), catOpened()], ['EIO', true])
      const script = `require('node:fs').readFileSync('${file}')`
      assert.deepEqual(await once(new Worker(script, { eval: true }), 'exit'), [0])
      assert.equal((await readFile(file)).length > 0, true)
    },
    { scope: 'thread' },
  )
  assert.equal(injections, 1)
})

test('failures() ends by its symbol, too', async () => {
  const failing = await failures(fault)
  assert.equal(opened(), 'EIO')
  await failing[Symbol.asyncDispose]()
  assert.equal(opened(), true)
  const unused = await failures(fault)
  await assert.rejects(unused[Symbol.asyncDispose](), { code: 'MB_NEVER_FIRED' })
})

// Without minderbinder in front a child has the filter of its parent: own-filter-program.js.
const skip = !process.env.MINDERBINDER_CONTROL
test('a process that exits in a block leaves no fault behind', { skip }, () => {
  const script = `import('minderbinder/testing').then(async ({ failures }) => {
    await failures(${JSON.stringify(fault)}, { scope: 'tree' }); process.exit(3) })`
  const { status } = spawnSync(process.execPath, ['-e', script], { cwd: import.meta.dirname })
  assert.deepEqual([status, opened(), catOpened()], [3, true, true])
})

test('a block that never ends keeps no process from ending', { skip }, () => {
  const script = `import('minderbinder/testing').then(({ withFailures }) =>
    withFailures(${JSON.stringify(fault)}, () => new Promise(() => {})))`
  const { status } = spawnSync(process.execPath, ['-e', script], { timeout: 20_000 })
  assert.equal(status, 0)
})

test('it is available', () => assert.equal(unavailable(), undefined))

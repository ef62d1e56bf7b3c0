/** What test/cli/own-filter.test.ts runs, without minderbinder in front: `node own-filter-program.js PART [ARGUMENT]...`. */
import assert from 'node:assert/strict'
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { available, unavailable, withFailures } from '../../dist/testing.js'

const [, , part, ...args] = process.argv
const file = '/etc/hostname'
const fault = `openat=EIO,path=${file}`
const broken = { code: 'EIO' }
/** These tests are about the filter: as root, it has what serve cannot do. */
const firstWay = process.geteuid() === 0 ? 'serve' : 'own-filter'
const whyNoFilter = ({ others }) => others.find(({ way }) => way === 'own-filter').why

/** The supervisor and its node of this process: the one also has our seccomp listener, and the other is its parent. */
function helpers() {
  const parentOf = (pid) =>
    Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])
  const isOurs = (pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'mb-supervisor\n' && has(pid)
    } catch {
      return false // gone, or another user's
    }
  }
  // Its pidfd of this process. Others of its descriptors come and go.
  const isOfUs = (path) => {
    try {
      return new RegExp(`^Pid:\\s*${process.pid}$`, 'm').test(readFileSync(path, 'utf8'))
    } catch {
      return false
    }
  }
  const has = (pid) =>
    readdirSync(`/proc/${pid}/fdinfo`).some((fd) => isOfUs(`/proc/${pid}/fdinfo/${fd}`))
  const supervisor = readdirSync('/proc').find((name) => /^\d+$/.test(name) && isOurs(name))
  assert.ok(supervisor, 'no supervisor')
  return { supervisor: Number(supervisor), node: parentOf(supervisor) }
}

async function ended(pid) {
  for (;;) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
    await setImmediate()
  }
}

const parts = {
  /** Calls of every kind of thread and process are hit in the block, and none after it. */
  async covers() {
    assert.equal(unavailable(), undefined)
    assert.equal(available().way, firstWay)
    const run = promisify(execFile)
    const { faults } = await withFailures(fault, async () => {
      assert.throws(() => readFileSync(file), broken)
      await assert.rejects(readFile(file), broken)
      await assert.rejects(run('cat', [file]), /Input\/output error/)
      await assert.rejects(run('sh', ['-c', `(cat ${file})`]), /Input\/output error/)
      readFileSync('/etc/passwd')
    })
    assert.equal(faults[0].fired, 4)
    assert.equal(available().way, firstWay)
    readFileSync(file)
    await readFile(file)
    await run('cat', [file])
  },

  async scopes() {
    const cat = () => spawnSync('cat', [file]).status
    const pool = () =>
      readFile(file).then(
        () => 0,
        () => 1,
      )
    const sync = () => {
      try {
        readFileSync(file)
        return 0
      } catch {
        return 1
      }
    }
    for (const [scope, expected] of [
      ['tree', [1, 1, 1]],
      ['process', [1, 1, 0]],
      ['children', [0, 0, 1]],
      ['thread', [1, 0, 0]],
    ]) {
      await withFailures(
        fault,
        async () => assert.deepEqual([sync(), await pool(), cat()], expected, scope),
        { scope },
      )
    }
  },

  /** The connection to minderbinder goes on under faults of all that it is made of. */
  async channel() {
    const { faults } = await withFailures(
      ['write=EIO,name=w', 'read=EIO,name=r', 'close=EIO,name=c,path=/nowhere'],
      async (block) => {
        for (let i = 0; i < 20; i++) await block.counts()
      },
      { scope: 'thread', requireHit: false },
    )
    assert.equal(faults.length, 3)
  },

  /** Of workers that begin at the same moment each has its own faults, and all have one filter. */
  async workers() {
    if (!isMainThread) {
      const gate = new Int32Array(workerData.gate)
      if (Atomics.add(gate, 0, 1) === workerData.count - 1) Atomics.notify(gate, 0)
      while (Atomics.load(gate, 0) < workerData.count)
        Atomics.wait(gate, 0, Atomics.load(gate, 0), 5)
      const { injections } = await withFailures(
        fault,
        () => assert.throws(() => readFileSync(file), broken),
        { scope: 'thread' },
      )
      assert.equal(injections, 1)
      return
    }
    const gate = new SharedArrayBuffer(4)
    const count = Number(args[0])
    const ends = Array.from({ length: count }, () => {
      const worker = new Worker(new URL(import.meta.url), {
        argv: process.argv.slice(2),
        workerData: { gate, count },
      })
      return new Promise((resolve, reject) => worker.on('error', reject).on('exit', resolve))
    })
    assert.deepEqual(await Promise.all(ends), Array(count).fill(0))
    assert.match(readFileSync('/proc/self/status', 'utf8'), /^Seccomp:\t2$/m)
    readFileSync(file)
  },

  /** A worker is ended while it starts the helper: the next one that asks has the filter all the same. */
  async terminated() {
    if (!isMainThread) {
      void withFailures(fault, () => {}, { requireHit: false })
      return
    }
    const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) })
    await new Promise((resolve) => worker.once('online', resolve))
    await worker.terminate()
    await withFailures(fault, () => assert.throws(() => readFileSync(file), broken))
  },

  /** `args`: supervisor or node, which is killed in a block. */
  async killed() {
    const slow = 'openat=delay:100s,path=/etc/passwd'
    const block = withFailures([fault, slow], async () => {
      assert.throws(() => readFileSync(file), broken)
      // It waits for an answer of the one that dies.
      const { [args[0]]: victim } = helpers()
      const delayed = readFile('/etc/passwd')
      process.kill(victim, 'SIGKILL')
      await delayed
      for (let i = 0; i < 1000; i++) closeSync(openSync('/dev/null'))
    })
    await assert.rejects(block, (error) => {
      assert.match(`${error.code} ${error.message} ${error.hint}`, /^MB_CONTROL .* was killed/)
      return true
    })
    readFileSync(file)
    await readFile(file)
    assert.equal(spawnSync('cat', [file]).status, 0)
    await assert.rejects(
      withFailures(fault, () => assert.fail('the block ran')),
      { code: 'MB_CONTROL' },
    )
    assert.equal(available().way, firstWay === 'serve' ? 'serve' : undefined)
    assert.match(whyNoFilter(available()), /was killed: its calls go on, without faults/)
  },

  /** A connection that waits to be accepted when node dies is closed: the supervisor stays, and nothing answers. */
  async waits() {
    // A call that node's own threads never make: while the supervisor is stopped, nothing answers it.
    const rare = { reach: 'mkdir' }
    const block = withFailures(
      'mkdir=EIO',
      async () => {
        const { supervisor, node } = helpers()
        const folder = socketFolder(node)
        process.kill(supervisor, 'SIGSTOP')
        const socket = connect(`${folder}/${readdirSync(folder)[0]}`).on('error', () => {})
        const closed = new Promise((resolve) => socket.once('close', resolve))
        await once(socket, 'connect')
        socket.write('{}\n')
        process.kill(node, 'SIGKILL')
        await ended(node)
        process.kill(supervisor, 'SIGCONT')
        await closed
        assert.throws(() => mkdirSync('/etc/passwd/x'), { code: 'ENOTDIR' })
      },
      rare,
    )
    await assert.rejects(block, { code: 'MB_CONTROL' })
  },

  /** `args`: which one, and after how many milliseconds of calls and blocks. */
  async killedAtRandom() {
    await withFailures(fault, () => {}, { requireHit: false })
    const { [args[0]]: victim } = helpers()
    setTimeout(() => process.kill(victim, 'SIGKILL'), Number(args[1]))
    for (;;) {
      const block = withFailures(
        fault,
        async () => {
          for (let i = 0; i < 20; i++) closeSync(openSync('/dev/null'))
          await Promise.all(Array.from({ length: 8 }, () => readFile('/etc/passwd')))
        },
        { requireHit: false },
      )
      const error = await block.then(
        () => undefined,
        (reason) => reason,
      )
      if (error) {
        assert.equal(error.code, 'MB_CONTROL', error.stack)
        break
      }
    }
    // The killed one's last calls, and those of others.
    await Promise.all(Array.from({ length: 8 }, () => readFile(file)))
    assert.equal(spawnSync('cat', [file]).status, 0)
  },

  /** Another copy of the library, `args[0]`, and a child: each hears whose filter it has. */
  async others() {
    await withFailures(fault, () => {}, { requireHit: false })
    const copy = await import(args[0])
    const another =
      /another copy of minderbinder in this process has installed it, \/.*own-filter.*\.so/
    assert.match(whyNoFilter(copy.available()), another)
    await assert.rejects(
      copy.withFailures(fault, () => assert.fail()),
      another,
    )
    const child = spawnSync(process.execPath, [process.argv[1], 'reason'], { encoding: 'utf8' })
    assert.match(child.stdout, new RegExp(`it is that of process ${process.pid}, a test`))
    await withFailures(fault, () => assert.throws(() => readFileSync(file), broken))
  },

  async reason() {
    const error = await withFailures(fault, () => {}).catch((reason) => reason)
    assert.equal(error.code, 'MB_SECCOMP')
    assert.equal(whyNoFilter(available()), error.message)
    process.stdout.write(`${error.message}\n${error.hint}\n`)
  },

  async reach() {
    const near = { reach: 'openat' }
    await assert.rejects(
      withFailures(fault, () => {}, { reach: 'opena' }),
      { code: 'MB_UNKNOWN_NAME' },
    )
    await withFailures(fault, () => assert.throws(() => readFileSync(file), broken), near)
    await assert.rejects(
      withFailures('connect=EIO', () => {}, { reach: 'connect' }),
      {
        code: 'MB_NO_ENGINE',
        message: /connect is beyond the reach/,
        hint: /the option reach, with connect in it/,
      },
    )
    await assert.rejects(
      withFailures('--drop-net 100%', () => {}),
      {
        code: 'MB_NO_ENGINE',
        message: /sees system calls, not packets/,
        hint: /minderbinder exec --control as root/,
      },
    )
  },

  async refused() {
    const attempt = () =>
      new Promise((resolve) => {
        connect(1, '127.0.0.1').on('error', ({ code }) => resolve(code))
      })
    const { injections } = await withFailures('connect=ETIMEDOUT', async () =>
      assert.equal(await attempt(), 'ETIMEDOUT'),
    )
    assert.equal(injections, 1)
    assert.equal(await attempt(), 'ECONNREFUSED')
  },

  /** Many blocks one after the other: what is left of them, in kilobytes of the supervisor and in descriptors of ours. */
  async many() {
    const once = () =>
      withFailures(fault, () => assert.throws(() => readFileSync(file), broken), {
        scope: 'thread',
      })
    for (let i = 0; i < 500; i++) await once()
    const { supervisor, node } = helpers()
    const kilobytes = (pid) =>
      Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])
    const measure = () => [
      kilobytes(supervisor),
      kilobytes(node),
      readdirSync('/proc/self/fd').length,
      readdirSync(`/proc/${supervisor}/fd`).length,
    ]
    const before = measure()
    for (let i = 0; i < 1000; i++) await once()
    process.stdout.write(JSON.stringify([before, measure()]))
  },

  /** Ends by itself although a block never does. */
  async endless() {
    void withFailures(fault, () => new Promise(() => {}))
  },

  /** Ends in a block, and leaves a child that makes calls as long as the file `args[0]` is there: both pids that may stay for it. */
  async leaves() {
    await withFailures(fault, () => {
      const script = `while [ -e '${args[0]}' ]; do cat ${file} >/dev/null 2>&1 && echo >'${args[1]}'; done`
      const child = spawn('sh', ['-c', script], { stdio: 'ignore', detached: true })
      const { supervisor, node } = helpers()
      process.stdout.write(
        JSON.stringify({ supervisor, node, child: child.pid, socket: socketFolder(node) }),
        () => process.exit(3),
      )
      return new Promise(() => {})
    })
  },
}

function socketFolder(node) {
  const name = readdirSync('/tmp').find(
    (each) => each.startsWith('minderbinder-control-') && each.split('-')[4] === `${node}`,
  )
  return `/tmp/${name}`
}

await parts[part]()

/** What test/system/own-serve.test.ts runs as root, without minderbinder in front: `node own-serve-program.js PART [ARGUMENT]...`. */
import assert from 'node:assert/strict'
import { execFileSync, fork } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { isMainThread, Worker } from 'node:worker_threads'
import { available, failures, unavailable, withFailures } from '../../dist/testing.js'

const [, program, part, ...args] = process.argv
const file = '/etc/hostname'
const fault = `openat=EIO,path=${file}`
const drop = '--drop-net 100%,to=127.0.0.9'
const broken = { code: 'EIO' }

/** Whether a packet to that address arrives: what is sent after it has come, so it has come, too, or is lost. */
async function sends(to = '127.0.0.9') {
  const [receiver, sender] = [createSocket('udp4'), createSocket('udp4')]
  try {
    await once(receiver.bind(0, '0.0.0.0'), 'listening')
    const { port } = receiver.address()
    const first = once(receiver, 'message')
    const sent = (text, address) =>
      new Promise((resolve) => sender.send(text, port, address, () => resolve()))
    await sent('packet', to)
    await sent('mark', '127.0.0.1')
    return `${(await first)[0]}` === 'packet'
  } finally {
    receiver.close()
    sender.close()
  }
}

/** The same of a process that is started for it. */
const childSends = () =>
  execFileSync(process.execPath, [program, 'sends'], { encoding: 'utf8' }) === 'true'

const connects = (host) =>
  new Promise((resolve) => {
    connect(1, host).on('error', ({ code }) => resolve(code))
  })

const read = () => readFileSync(file)

/** What this process has started and runs still. */
function serves() {
  return readdirSync('/proc').filter((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      const isOurs =
        new RegExp(`^PPid:\\t${process.pid}$`, 'm').test(status) && !/^State:\tZ/m.test(status)
      return isOurs && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--stdio')
    } catch {
      return false
    }
  })
}

const filtersOf = (pid) =>
  Number(/^Seccomp_filters:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])

async function ended(pid) {
  while (serves().includes(pid)) await setImmediate()
}

const parts = {
  async sends() {
    process.stdout.write(`${await sends()}`)
  },

  /** Packets are lost in the block, of this process and what it starts; not after it, and not those of its parent. */
  async network() {
    if (args[0] !== 'below') {
      const child = fork(program, ['network', 'below'])
      await once(child, 'message')
      const arrived = [await sends(), childSends()]
      child.send('looked')
      const [status] = await once(child, 'exit')
      assert.deepEqual([status, arrived, serves()], [0, [true, true], []])
      return
    }
    const filters = filtersOf('self')
    assert.equal(unavailable(), undefined)
    assert.deepEqual(
      [available().way, available().others.map(({ way }) => way)],
      ['serve', ['control', 'own-filter']],
    )
    assert.deepEqual([await sends(), childSends(), serves()], [true, true, []])
    const { faults, seed } = await withFailures(drop, async () => {
      assert.deepEqual(
        [await sends(), childSends(), await sends('127.0.0.8')],
        [false, false, true],
      )
      process.send('in force')
      await once(process, 'message')
    })
    assert.equal(faults[0].fired, 2)
    assert.deepEqual([await sends(), childSends()], [true, true])
    const [serve, ...others] = serves()
    assert.deepEqual([others, filtersOf('self')], [[], filters])
    // The next block has the same one, and the same seed.
    const next = await withFailures('--refuse-net 100%', async () => {
      assert.equal(await connects('127.0.0.9'), 'ECONNREFUSED')
    })
    assert.deepEqual([serves(), next.seed], [[serve], seed])
    process.disconnect()
  },

  /** Both kinds in one block, in any order, and in one object. */
  async both() {
    const named = { syscall: [{ syscall: 'openat', ret_code: 'EIO', path: file, name: 'calls' }] }
    const packets = { outgoing_network: [{ failure_rate: 100, to: '127.0.0.9', name: 'packets' }] }
    for (const [faults, labels] of [
      [
        [named, packets],
        ['calls', 'packets'],
      ],
      [
        [packets, named],
        ['packets', 'calls'],
      ],
      [{ ...named, ...packets }, ['calls', 'packets']],
      [
        [`${drop},name=packets`, `${fault},name=calls`, `${drop},name=second`],
        ['packets', 'calls', 'second'],
      ],
    ]) {
      const block = await withFailures(
        faults,
        async (inForce) => {
          assert.throws(read, broken)
          assert.equal(await sends(), false)
          const sofar = (await inForce.counts()).faults
          assert.deepEqual(
            sofar.map(({ label, fired }) => [label, fired]),
            labels.map((label) => [label, label === 'second' ? 0 : 1]),
          )
        },
        { requireHit: false },
      )
      assert.equal(block.injections, 2)
      read()
      assert.equal(await sends(), true)
    }
    // One that never fired is named, of whichever kind it is.
    for (const faults of [
      [fault, '--drop-net 100%,to=127.0.0.7,name=unhit'],
      [drop, 'openat=EIO,path=/nowhere,name=unhit'],
    ])
      await assert.rejects(
        withFailures(faults, () => Promise.allSettled([sends(), readFile(file)])),
        { code: 'MB_NEVER_FIRED', message: /^unhit never fired: [^;]*$/ },
      )
  },

  /** If one cannot be injected, none is. */
  async allOrNone() {
    const block = () => assert.fail('it ran')
    const filters = filtersOf('self')
    await assert.rejects(withFailures([drop, 'opena=EIO'], block), { code: 'MB_UNKNOWN_NAME' })
    assert.equal(filtersOf('self'), filters)
    const open = await failures(fault, { reach: 'openat', requireHit: false, scope: 'thread' })
    // No way to it: the filter has openat alone, and serve has no delays.
    await assert.rejects(withFailures([drop, 'mkdir=delay:1s'], block), { code: 'MB_NO_ENGINE' })
    await assert.rejects(withFailures([drop, 'openat=ENOSPC'], block, { scope: 'thread' }), {
      code: 'MB_NO_ENGINE',
      message:
        /serve cannot do it either: no engine can do .*drop-net.* sockets belong to a process/,
    })
    assert.equal(await sends(), true)
    assert.throws(read, broken)
    await open.end()
    read()
  },

  /** The system calls of a thread: they are the filter's, and are counted there. Refused connections, too. */
  async thread() {
    const { faults } = await withFailures(
      [fault, '--refuse-net 100%'],
      async () => {
        assert.throws(read, broken)
        assert.equal(await connects('127.0.0.9'), 'ECONNREFUSED')
      },
      { scope: 'thread' },
    )
    assert.deepEqual(
      faults.map(({ fired }) => fired),
      [1, 1],
    )
  },

  /** On a kernel with the engine override or hook, serve faults system calls, too. */
  async calls() {
    const filters = filtersOf('self')
    const { injections } = await withFailures(fault, () => assert.throws(read, broken))
    assert.deepEqual([injections, filtersOf('self'), serves().length], [1, filters, 1])
    read()
    const options = { scope: 'thread' }
    await withFailures(fault, () => assert.throws(read, broken), options)
    assert.equal(filtersOf('self'), filters + 1)
    read()
    await withFailures(`openat=delay:1ms,path=${file}`, read)
    await withFailures([fault, drop], async () => {
      assert.throws(read, broken)
      assert.equal(await sends(), false)
    })
    read()
  },

  /** Whatever the filter faults, the connection to serve goes on, and serve itself is not hit. */
  async channel() {
    const own = ['write=EIO,name=w', 'writev=EIO', 'read=EIO,name=r', 'shutdown=EIO']
    await withFailures(
      own,
      async () => {
        await withFailures(
          drop,
          async (block) => {
            for (let i = 0; i < 20; i++) await block.counts()
          },
          { requireHit: false },
        )
      },
      { scope: 'thread', requireHit: false },
    )
    const { faults } = await withFailures('openat=EIO', async () => {
      assert.throws(read, broken)
      await withFailures('--refuse-net 100%', async () => {
        assert.equal(await connects('127.0.0.9'), 'ECONNREFUSED')
      })
    })
    assert.equal(faults[0].fired, 1)
    const before = filtersOf(process.ppid)
    const [serve] = serves()
    // Of serve it is the one that its launcher installs (shield.c).
    assert.deepEqual([filtersOf(serve), filtersOf('self')], [before + 1, before + 1])
  },

  /** serve is killed in a block. `args`: whether this process has a filter. */
  async killed() {
    const filter = args[0] === 'filter'
    if (filter) await withFailures(fault, () => assert.throws(read, broken), { scope: 'thread' })
    await assert.rejects(
      withFailures(drop, async () => {
        assert.equal(await sends(), false)
        const [serve] = serves()
        process.kill(Number(serve), 'SIGKILL')
        await ended(serve)
        while (!(await sends()));
      }),
      {
        code: 'MB_CONTROL',
        hint: /serve, which this process had started, has ended or was killed/,
      },
    )
    if (!filter) {
      await withFailures(drop, async () => assert.equal(await sends(), false))
      assert.equal(serves().length, 1)
      return
    }
    await withFailures(fault, () => assert.throws(read, broken))
    const block = withFailures(drop, () => assert.fail('it ran'))
    const message = /was killed, and cannot start any more: this process has installed a filter/
    await assert.rejects(block, { code: 'MB_NO_ENGINE', message })
    assert.equal(available().way, 'own-filter')
    assert.match(available().others[1].why, message)
  },

  /** serve is killed at any moment, its start included: that block fails, and the next ones have another. */
  async killedAtRandom() {
    process.stdout.write('ready\n')
    const block = () =>
      withFailures(drop, async () => {
        if (!(await sends())) process.stdout.write('hit\n')
      })
    let error
    while (!error)
      error = await block().then(
        () => undefined,
        (reason) => reason,
      )
    assert.match(
      `${error.code} ${error.hint}`,
      /^MB_CONTROL .*has ended or was killed/,
      error.stack,
    )
    assert.equal(await sends(), true)
    await block()
    await block()
  },

  /** A worker has its own serve, if the process has no filter yet. */
  async workers() {
    if (!isMainThread) {
      const [to, when] = args
      const lost = withFailures(`--drop-net 100%,to=${to}`, async () =>
        assert.equal(await sends(to), false),
      )
      if (when !== 'late') return lost
      await assert.rejects(lost, { code: 'MB_NO_ENGINE', message: /cannot start any more/ })
      return withFailures(fault, () => assert.throws(read, broken), { scope: 'thread' })
    }
    const run = async (...given) => {
      const worker = new Worker(new URL(import.meta.url), { argv: ['workers', ...given] })
      const [status] = await once(worker, 'exit')
      assert.equal(status, 0)
    }
    const { seed } = await withFailures(drop, () =>
      Promise.all([run('127.0.0.10'), run('127.0.0.11'), sends()]),
    )
    while (serves().length !== 1) await setImmediate()
    const after = await withFailures(fault, () => assert.throws(read, broken), { scope: 'thread' })
    assert.equal(after.seed, seed)
    await run('127.0.0.10', 'late')
  },

  /** A test framework loads the library again for another test file, and that has the same serve. */
  async again() {
    const first = await withFailures([fault, drop], async () => {
      assert.throws(read, broken)
      assert.equal(await sends(), false)
    })
    await failures(drop) // never ends
    const [serve] = serves()
    const again = await import('../../dist/testing.js?again')
    assert.notEqual(again.withFailures, withFailures)
    assert.equal(again.available().way, 'serve')
    const block = await again.withFailures(['--refuse-net 100%', fault], async () => {
      assert.throws(read, broken)
      assert.equal(await connects('127.0.0.9'), 'ECONNREFUSED')
      assert.equal(await sends(), true)
    })
    assert.deepEqual([block.seed, serves()], [first.seed, [serve]])
  },

  /** Ends by itself although a block never does. */
  async endless() {
    const block = args[0] === 'both' ? [fault, drop] : drop
    await failures(block)
    process.stdout.write(`${await sends()} ${serves().length}`)
  },

  /** Ends in a block: its child goes on without faults. */
  async exits() {
    await failures([drop, fault])
    process.stdout.write(`${await sends()}`, () => process.exit(3))
  },
}

await parts[part]()

/** minderbinder exec in a command of exec --control: the outer session does the inner one's system call faults. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { clientCommand } from '../helpers/control.ts'
import { identities } from '../helpers/identity.ts'
import { outerArguments, outerEngines, runInOuter } from '../helpers/nested.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run, runMinderbinder, startMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

const fault = '--syscall openat=ENOENT,path=/etc/hostname'
const hostname = readFileSync('/etc/hostname', 'utf8')

for (const engine of outerEngines)
  for (const { title, options } of identities) {
    const how = `by ${engine}, ${title}`

    test(`its command is hit, and what comes after it is not, ${how}`, async () => {
      const before = systemState()
      const done = await runMinderbinder(
        outerArguments(
          engine,
          `"$M" exec ${fault} -- cat /etc/hostname; echo "$?"; cat /etc/hostname`,
        ),
        { ...options, env: { M: minderbinder } },
      )
      assert.deepEqual([done.status, done.stdout], [0, `1\n${hostname}`], done.stderr)
      assert.match(done.stderr, /^cat: \/etc\/hostname: No such file/m)
      const row = new RegExp(`openat=ENOENT,path=/etc/hostname +${engine} +\\d+ +1 +1$`, 'm')
      assert.match(done.stderr, row)
      assert.match(done.stderr, /--control: 1 client injected 1 fault, which fired 1 time$/m)
      await nothingLeft(before)
    })

    test(`statuses and signals are those of its command, ${how}`, async () => {
      const ends = [
        ['sh -c "exit 7"', '7'],
        ['sh -c \'kill -TERM "$$"\'', '143'],
        ['sh -c \'kill -KILL "$$"\'', '137'],
        ['./nosuch', '127'],
        ['/etc', '126'],
      ]
      const script = ends.map(([command]) => `"$M" exec -q ${fault} -- ${command}; echo "$?"`)
      const done = await runInOuter(engine, script.join('\n'), options)
      assert.equal(done.stdout, ends.map(([, status]) => `${status}\n`).join(''), done.stderr)
    })

    test(`the same calls are hit and logged as without one around it, ${how}`, async (t) => {
      const folder = scratch(t)
      const command = `sh -c 'for i in 1 2 3 4 5 6 7 8 9; do head -c 1 </etc/hostname; done'`
      const faults = ['read=EIO|EINTR@30%,fd=0', 'read=EIO@50%,fd=0', 'chroot=EPERM']
      const inner = (log: string) =>
        `"$M" exec --seed 11 --log ${log} --engine ${engine} ` +
        `${faults.map((each) => `--syscall '${each}'`).join(' ')} -- ${command}`
      const [nested, plain] = [join(folder, 'nested'), join(folder, 'plain')]
      // A rule before it, so that the numbers of its rules are others there.
      const outer = ['--syscall', 'acct=EPERM']
      const done = await runInOuter(engine, inner(nested), { ...options, outer })
      const bare = await runPlain(inner(plain), options)
      assert.equal(done.stdout, bare.stdout, done.stderr + bare.stderr)
      assert.deepEqual(linesOf(nested), linesOf(plain))
      assert.ok(linesOf(nested).length > 1)
      const tables = [done, bare].map(({ stderr }) => stderr.match(/^minderbinder: .*/gm))
      assert.deepEqual(tables[0], tables[1])
    })

    test(`two at once each hit their own command, ${how}`, async (t) => {
      if (!requires(t, 'make')) return
      const folder = scratch(t)
      const target = (name: string, hit: string, spared: string) =>
        [
          `${name}:`,
          // Its status is that of cat only if cat was hit.
          `\t@"$$M" exec -q --require-hit --syscall openat=EACCES,path=${hit} -- cat ${hit} 2>${name}.err; test $$? = 1`,
          `\t@grep -q 'cat: ${hit}: Permission denied' ${name}.err`,
          `\t@cat ${spared} >/dev/null && echo ${name}`,
        ].join('\n')
      writeFileSync(
        join(folder, 'Makefile'),
        `all: a b\n${target('a', '/etc/hostname', '/etc/passwd')}\n${target('b', '/etc/passwd', '/etc/hostname')}\n`,
      )
      const done = await runInOuter(engine, 'make -j2', { ...options, cwd: folder })
      assert.equal(done.status, 0, done.stderr)
      assert.deepEqual(done.stdout.trim().split('\n').sort(), ['a', 'b'])
    })

    test(`one in the command of another: both hit, each counts its own, ${how}`, async () => {
      const within = `"$M" exec --syscall openat=EACCES,path=/etc/passwd -- cat /etc/hostname /etc/passwd`
      const done = await runInOuter(
        engine,
        `"$M" exec ${fault} -- ${within}; cat /etc/hostname`,
        options,
      )
      assert.equal(done.stdout, hostname)
      assert.match(done.stderr, /hostname: No such file/)
      assert.match(done.stderr, /passwd: Permission denied/)
      assert.match(done.stderr, /openat=EACCES,path=\/etc\/passwd +\w+ +\d+ +1 +1$/m)
      assert.match(done.stderr, /openat=ENOENT,path=\/etc\/hostname +\w+ +\d+ +1 +1$/m)
    })

    test(`what its command leaves behind goes on without faults, ${how}`, async (t) => {
      const gate = join(scratch(t), 'gate')
      const left = `(until test -e ${gate}; do sleep 0.02; done; cat /etc/hostname; : >${gate}.end) &`
      const done = await runInOuter(
        engine,
        `"$M" exec -q ${fault} -- sh -c 'cat /etc/hostname; ${left}'
         : >${gate}; until test -e ${gate}.end; do sleep 0.02; done`,
        options,
      )
      assert.match(done.stderr, /No such file/)
      assert.equal(done.stdout, hostname)
    })
  }

/** The same command line by sh, with nothing around it. */
function runPlain(script: string, options: { readonly user?: string }) {
  return run(['sh', '-c', script], { ...options, env: { M: minderbinder } })
}

/** Of a log, without what differs from run to run. */
function linesOf(log: string): unknown[] {
  return readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { time: _, pid: __, tid: ___, args: ____, ...rest } = JSON.parse(line)
      return rest
    })
}

for (const engine of outerEngines) {
  test(`what the outer session cannot do is an error, and nothing runs, by ${engine}`, async () => {
    const other = engine === 'ptrace' ? 'seccomp' : 'ptrace'
    const wrong = [
      ['--syscall futex=EINTR', /futex is beyond the reach of .*: openat and read /],
      ['--control=write', /--control=write: write is beyond the reach /],
      [`--engine ${other} ${fault}`, new RegExp(`--engine ${other}: .* injects by ${engine}`)],
      [`--include-loader ${fault}`, /--include-loader: .* started without it/],
    ] as const
    for (const [options, message] of wrong) {
      const done = await runMinderbinder(
        [
          ...['exec', '-q', '--engine', engine, '--control=openat+read', '--'],
          ...['sh', '-c', `"$M" exec ${options} -- echo ran; echo "$?"`],
        ],
        { env: { M: minderbinder } },
      )
      assert.equal(done.stdout, '125\n', options)
      assert.match(done.stderr, message)
      assert.match(done.stderr, /^minderbinder: hint: /m)
    }
  })

  test(`the start of its command and the loader are spared, and after= counts from the start of the command, by ${engine}`, async () => {
    const done = await runInOuter(
      engine,
      `"$M" exec --syscall openat=ENOENT -- cat /etc/hostname
       "$M" exec --syscall openat=EACCES,after=60m -- cat /etc/hostname
       "$M" exec -q --syscall execve=EPERM -- sh -c 'echo started; cat /etc/hostname'`,
    )
    assert.match(done.stderr, /^cat: \/etc\/hostname: No such file/m)
    assert.equal(done.stdout, `${hostname}started\n`, done.stderr)
    assert.match(done.stderr, /cat: Operation not permitted/)
  })

  test(`rules of files and of --inject are the same there, by ${engine}`, async (t) => {
    const config = join(scratch(t), 'faults.yaml')
    writeFileSync(
      config,
      'agents_of_chaos:\n  syscall:\n    - &a {syscall: openat, ret_code: -13, path: /etc/passwd, name: both}\n',
    )
    const done = await runInOuter(
      engine,
      `"$M" exec --inject openat,acct:error=EIO:when=200 --config ${config} -- cat /etc/passwd /etc/hostname
       "$M" exec --inject fault=openat:when=1 --syscall acct=EPERM -- cat /etc/hostname`,
    )
    assert.equal(done.stdout, hostname.repeat(2), done.stderr)
    assert.match(done.stderr, /^minderbinder: openat:error=EIO:when=200 .* 0$/m)
    assert.match(done.stderr, /^minderbinder: both +\w+ +\d+ +1 +1$/m)
    assert.match(done.stderr, /^minderbinder: openat:when=1 +\w+ +\d+ +\d+ +1$/m)
    assert.match(done.stderr, /^minderbinder: acct=EPERM never fired: acct was never called$/m)
  })

  test(`a rule of the outer command line comes first, and both logs have their own, by ${engine}`, async (t) => {
    const [outer, inner] = [join(scratch(t), 'outer'), join(scratch(t), 'inner')]
    const done = await runInOuter(
      engine,
      `"$M" exec --log ${inner} --syscall openat=ENOENT,path=/etc/* -- cat /etc/hostname /etc/passwd`,
      { outer: ['--log', outer, '--syscall', 'openat=EACCES,path=/etc/hostname'] },
    )
    assert.match(done.stderr, /hostname: Permission denied/)
    assert.match(done.stderr, /passwd: No such file/)
    const paths = (log: string) => linesOf(log).map((line) => (line as { path: string }).path)
    assert.deepEqual(paths(outer), ['/etc/hostname', '/etc/passwd'])
    assert.deepEqual(paths(inner), ['/etc/passwd'])
  })

  test(`--control in --control: programs have the outer socket, by ${engine}`, async () => {
    const program = `
client = Client()
client.inject('openat=ENOSPC,path=/etc/hostname')
try: open('/etc/hostname')
except OSError as e: print(e.errno)
`
    const done = await runMinderbinder([
      ...['exec', '-q', '--engine', engine, '--control', '--'],
      ...[minderbinder, 'exec', '--control=openat', '--', ...clientCommand(program)],
    ])
    assert.deepEqual([done.status, done.stdout], [0, '28\n'], done.stderr)
    assert.match(done.stderr, /--control: programs of the command use the control socket of /)
  })

  test(`--user: its programs gain no rights in which they could be faulted, by ${engine}`, async (t) => {
    if (!requires(t, 'root')) return
    const done = await runInOuter(
      engine,
      `"$M" exec -q -u nobody ${fault} -- sh -c 'id -un; cat /etc/hostname; grep NoNewPrivs /proc/self/status'`,
    )
    assert.equal(done.stdout, 'nobody\nNoNewPrivs:\t1\n', done.stderr)
    assert.match(done.stderr, /No such file/)
  })

  test(`packets are lost as ever, by programs of its own, by ${engine}`, async (t) => {
    if (!requires(t, 'root', 'libbpf', 'cgroup2')) return
    const send = `python3 -c 'import socket; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"x", ("127.0.0.1", 9))'`
    const done = await runInOuter(engine, `"$M" exec --drop-net 100%,proto=udp ${fault} -- ${send}`)
    assert.match(done.stderr, /^minderbinder: drop-net 100%,proto=udp +tc +1 +1 +1$/m)
  })

  test(`a stop and SIGCONT reach its command, by ${engine}`, async (t) => {
    const file = join(scratch(t), 'stops')
    const command = `: >${file}; kill -STOP "$$"; echo went on`
    const running = startMinderbinder(
      outerArguments(
        engine,
        `"$M" exec -q ${fault} -- sh -c '${command}' & echo "$!"; wait; echo end`,
      ),
      { env: { M: minderbinder } },
    )
    const front = await until(() => Number(running.stdout().trim()), { what: 'the inner front' })
    await until(() => existsSync(file), { what: 'its command' })
    // Of a tracee /proc does not tell a stop from a call that is looked at: one that comes before the stop is lost.
    await until(() => process.kill(front, 'SIGCONT') && running.stdout().includes('went on'), {
      what: 'its command to go on',
    })
    const done = await running.result
    assert.equal(done.stdout, `${front}\nwent on\nend\n`, done.stderr)
  })
}

test('a socket that nothing listens on stands in no way', async (t) => {
  const done = await runMinderbinder(['exec', ...fault.split(' '), '--', 'cat', '/etc/hostname'], {
    env: { MINDERBINDER_CONTROL: join(scratch(t), 'socket') },
  })
  assert.equal(done.status, 1, done.stderr)
  assert.match(done.stderr, /path=\/etc\/hostname +\w+ +\d+ +1 +1$/m)
})

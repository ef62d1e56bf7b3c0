/** A rule with targets hits the processes that they name, what those start, and nothing else of the tree. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { cgroupRoot } from '../../src/kernel/cgroup/place.ts'
import { fixture } from '../helpers/fixture.ts'
import { identities } from '../helpers/identity.ts'
import { killed } from '../helpers/processes.ts'
import { requires } from '../helpers/requires.ts'
import { type RunOptions, runMinderbinder } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { nothingLeft, systemState } from '../helpers/system-state.ts'
import { until } from '../helpers/until.ts'

/** Rules that let opening /etc/hostname fail for these targets. */
function config(folder: string, ...rules: readonly object[]): string {
  const common = { syscall: 'openat', ret_code: 'EIO', path: '/etc/hostname' }
  const file = join(folder, 'config.yaml')
  const syscall = rules.map((rule, i) => ({ name: `rule${i}`, ...common, ...rule }))
  writeFileSync(file, JSON.stringify({ agents_of_chaos: { syscall } }))
  chmodSync(file, 0o644)
  return file
}

const named = (...names: readonly string[]) => names.map((process_name) => ({ process_name }))

interface Outcome {
  /** What got through to standard output. */
  readonly stdout: string
  readonly stderr: string
  /** How often each rule fired. */
  readonly fired: number[]
}

async function under(
  folder: string,
  rules: readonly object[],
  command: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const file = config(folder, ...rules)
  const done = await runMinderbinder(['exec', '--config', file, '--', ...command], options)
  const rows = [
    ...done.stderr.matchAll(
      /^minderbinder: rule\d+ +(?:override|hook|ptrace|seccomp) +\d+ +\d+ +(\d+)$/gm,
    ),
  ]
  assert.equal(rows.length, rules.length, done.stderr)
  return { ...done, fired: rows.map(([, fired]) => Number(fired)) }
}

const own = readFileSync('/etc/hostname', 'utf8')

/** A copy of a program that prints its arguments' files, under another name. */
function catCalled(folder: string, name: string): string {
  const path = join(folder, name)
  copyFileSync('/bin/cat', path)
  chmodSync(path, 0o755)
  return path
}

function script(folder: string, name: string, ...lines: readonly string[]): string {
  const path = join(folder, name)
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''))
  chmodSync(path, 0o755)
  return path
}

/** Reads the file itself, in the shell's own process. */
const shellReads = 'read line </etc/hostname && echo "$line"'

/** Virtual machines are slow, and there for the engines that need root: what names are, the host has tried. */
const quick = Boolean(process.env.MINDERBINDER_TEST_QUICK)
const quickly = new Set([
  'cat is hit, and head beside it is not',
  'an exec changes what a process is by its name, not what it inherited',
])

for (const { title, options } of quick ? identities.slice(0, 1) : identities) {
  const cases = (
    what: string,
    body: (t: TestContext, folder: string, run: typeof under) => Promise<void>,
  ) => {
    if (quick && !quickly.has(what)) return
    test(`${what}, ${title}`, async (t) => {
      const folder = scratch(t)
      await body(t, folder, (where, rules, command) => under(where, rules, command, options))
    })
  }

  cases('cat is hit, and head beside it is not', async (_, folder, run) => {
    const command = ['sh', '-c', 'cat /etc/hostname; head -n 9 /etc/hostname; cat /etc/hostname']
    const done = await run(folder, [{ targets: named('cat') }], command)
    assert.equal(done.stdout, own)
    assert.equal(done.stderr.match(/^cat: .*Input\/output error$/gm)?.length, 2, done.stderr)
    assert.deepEqual(done.fired, [2])
    const none = await run(folder, [{ targets: named('tac', 'ca', 'cat?') }], command)
    assert.deepEqual([none.stdout, none.fired], [own.repeat(3), [0]])
    const which = 'named tac, ca or cat\\?'
    assert.match(
      none.stderr,
      new RegExp(
        `rule0 never fired: openat was .* by processes ${which}(, or failed before its hook)?, or none of them ran$`,
        'm',
      ),
    )
  })

  cases('a long name is compared as a whole', async (_, folder, run) => {
    const name = 'a-name-of-more-than-fifteen-bytes'
    const command = [catCalled(folder, name), '/etc/hostname']
    const hit = async (target: string) =>
      (await run(folder, [{ targets: named(target) }], command)).fired[0]
    assert.equal(await hit(name), 1)
    assert.equal(await hit('a-name-*-bytes'), 1)
    assert.equal(await hit('a-name-of-more-[a-z]*'), 1)
    assert.equal(await hit('a-name-of-more-than'), 0)
    assert.equal(await hit('a-name-of-more-than-fifteen-byteX'), 0)
    assert.equal(await hit('a-name-of-mor?'), 0)
    // What ps shows of it.
    assert.equal(await hit('a-name-of-more-'), 1)
  })

  cases(
    'a script goes by its name, however long, and by its interpreter’s',
    async (_, folder, run) => {
      const name = 'script-of-more-than-fifteen-bytes.sh'
      for (const first of ['#!/bin/sh', '#!/bin/sh -u', '#!/usr/bin/env sh']) {
        const command = [script(folder, name, first, shellReads), 'argument', name]
        const hit = async (target: string) =>
          (await run(folder, [{ targets: named(target) }], command)).fired[0]
        // env execs the shell, which then is called by its own name.
        const byEnv = first.includes('env')
        assert.equal(await hit(name), byEnv ? 0 : 1, first)
        assert.equal(await hit('sh'), 1, first)
        assert.equal(await hit('script-of-more-than'), 0, first)
        assert.equal(await hit('argument'), 0, first)
      }
    },
  )

  cases('argv[0] and the executable name a process, too', async (_, folder, run) => {
    symlinkSync('/bin/cat', join(folder, 'link'))
    const command = [
      'perl',
      '-e',
      'exec {$ARGV[0]} "/x/y/alias", "/etc/hostname"',
      join(folder, 'link'),
    ]
    for (const [target, fired] of [
      ['alias', 1],
      ['link', 1],
      ['cat', 1],
      ['y', 0],
      ['perl', 0],
    ] as const)
      assert.deepEqual(
        (await run(folder, [{ targets: named(target) }], command)).fired,
        [fired],
        target,
      )
  })

  cases('what a target starts is hit, too, unless inherit is false', async (_, folder, run) => {
    const outer = script(
      folder,
      'outer',
      '#!/bin/sh',
      shellReads,
      'inner=$(dirname $0)/inner',
      '$inner; true',
    )
    script(folder, 'inner', '#!/bin/sh', shellReads, 'cat /etc/hostname; true')
    const command = ['sh', '-c', `cat /etc/hostname; ${outer}; cat /etc/hostname`]
    const rules = [
      { targets: named('outer'), path: '/etc/hostname' },
      { targets: named('outer'), inherit: false },
    ]
    // The first that fires wins, so one at a time.
    const all = await run(folder, rules.slice(0, 1), command)
    assert.deepEqual([all.fired, all.stdout], [[3], own.repeat(2)])
    const only = await run(folder, rules.slice(1), command)
    assert.deepEqual([only.fired, only.stdout], [[1], own.repeat(4)])
  })

  cases(
    'an exec changes what a process is by its name, not what it inherited',
    async (_, folder, run) => {
      script(folder, 'starter', '#!/bin/sh', 'sh -c "exec cat /etc/hostname"; true')
      script(folder, 'changer', '#!/bin/sh', 'exec cat /etc/hostname')
      const rule = (name: string) => [{ targets: named(name) }]
      const starter = await run(folder, rule('starter'), [join(folder, 'starter')])
      assert.deepEqual([starter.fired, starter.stdout], [[1], ''])
      const changer = await run(folder, rule('changer'), [join(folder, 'changer')])
      assert.deepEqual([changer.fired, changer.stdout], [[0], own])
      // And an exec that fails changes nothing.
      const failing = script(folder, 'failing', '#!/bin/sh', 'command exec /nowhere', shellReads)
      const lasting = script(folder, 'lasting', '#!/bin/sh', '(exec /nowhere)', shellReads, 'true')
      assert.deepEqual((await run(folder, rule('lasting'), [lasting])).fired, [1])
      assert.ok(failing)
    },
  )

  cases(
    'who started a process may be dead when it makes its first call',
    async (t, folder, run) => {
      if (!requires(t, 'perl')) return
      const parent = join(folder, 'parent')
      symlinkSync('/usr/bin/perl', parent)
      // Opens nothing before, as a shell's background job does: that would be a call to know it by.
      const orphan = 'sysread(STDIN, $_, 1); open F, "</etc/hostname" or print "failed\\n"'
      for (const end of ['exit', 'kill 9, $$', 'exec "true"']) {
        const code = `if (fork) { ${end} } else { ${orphan} }`
        const pipe = `rm -f ${folder}/fifo; mkfifo ${folder}/fifo; exec 4<>${folder}/fifo`
        // The last cat is done when the orphan has closed the pipe.
        const script = `(${pipe}; ${parent} -e '${code}' <&4; echo >&4) | cat`
        const command = ['sh', '-c', script]
        const done = await run(folder, [{ targets: named('parent') }], command)
        assert.deepEqual([done.fired, done.stdout], [[1], 'failed\n'], `${end}: ${done.stderr}`)
        const other = await run(folder, [{ targets: named('parent'), inherit: false }], command)
        assert.deepEqual([other.fired, other.stdout], [[0], ''], end)
      }
    },
  )

  cases('a name that a program gives itself later does not count', async (_, folder, run) => {
    const code = '$0 = "renamed"; open my $f, "<", "/etc/hostname" or print "failed\\n"'
    const command = ['perl', '-e', code]
    assert.deepEqual((await run(folder, [{ targets: named('renamed') }], command)).fired, [0])
    const done = await run(folder, [{ targets: named('perl') }], command)
    assert.deepEqual([done.fired, done.stdout], [[1], 'failed\n'])
  })

  cases('several rules for one process, several targets for one rule', async (_, folder, run) => {
    const rules = [
      { targets: named('head', 'cat'), times: 1, ret_code: 'EIO' },
      { targets: named('cat'), times: 1, ret_code: 'EPERM' },
      { targets: named('cat', 'c*'), times: 1, ret_code: 'ELOOP' },
      { times: 1, ret_code: 'ENODEV' },
    ]
    const command = ['sh', '-c', 'for i in 1 2 3 4 5; do cat /etc/hostname; done']
    const done = await run(folder, rules, command)
    assert.deepEqual([done.fired, done.stdout], [[1, 1, 1, 1], own])
    const order = [...done.stderr.matchAll(/^cat: .*: (.*)$/gm)].map(([, error]) => error)
    assert.deepEqual(order, [
      ...['Input/output error', 'Operation not permitted'],
      ...['Too many levels of symbolic links', 'No such device'],
    ])
  })

  cases('threads and static programs are as their process', async (t, folder, run) => {
    if (!requires(t, 'cc', 'cc-static')) return
    const loop = join(folder, 'looper')
    copyFileSync(fixture('loop', { link: 'static' }), loop)
    chmodSync(loop, 0o755)
    const rule = { syscall: 'openat', path: '/dev/null' }
    const command = ['sh', '-c', `${loop} 20 3 2; cat /dev/null`]
    const done = await run(folder, [{ ...rule, targets: named('looper') }], command)
    assert.deepEqual([done.fired, done.stdout], [[120], '120 of 120\n'])
    const other = await run(folder, [{ ...rule, targets: named('cat') }], command)
    assert.deepEqual([other.fired, other.stdout], [[1], '0 of 120\n'])
  })

  cases(
    'a storm of short processes: each of the name is hit, none of the others',
    async (_, folder, run) => {
      const one = catCalled(folder, 'one')
      const two = catCalled(folder, 'two')
      const loop = `for i in $(seq 150); do ${one} /etc/hostname & ${two} /etc/hostname & done; wait`
      const done = await run(folder, [{ targets: named('one') }], ['sh', '-c', loop])
      assert.deepEqual([done.fired, done.stdout], [[150], own.repeat(150)])
    },
  )
}

function thorough(name: string, body: (t: TestContext) => Promise<void>): void {
  if (!quick) test(name, body)
}

test('a real user id', async (t) => {
  if (!requires(t, 'root', 'setpriv')) return
  const folder = scratch(t)
  const as = (uid: number) => `setpriv --reuid=${uid} --clear-groups cat /etc/hostname`
  const command = ['sh', '-c', `${as(65533)}; ${as(65532)}; cat /etc/hostname`]
  const done = await under(folder, [{ targets: [{ uid: 65533 }] }], command)
  assert.deepEqual([done.fired, done.stdout], [[1], own.repeat(2)])
})

thorough('a cgroup, and those below it', async (t) => {
  if (!requires(t, 'root', 'cgroup2')) return
  const before = systemState()
  const folder = scratch(t)
  const name = `mb-test-${process.pid}`
  const cgroup = join(cgroupRoot(), name)
  const below = join(cgroup, 'below')
  mkdirSync(below, { recursive: true })
  try {
    const within = (path: string) => `(echo 0 >${path}/cgroup.procs; exec cat /etc/hostname)`
    const command = ['sh', '-c', `cat /etc/hostname; ${within(cgroup)}; ${within(below)}`]
    const rule = (path: string) => [{ targets: [{ cgroup: path }] }]
    const both = await under(folder, rule(`/${name}`), command)
    assert.deepEqual([both.fired, both.stdout], [[2], own])
    const one = await under(folder, rule(`/${name}/below/`), command)
    assert.deepEqual([one.fired, one.stdout], [[1], own.repeat(2)])
    const all = await under(folder, rule('/'), command)
    assert.deepEqual([all.fired, all.stdout], [[3], ''])
  } finally {
    rmdirSync(below)
    rmdirSync(cgroup)
  }
  const gone = await runMinderbinder([
    'exec',
    '--config',
    config(folder, { targets: [{ cgroup: `/${name}` }] }),
    'true',
  ])
  assert.equal(gone.status, 125)
  assert.match(gone.stderr, new RegExp(`there is no cgroup /${name}`))
  await nothingLeft(before)
})

test('a process that moves to another cgroup is followed, or the summary says that it is not', async (t) => {
  if (!requires(t, 'root', 'cgroup2')) return
  const folder = scratch(t)
  const name = `mb-test-${process.pid}`
  const cgroup = join(cgroupRoot(), name)
  mkdirSync(cgroup)
  t.after(() => rmdirSync(cgroup))
  // Not before it is called so: until its exec it is one more sh.
  const called = 'until read -r name </proc/$!/comm && [ "$name" = sleep ]; do :; done'
  const stay = `sleep 1000 >/dev/null 2>&1 & echo $!; ${called}; cat /etc/hostname`
  let stayed = 0
  const exec = async (script: string) => {
    const done = await under(folder, [{ targets: named('cat') }], ['sh', '-c', script])
    stayed = Number(done.stdout.split('\n')[0])
    killed(stayed) // traced, it has ended with its tracer
    await until(() => readFileSync(join(cgroup, 'cgroup.procs'), 'utf8') === '', {
      what: 'an empty cgroup',
    })
    return { fired: done.fired[0], told: done.stderr.match(/^.*moved to another cgroup.*$/m)?.[0] }
  }
  const moved = await exec(`echo 0 >${cgroup}/cgroup.procs; ${stay}`)
  // By the name that it had when it was seen first, before or after its exec.
  const note = new RegExp(
    `: \\d process(es)? moved to another cgroup, where faults by (override|hook) do not reach: .*(sh|sleep) ${stayed}\\b`,
  )
  if (moved.fired === 0) assert.match(moved.told ?? '', note)
  else assert.deepEqual(moved, { fired: 1, told: undefined })
  assert.deepEqual(await exec(stay), { fired: 1, told: undefined })
})

thorough('a pid alone is refused: what exec starts has none beforehand', async (t) => {
  const folder = scratch(t)
  const only = config(folder, { targets: [{ pid: process.pid }] })
  const done = await runMinderbinder(['exec', '--config', only, 'true'])
  assert.equal(done.status, 125)
  assert.match(done.stderr, /rule0 .*seccomp: .*pid target/)
  const command = ['cat', '/etc/hostname']
  const mixed = await under(folder, [{ targets: [{ pid: 2 }, ...named('cat')] }], command)
  assert.deepEqual(mixed.fired, [1])
})

thorough('what cannot be read of a target does not keep it from being one', async (t) => {
  if (!requires(t, 'root', 'setpriv')) return
  const folder = scratch(t)
  // Nobody but root may read this program, or the memory of who runs it.
  const secret = catCalled(folder, 'secret')
  chmodSync(secret, 0o711)
  const command = ['sh', '-c', `${secret} /etc/hostname; cat /etc/hostname`]
  // No path=, which is in its memory; cat gives advice once for each file.
  const rule = { syscall: 'fadvise64', path: undefined }
  const as = { user: 'nobody' }
  const done = await under(folder, [{ ...rule, targets: named('secret') }], command, as)
  assert.deepEqual([done.fired, done.stdout], [[1], own.repeat(2)])
  const other = await under(folder, [{ ...rule, targets: named('sh') }], command, as)
  assert.deepEqual(other.fired, [2])
})

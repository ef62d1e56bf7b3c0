/** A transparent prefix: what a process inherits is what it would under env. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { type Identity, identities } from '../helpers/identity.ts'
import { requires } from '../helpers/requires.ts'
import { minderbinder, run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'

const prefix = [minderbinder, 'exec', '-q', '--syscall', 'openat=ENOENT@0%', '--']

/**
 * Runs the shell script twice: `"$@"` in it is the probe, once behind env and once behind us. The probe's report
 * goes to a file, so that its own streams can be anything, closed too.
 */
async function compare(t: TestContext, script: string, { options }: Identity): Promise<string> {
  const folder = scratch(t)
  const report = async (front: readonly string[]) => {
    const file = join(folder, front[0] === 'env' ? 'env' : 'ours')
    writeFileSync(file, '')
    chmodSync(file, 0o666)
    const done = await run(
      ['bash', '-c', `umask 022; ${script}`, 'bash', ...front, fixture('state')],
      {
        ...options,
        cwd: folder,
        env: { STATE_FILE: file, FOLDER: folder },
      },
    )
    const text = readFileSync(file, 'utf8')
    assert.notEqual(text, '', `${front[0]} ran no probe: ${done.stderr}`)
    return normal(text, file)
  }
  const expected = await report(['env'])
  const got = await report(prefix)
  // Only what differs is shown: a report has a hundred lines.
  assert.deepEqual(
    got.filter((line) => !expected.includes(line)),
    expected.filter((line) => !got.includes(line)),
  )
  return expected.join('\n')
}

/**
 * The two runs have pipes, process groups and report files of their own: which ones is not what is compared, nor is the
 * order of the environment.
 */
function normal(report: string, file: string): string[] {
  const group = /^group (\d+) session (\d+)/m.exec(report)
  const relation = group?.[1] === group?.[2] ? 'leads its session' : 'is in the session'
  return (
    report
      .replaceAll(file, 'REPORT')
      .replaceAll(/(pipe|socket):\[\d+\]/g, '$1')
      .replace(/^group \d+ session \d+/m, `group ${relation}`)
      .replaceAll(/^env-\d+ /gm, 'env ')
      // It has a test of its own: one difference must not hide others.
      .replace(/^parent-death-signal.*\n/m, '')
      // bash names in it the command that it started.
      .replace(/^env _=.*\n/m, '')
      .split('\n')
  )
}

type Row = readonly [title: string, script: string, shows: RegExp]

const rows: readonly Row[] = [
  ['nothing special', '"$@"', /^SigIgn:\t0+$/m],
  ['ignored signals', 'trap \'\' HUP INT QUIT PIPE TERM USR1; "$@"', /^SigIgn:\t0+5207$/m],
  ['all signals ignored that can be', 'env --ignore-signal -- "$@"', /^SigIgn:\t.*[^0]/m],
  [
    'blocked signals',
    'env --block-signal=INT,TERM,USR1,CHLD,RTMIN -- "$@"',
    /^SigBlk:\t0+200014202$/m,
  ],
  ['a background job of a shell without job control', '"$@" & wait', /^SigIgn:\t0+6$/m],
  ['nohup', 'nohup "$@"', /^SigIgn:\t0+1$/m],
  ['a session of its own', 'setsid --wait "$@"', /./],
  ['a soft limit of open files', 'ulimit -Sn 256; "$@"', /^rlimit-7 256 /m],
  ['a hard limit of open files', 'ulimit -n 128; "$@"', /^rlimit-7 128 128/m],
  [
    'limits of stack, cpu, size and core',
    'ulimit -Ss 4096; ulimit -t 1000; ulimit -f 99999; ulimit -c 0; "$@"',
    /^rlimit-3 4194304 /m,
  ],
  [
    'descriptors from 3 up',
    '"$@" 3</etc/passwd 7>>"$FOLDER/append" 9<> "$FOLDER/both" 200</etc/group',
    /^fd-200 \/etc\/group/m,
  ],
  [
    'a descriptor at an offset',
    '{ head -c 5 >/dev/null; "$@" 4<&0; } </etc/passwd',
    /^fd-4 \/etc\/passwd .* at \d+$/m,
  ],
  ['pipes from 3 up', '{ "$@" 3>&1 4>&1 5<&0; } | cat', /^fd-5 /m],
  ['stdin closed', '"$@" <&-', /^fd-1 /m],
  ['stdout closed', '"$@" >&-', /^fd-2 /m],
  ['stderr closed', '"$@" 2>&-', /^fd-1 /m],
  ['every stream closed', '"$@" <&- >&- 2>&-', /^cwd /m],
  ['every stream closed and one from 3 up', '"$@" 5</etc/passwd <&- >&- 2>&-', /^fd-5 /m],
  [
    'streams that are files',
    '"$@" </etc/passwd >"$FOLDER/out" 2>>"$FOLDER/err"',
    /^fd-2 .*flags 0x8401/m,
  ],
  ['a umask', 'umask 0137; "$@"', /^Umask:\t0137$/m],
  ['another folder', 'cd /usr/share; "$@"', /^cwd \/usr\/share$/m],
  ['a folder that is gone', 'mkdir gone; cd gone; rmdir ../gone; "$@"', /^cwd \?$/m],
  ['nice', 'nice -n 7 "$@"', /^nice 7 /m],
  ['a batch scheduling policy', 'chrt --batch 0 "$@"', /policy 3$/m],
  ['one processor', 'taskset 1 "$@"', /^Cpus_allowed_list:\t0$/m],
  ['a personality', 'setarch -R "$@"', /^personality 0x40000 /m],
  ['an oom score', 'choom -n 500 -- "$@"', /^oom_score_adj 500$/m],
  ['an empty environment', 'env -i STATE_FILE="$STATE_FILE" "$@"', /^env STATE_FILE/m],
  [
    'variables with odd values',
    'env "A=$(printf "\\377\\n=")" "B=" "NODE_OPTIONS=--bogus" "TMPDIR=/nonexistent" "$@"',
    /^env A=\\xff\\x0a=$/m,
  ],
  [
    'variables with names that no shell can spell',
    'env "a.b=1" "BASH_FUNC_f%%=() { :; }" "=x" "$@"',
    /^env a\.b=1$/m,
  ],
  [
    'variables with names that a shell script might use',
    'env root=1 self=2 target=3 dir=4 name=5 "$@"',
    /^env root=1$/m,
  ],
  ['no PWD', 'env -u PWD -u OLDPWD "$@"', /^argv-0/m],
]

for (const identity of identities)
  for (const [title, script, shows] of rows)
    test(`the same as under env, ${identity.title}: ${title}`, async (t) => {
      if (!requires(t, 'cc')) return
      const report = await compare(t, script, identity)
      // The row would prove nothing if the probe did not show what it is about.
      assert.ok(shows.test(report), `${shows} in the probe's report`)
    })

for (const [title, script, shows] of [
  ['a smaller bounding set', 'setpriv --bounding-set=-net_raw,-sys_time -- "$@"', /^CapBnd:/m],
  [
    'ambient capabilities',
    'setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=+net_bind_service --ambient-caps=+net_bind_service -- "$@"',
    /^CapAmb:\t0+400$/m,
  ],
  ['groups', 'setpriv --groups=4,20 -- "$@"', /^Groups:\t4 20/m],
  ['securebits', 'setpriv --securebits=+noroot,+noroot_locked -- "$@"', /securebits 3$/m],
] as readonly Row[])
  test(`the same as under env, as root: ${title}`, async (t) => {
    if (!requires(t, 'cc', 'root')) return
    const report = await compare(t, script, { title, options: {} })
    assert.ok(shows.test(report), `${shows} in the probe's report`)
  })

test('the child gets no signal of ours when a parent dies', async (t) => {
  if (!requires(t, 'cc')) return
  const done = await run([...prefix, fixture('state')])
  assert.match(done.stdout, /^parent-death-signal 0$/m)
})

test('minderbinder itself can start with every signal ignored and every stream closed, and the child’s status arrives', async () => {
  const script = 'env --ignore-signal -- "$@" <&- >&- 2>&-; exit $?'
  const done = await run(['bash', '-c', script, 'bash', ...prefix, 'sh', '-c', 'exit 42'])
  assert.equal(done.status, 42)
})

test('without room for more descriptors than the child may have, it still works', async () => {
  const done = await run([
    'bash',
    '-c',
    'ulimit -n 32; "$@"',
    'bash',
    ...prefix,
    'sh',
    '-c',
    'ulimit -n',
  ])
  assert.equal(done.stdout, '32\n', done.stderr)
})

test('bytes pass from stdin to stdout as they are: a megabyte of them', async () => {
  const bytes = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 31 + (i >> 8)) & 255))
  const done = await run([...prefix, 'cat'], { input: bytes })
  assert.ok(done.stdoutBytes.equals(bytes))
})

test('the rest of a script on stdin is left for whoever reads next', async () => {
  const script = `read a; "$@" sh -c 'read b; echo "child $b"'; read c; echo "shell $c"`
  const done = await run(['sh', '-c', script, 'sh', ...prefix], { input: 'one\ntwo\nthree\n' })
  assert.equal(done.stdout, 'child two\nshell three\n')
})

test('make’s jobserver passes through', async (t) => {
  if (!requires(t, 'make')) return
  const folder = scratch(t)
  writeFileSync(join(folder, 'sub.mk'), 'all: a b\na b:\n\t@echo $@\n')
  writeFileSync(join(folder, 'Makefile'), `all:\n\t+@${prefix.join(' ')} $(MAKE) -f sub.mk\n`)
  const done = await run(['make', '-j2'], { cwd: folder })
  assert.equal(done.status, 0, done.stderr)
  // "jobserver unavailable: using -j1" is what make says where the descriptors are gone.
  assert.doesNotMatch(done.stderr, /jobserver/)
  assert.deepEqual(
    done.stdout
      .split('\n')
      .filter((line) => /^[ab]$/.test(line))
      .sort(),
    ['a', 'b'],
  )
})

test('a whole parallel make runs under it', async (t) => {
  if (!requires(t, 'make')) return
  const folder = scratch(t)
  const targets = Array.from({ length: 30 }, (_, i) => `t${i}`).join(' ')
  writeFileSync(
    join(folder, 'Makefile'),
    `all: ${targets}\n${targets}:\n\t@cat /etc/hostname >$@\n`,
  )
  const done = await run([...prefix, 'make', '-j8'], { cwd: folder })
  assert.equal(done.status, 0, done.stderr)
})

test('root gets no NO_NEW_PRIVS: setuid programs go on working', async (t) => {
  if (!requires(t, 'root')) return
  const status = ['grep', 'NoNewPrivs', '/proc/self/status']
  assert.match((await run([...prefix, ...status])).stdout, /NoNewPrivs:\t0/)
})

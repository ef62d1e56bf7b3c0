/** What a process inherits, behind a prefix and behind env: no difference may show. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fixture } from './fixture.ts'
import type { Identity } from './identity.ts'
import { run } from './run.ts'
import { scratch } from './scratch.ts'

/**
 * Runs the shell script twice: `"$@"` in it is the probe, once behind env and once behind us. The probe's report
 * goes to a file, so that its own streams can be anything, closed too. `alike` takes from both reports what may differ.
 */
export async function compare(
  t: TestContext,
  prefix: readonly string[],
  script: string,
  { options }: Identity,
  alike = (report: string): string => report,
): Promise<string> {
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
    return normal(alike(text), file)
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
      // How much of itself had been written out by then: its length, by which a pid's digits count.
      .replace(/^(fd-\d+ REPORT .*) at \d+$/m, '$1')
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

export type Row = readonly [title: string, script: string, shows: RegExp]

/** `"$@"` is the prefix with the probe; `shows` is what the probe must report, or the row proves nothing. */
export const rows: readonly Row[] = [
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

/** The package as npm installs it, without install scripts: it runs, and is as transparent as sh lets it be. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, type TestContext } from 'node:test'
import { fixture } from '../helpers/fixture.ts'
import { identities } from '../helpers/identity.ts'
import { compare, rows } from '../helpers/inheritance.ts'
import { type Need, requires } from '../helpers/requires.ts'
import { run } from '../helpers/run.ts'
import { scratch } from '../helpers/scratch.ts'
import { install, packageFolder, repository } from './tarball.ts'

const parent = mkdtempSync(join(tmpdir(), 'mb-test-'))
after(() => rmSync(parent, { recursive: true }))
const prefix = join(parent, "a place with spaces, 'quotes' and\na line end")

let installed: Promise<string> | undefined

/** Once for the whole file. Anybody may run it. */
function command(): Promise<string> {
  installed ??= run(['chmod', '755', parent]).then(() => install(prefix))
  return installed
}

const needs: readonly Need[] = ['npm', 'cross-compilers', 'registry', 'cc']
const shells: readonly (readonly [title: string, shell: readonly string[], need: Need])[] = [
  ['as it is linked', [], 'npm'],
  ['under busybox sh', ['busybox', 'sh'], 'busybox'],
  ['under bash as sh', ['bash', '--posix'], 'bash' as string as Need],
  ['under dash', ['dash'], 'dash' as string as Need],
]

const fault = ['--syscall', 'openat=ENOENT,path=/etc/hostname']

for (const { title, options } of identities) {
  for (const [how, shell, need] of shells)
    test(`exec, ${how}, ${title}`, async (t) => {
      if (!requires(t, ...needs, need)) return
      const line = [
        ...shell,
        await command(),
        'exec',
        ...fault,
        '--',
        'cat',
        '/etc/hostname',
        '/etc/shells',
      ]
      const done = await run(line, options)
      assert.equal(done.status, 1)
      assert.equal(done.stdout, readFileSync('/etc/shells', 'utf8'))
      assert.match(done.stderr, /^cat: \/etc\/hostname: No such file or directory$/m)
      assert.match(done.stderr, /hostname +(?:ptrace|seccomp) +\d+ +1 +1$/m)
    })

  test(`doctor finds its launcher, ${title}`, async (t) => {
    if (!requires(t, ...needs)) return
    const done = await run([await command(), 'doctor'], options)
    assert.match(done.stdout, /^system call faults: yes/)
    assert.match(done.stdout, /yes +engine (?:ptrace|seccomp) /)
  })

  test(`started by a relative path, by a link to the link, and from PATH, ${title}`, async (t) => {
    if (!requires(t, ...needs)) return
    const at = await command()
    const folder = scratch(t)
    const script = `ln -s "$1" link; cd "\${1%/*}" || exit 9
      ./minderbinder --version; "$2/link" --version; PATH=$PWD:$PATH minderbinder --version
      PATH=:$PATH minderbinder --version`
    const done = await run(['sh', '-c', script, 'sh', at, folder], { ...options, cwd: folder })
    assert.match(done.stdout, /^(minderbinder \d+\.\d+\.\d+\n)\1\1\1$/, done.stderr)
  })
}

test('npm install --global . in a checkout: a command that runs what was built there', async (t) => {
  if (!requires(t, 'npm', 'cc')) return
  const folder = scratch(t)
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder]
  const linked = await run(['npm', 'install', '--global', ...options, '.'], {
    cwd: repository,
    timeout: 120_000,
  })
  assert.equal(linked.status, 0, linked.stderr)
  const done = await run([
    join(folder, 'bin/minderbinder'),
    'exec',
    ...fault,
    '--',
    'cat',
    '/etc/hostname',
  ])
  assert.equal(done.status, 1, done.stderr)
  assert.match(done.stderr, /hostname +(?:ptrace|seccomp) +\d+ +1 +1$/m)
})

test('network faults find koffi and the BPF objects', async (t) => {
  if (!requires(t, ...needs, 'root', 'libbpf', 'cgroup2', 'curl')) return
  const line = [
    await command(),
    'exec',
    '--refuse-net',
    '100%',
    '--',
    'curl',
    '-sS',
    'http://127.0.0.1:1/',
  ]
  const done = await run(line)
  assert.equal(done.status, 7, done.stderr)
  assert.match(done.stderr, /refuse-net 100% +cgroup +1 +1 +1$/m)
})

/**
 * What sh takes away (man page, section BUGS), and is not compared. It needs SIGCHLD: dash and busybox reset it where it was ignored, and bash where it was blocked. And bash
 * reads the script through descriptor 2 where that was closed.
 */
const butForShells = (shell: readonly string[]) => (report: string) => {
  const signals = /^(Sig(?:Ign|Blk):\t)([0-9a-f]+)$/gm
  const compared = report.replace(signals, (_, key: string, mask: string) => {
    const bits = BigInt(`0x${mask}`) & ~(1n << 16n)
    return key + bits.toString(16).padStart(mask.length, '0')
  })
  const closed = /^fd-1 /m.test(report) && !/^fd-2 (pipe|socket)/m.test(report)
  return shell[0] === 'bash' && closed
    ? compared.replace(/^fd-2 [\s\S]*? mode .*\n/m, '')
    : compared
}

/** What a shell in between can change. The others of `rows` are the launcher's alone: test/cli/transparency.test.ts. */
const rowsOfShells = rows.filter(([title]) =>
  [
    'blocked signals',
    'stderr closed',
    'every stream closed and one from 3 up',
    'an empty environment',
    'variables with odd values',
    'variables with names that no shell can spell',
    'variables with names that a shell script might use',
    'no PWD',
  ].includes(title),
)
assert.equal(rowsOfShells.length, 8)

for (const [how, shell, need] of shells)
  for (const identity of how === 'as it is linked' ? identities : identities.slice(0, 1))
    for (const [title, script] of rowsOfShells)
      test(`the same as under env, ${how}, ${identity.title}: ${title}`, async (t) => {
        if (!requires(t, ...needs, need)) return
        const line = [
          ...shell,
          await command(),
          'exec',
          '-q',
          '--syscall',
          'openat=ENOENT@0%',
          '--',
        ]
        await compare(t, line, script, identity, butForShells(shell))
      })

/** A probe behind the command finds these variables, in this order. (env cannot start anything with all of them.) */
async function keepsEnvironment(
  t: TestContext,
  shell: readonly string[],
  variables: readonly string[],
) {
  const front = [...shell, await command()]
  const file = join(scratch(t), 'report')
  const given = [...variables, `STATE_FILE=${file}`]
  const start = `import ctypes, os, sys
def strings(texts): return (ctypes.c_char_p * (len(texts) + 1))(*map(os.fsencode, texts), None)
count = int(sys.argv[1])
command = sys.argv[2 + count:]
ctypes.CDLL(None).execve(os.fsencode(command[0]), strings(command), strings(sys.argv[2:2 + count]))
sys.exit('execve failed')`
  const program = await run(['sh', '-c', 'command -v "$1"', 'sh', front[0]!])
  const line = [
    program.stdout.trimEnd() || front[0]!,
    ...front.slice(1),
    'exec',
    '--',
    fixture('state'),
  ]
  const done = await run(['/usr/bin/python3', '-c', start, `${given.length}`, ...given, ...line])
  assert.equal(done.status, 0, done.stderr)
  const report = readFileSync(file, 'utf8')
  const got = [...report.matchAll(/^env-\d+ (.*)$/gm)].map(([, variable]) => variable)
  assert.deepEqual(got.slice(0, -1), variables.map(asReported))
}

/** As test/fixtures/state.c writes bytes. */
function asReported(variable: string): string {
  const byte = (character: string) => `\\x${character.charCodeAt(0).toString(16)}`
  return Buffer.from(variable)
    .toString('latin1')
    .replace(/[^ -~]/g, byte)
}

for (const [how, shell, need] of shells) {
  test(`the environment keeps its order, doubles and oddities, ${how}`, async (t) => {
    if (!requires(t, ...needs, need, 'python3')) return
    const long = 'x'.repeat(100_000)
    await keepsEnvironment(t, shell, [
      ...[
        'Z=1',
        `LONG=${long}`,
        'A=2',
        'Z=3',
        '=',
        'no value',
        '',
        'a.b=@c',
        'PWD=/nonexistent',
        '_=/x',
      ],
      ...[
        'SHLVL=7',
        'LINENO=3',
        'SECONDS=5',
        'RANDOM=1',
        'PATH=/usr/bin:/bin',
        'IFS=e',
        'MINDERBINDER_ENVIRONMENT=of:1',
      ],
      ...[
        'BASH_FUNC_test%%=() { exit 3; }',
        'BASH_FUNC_readlink%%=() { echo /; }',
        'ENV=/nonexistent',
        'PS4=$(exit 3)',
      ],
      ...['LD_PRELOAD=', 'OPTIND=4', 'LD_LIBRARY_PATH=/nonexistent'],
    ])
  })

  test(`an environment of a megabyte fits, ${how}`, async (t) => {
    if (!requires(t, ...needs, need, 'python3')) return
    const variables = Array.from({ length: 1000 }, (_, i) => `V${i}=${'v'.repeat(1000)}`)
    await keepsEnvironment(t, shell, ['PATH=/usr/bin:/bin', ...variables])
  })

  for (const [count, text] of [
    [700, 'v'.repeat(240)],
    [300, 'ü'.repeat(75)],
    [6000, 'v'.repeat(20)],
  ] as const)
    test(`${count} variables of ${Buffer.byteLength(text)} bytes fit, ${how}`, async (t) => {
      if (!requires(t, ...needs, need, 'python3')) return
      const variables = Array.from({ length: count }, (_, i) => `V${i}=${text}`)
      await keepsEnvironment(t, shell, ['PATH=/usr/bin:/bin', ...variables])
    })
}

test('what the environment holds is in nobody’s arguments', async (t) => {
  if (!requires(t, ...needs)) return
  const script = 'for each in /proc/[0-9]*; do tr "\\0" " " <$each/cmdline; done 2>/dev/null; true'
  const done = await run([await command(), 'exec', '-q', '--', 'sh', '-c', script], {
    env: { SECRET: 'a-secret-word' },
  })
  assert.match(done.stdout, /launcher-\w+ exec -q/)
  assert.doesNotMatch(done.stdout, /a-secret-word/)
})

test('a handed-over environment of another process is just a variable', async (t) => {
  if (!requires(t, ...needs)) return
  const launcher = join(packageFolder(prefix), 'build/launcher-x86_64')
  await command()
  for (const value of ['1 A=1', '1', 'nonsense', '']) {
    const done = await run([launcher, 'exec', '-q', '--', 'printenv', 'MINDERBINDER_ENVIRONMENT'], {
      env: { MINDERBINDER_ENVIRONMENT: value },
    })
    assert.equal(done.stdout, `${value}\n`)
  }
})

for (const [what, alter, says] of [
  [
    'a launcher is missing',
    'rm "$1"/build/launcher-*',
    /launcher-\w+ is missing: install the package again/,
  ],
  [
    'the launcher is another machine’s',
    'cp "$1"/build/launcher-aarch64 "$1"/build/launcher-x86_64',
    /launcher-x86_64 does not run/,
  ],
  [
    'the machine is of another kind',
    'echo "#!/bin/sh\necho riscv64" >"$1"/uname; chmod +x "$1"/uname; sed -i "s|^PATH=|PATH=$1:|" "$1"/bin/minderbinder.sh',
    /no .*launcher-riscv64: minderbinder is for x86_64 and aarch64/,
  ],
  ['the CLI is missing', 'rm "$1"/dist/cli.cjs', /cannot find its own dist\/cli\.cjs/],
] as const)
  test(`${what}: it says so, and nothing runs`, async (t) => {
    if (!requires(t, ...needs)) return
    await command()
    const copy = join(scratch(t), 'copy')
    const copied = await run(['cp', '-a', packageFolder(prefix), copy])
    assert.equal(copied.status, 0, copied.stderr)
    assert.equal((await run(['sh', '-c', alter, 'sh', copy])).status, 0)
    const witness = join(copy, 'witness')
    const done = await run([join(copy, 'bin/minderbinder.sh'), 'exec', 'touch', witness])
    assert.equal(done.status, 125)
    assert.match(done.stderr, says)
    assert.match(done.stderr.trim().split('\n').at(-1)!, /^minderbinder: /)
    assert.throws(() => readFileSync(witness))
  })

test('a copy of the script without the package says so', async (t) => {
  if (!requires(t, ...needs)) return
  const copy = join(scratch(t), 'minderbinder')
  copyFileSync(await command(), copy)
  const done = await run(['sh', copy, '--version'])
  assert.equal(done.status, 125)
  assert.match(done.stderr, /^minderbinder: .*launcher-x86_64 is missing/)
})

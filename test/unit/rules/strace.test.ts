import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import test from 'node:test'
import { MinderbinderError } from '../../../src/errors.ts'
import { parseSyscallFault } from '../../../src/rules/grammar.ts'
import { lastExpressions, parseStraceInject } from '../../../src/rules/strace.ts'
import { requires } from '../../helpers/requires.ts'

const x86 = { arch: 'x86_64' } as const
const inject = (text: string) => parseStraceInject(text, x86)
const names = (text: string) => inject(text).map(({ set }) => set)
const one = (text: string) => {
  const rules = inject(text)
  assert.equal(rules.length, 1, text)
  return rules[0]!
}

test('one rule for each system call, counted in each thread if it counts', () => {
  const rules = inject('read,openat:error=ENOENT:when=2..9+3')
  assert.deepEqual(
    rules.map(({ label, set, syscalls, scope, rate, times }) => ({
      ...{ label, set, syscalls, scope, rate, times },
    })),
    ['openat', 'read'].map((name) => ({
      ...{ label: `${name}:error=ENOENT:when=2..9+3`, set: name, syscalls: [name] },
      ...{ scope: 'thread', rate: 100, times: 0 },
    })),
  )
  assert.equal(one('read:error=EIO').scope, 'tree')
  for (const { source, when, outcome } of rules) {
    assert.equal(source, '--inject read,openat:error=ENOENT:when=2..9+3')
    assert.deepEqual(when, { first: 2, last: 9, step: 3 })
    assert.deepEqual(outcome, { kind: 'errno', name: 'ENOENT', errno: 2 })
  }
})

test('actions', () => {
  const outcome = (text: string) => one(`getpid:${text}`).outcome
  assert.deepEqual(outcome('error=2'), { kind: 'errno', name: 'ENOENT', errno: 2 })
  assert.deepEqual(outcome('retval=0x10'), { kind: 'return', value: 16n })
  assert.deepEqual(outcome('signal=term'), { kind: 'signal', name: 'SIGTERM', signal: 15 })
  assert.deepEqual(outcome('delay_enter=100'), { kind: 'delay', ns: 100_000n }) // microseconds
  assert.deepEqual(outcome('delay_enter=1.5ms'), { kind: 'delay', ns: 1_500_000n })
  // Several of one expression, each in its turn at a call whatever their order in the text.
  const pauses = { kind: 'delay', ns: 5_000_000n } as const
  const combined = {
    kind: 'combined',
    parts: [pauses, outcome('error=EIO'), { kind: 'delay-exit', ns: 1000n }],
  }
  assert.deepEqual(outcome('delay_exit=1:error=EIO:delay_enter=5ms'), combined)
  assert.deepEqual(outcome('delay_enter=5ms:when=2:delay_exit=1:error=EIO'), combined)
  assert.deepEqual(one('getpid:when=3:signal=9:when=5+').when.first, 5) // the last one counts
  assert.deepEqual(one('inject=getpid:error=EIO').outcome, outcome('error=EIO'))
  const enosys = { kind: 'errno', name: 'ENOSYS', errno: 38 }
  assert.deepEqual(one('fault=getpid').outcome, enosys)
  assert.deepEqual(one('fault=getpid:when=2').outcome, enosys)
  assert.equal(one('fault=getpid').source, '--inject fault=getpid')
})

test('sets', () => {
  assert.deepEqual(names('/^get[gu]id$,39,open@64,?nonesuch,?uname,:error=1'), [
    ...['getgid', 'getpid', 'getuid', 'open', 'uname'],
  ])
  assert.deepEqual(names('%clock:error=1'), names('?%clock:error=1'))
  assert.deepEqual(names('file:error=1'), names('%file:error=1'))
  assert.ok(names('%%stat:error=1').includes('statx'))
  const all = names('all:delay_enter=1')
  assert.ok(all.length > 300)
  assert.ok(all.includes('exit_group'))
  assert.ok(!names('all:error=1').includes('exit_group'))
  assert.deepEqual(names('!none:delay_enter=1'), all)
  assert.deepEqual(
    names('!read,/^w:delay_enter=1'),
    all.filter((name) => !/^(read$|w)/.test(name)),
  )
})

test('sets that say themselves that they have nothing have nothing', () => {
  for (const set of [
    'none',
    '!all',
    '!!none',
    '?nonesuch',
    '??nonesuch',
    '?/nonesuch',
    '?%nonesuch',
  ])
    assert.deepEqual(inject(`${set}:error=EIO`), [], set)
  assert.deepEqual(names('?nonesuch,read:error=EIO'), ['read'])
  assert.deepEqual(names('!!read:error=EIO'), ['read'])
})

test('the last expression for a call replaces those before it, and nothing else', () => {
  const said = (...texts: string[]) =>
    lastExpressions(
      texts.flatMap((text) => (text.includes(':') ? inject(text) : parseSyscallFault(text, x86))),
    ).map((rule) => rule.label)
  assert.deepEqual(said('read,write:error=EIO', 'write,close:retval=1'), [
    ...['read:error=EIO', 'close:retval=1', 'write:retval=1'],
  ])
  assert.deepEqual(said('read:error=EIO', 'read:error=EINTR', 'read:error=EIO'), ['read:error=EIO'])
  assert.deepEqual(said('read=EIO', 'read:error=EINTR', 'read=EPERM'), [
    ...['read=EIO', 'read:error=EINTR', 'read=EPERM'],
  ])
  // What the first rule of an expression says for all of it, the next one says.
  const [kept] = lastExpressions([...inject('%clock:error=1'), ...inject('adjtimex:error=2')])
  assert.notEqual(kept?.label, 'adjtimex:error=EPERM')
  assert.ok(kept?.kind === 'syscall' && kept.leftOut?.some(({ name }) => name === 'clock_gettime'))
})

test('what a class leaves out is on the first of its rules', () => {
  const [first, ...others] = inject('%clock:error=1')
  assert.ok(first?.leftOut?.some(({ name }) => name === 'clock_gettime'))
  assert.ok(others.every(({ leftOut }) => leftOut === undefined))
})

test('errors mark what is wrong', () => {
  const wrong: [string, string, RegExp][] = [
    ['', '', /system call is missing/],
    ['getpid', '', /what to inject/],
    ['inject=getpid', '', /what to inject/],
    ['getpid:when=2', '', /what to inject/],
    ['getpid:', '', /action is missing/],
    ['opnat:error=EIO', 'opnat', /unknown system call/],
    ['read,!write:error=EIO', '!write', /unknown system call/],
    ['%fil:error=EIO', '%fil', /unknown family/],
    ['9999:error=EIO', '9999', /unknown system call/],
    ['read@32:error=EIO', '32', /64-bit/],
    ['/(:error=EIO', '', /\) is missing/],
    [',:error=EIO', ',', /system call is missing/],
    ['!:error=EIO', '', /system call is missing/],
    ['/nonesuch:error=EIO', '/nonesuch', /matches/],
    ['?time:error=EIO', '?time', /can be faulted: time: the vDSO/],
    ['?exit_group:error=EIO', '?exit_group', /this outcome/],
    ['rename,xattr:error=EIO', 'xattr', /unknown system call/],
    ['none,read:error=EIO', 'none', /unknown system call/],
    ['read,all:error=EIO', 'all', /unknown system call/],
    ['time:error=EIO', 'time', /vDSO/],
    ['exit_group:error=EIO', 'error=EIO', /never returns/],
    ['getpid:eror=EIO', 'eror', /unknown action/],
    ['getpid:error', 'error', /no value/],
    ['getpid:error=', '', /unknown error/],
    ['getpid:error=0', '0', /1 to 4095/],
    ['getpid:error=4096', '4096', /1 to 4095/],
    ['getpid:error=-2', '-2', /unknown error/],
    ['getpid:when=0:error=EIO', '0', /first/],
    ['getpid:signal=65', '65', /1 to 64/],
    ['getpid:error=EIO:retval=1', 'retval=1', /'error=EIO' and 'retval=1' cannot be combined/],
    ['getpid:retval=1:error=EIO', 'error=EIO', /'retval=1' and 'error=EIO' cannot be combined/],
    ['getpid:signal=9:signal=8', 'signal=8', /'signal=9' and 'signal=8' cannot be combined/],
    ['getpid:delay_enter=9:delay_enter=8', 'delay_enter=8', /cannot be combined/],
    ['getpid:delay_exit=9:delay_exit=8', 'delay_exit=8', /cannot be combined/],
    [
      'exit:delay_exit=9',
      'delay_exit=9',
      /exit cannot have this outcome: a call that ends its caller never returns/,
    ],
    ['getpid:poke_exit=@arg1=00', 'poke_exit=@arg1=00', /poke_exit= is not supported/],
    ['getpid:poke_enter=@arg1=00', 'poke_enter=@arg1=00', /not supported/],
    ['getpid:poke_exit=@arg1=00', 'poke_exit=@arg1=00', /not supported/],
    ['getpid:syscall=getuid', 'syscall=getuid', /not supported/],
    ['fault=getpid:signal=9', 'signal', /fault= has no signal=/],
  ]
  for (const [text, part, message] of wrong)
    assert.throws(
      () => inject(text),
      (error) => {
        assert.ok(error instanceof MinderbinderError, `${text}: ${error}`)
        assert.match(error.message, message, text)
        const { text: whole = '', start = 0, length = 0 } = error.excerpt ?? {}
        assert.equal(whole, text)
        assert.equal(whole.slice(start, start + length), part, text)
        return true
      },
      text,
    )
})

test('strace takes what is taken here, and means the same system calls', (t) => {
  if (!requires(t, 'strace')) return
  const rare = 'when=65535'
  for (const spec of [
    ...['read,write:error=ENOENT', '%file:error=enoent', 'file:error=5', '?getpid:retval=0x10'],
    ...['/^get.?id$:retval=-1', '!read,%desc:signal=TERM', 'all:delay_enter=5', '%%stat:error=1'],
    ...['none:error=EIO', '!all:error=EIO', '?nonesuch:error=EIO', '!!read:error=EIO'],
    ...['getpid:delay_enter=1.5ms', 'getpid,:error=1', '39:error=1', 'getpid@64:error=1'],
  ]) {
    inject(`${spec}:${rare}`)
    const { status, stderr } = spawnSync(
      'strace',
      ['-f', '-o', '/dev/null', '-e', `inject=${spec}:${rare}`, 'true'],
      { encoding: 'utf8' },
    )
    assert.equal(status, 0, `${spec}: ${stderr}`)
  }
  for (const when of [
    '1',
    '2+',
    '2+3',
    '2..5',
    '2..5+3',
    '2..5+',
    '0',
    '2+0',
    '5..2',
    '2..',
    'x',
    '',
  ]) {
    const { status } = spawnSync('strace', [
      ...['-o', '/dev/null', '-e', `inject=getpid:error=EIO:when=${when}`, 'true'],
    ])
    const accepts = () => inject(`getpid:error=EIO:when=${when}`)
    if (status === 0) accepts()
    else assert.throws(accepts, MinderbinderError, when)
  }
})

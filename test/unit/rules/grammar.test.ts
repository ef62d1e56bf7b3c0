import assert from 'node:assert/strict'
import test from 'node:test'
import { MinderbinderError } from '../../../src/errors.ts'
import { parseNetworkFault, parseSyscallFault } from '../../../src/rules/grammar.ts'
import { families } from '../../../src/rules/names/families.ts'
import { callShape } from '../../../src/rules/names/shapes.ts'
import type { Outcome, SingleOutcome } from '../../../src/rules/outcomes/index.ts'
import type { NetworkRule, SyscallRule } from '../../../src/rules/rule.ts'

const EIO = { kind: 'errno', name: 'EIO', errno: 5 } as const
const TERM = { kind: 'signal', name: 'SIGTERM', signal: 15 } as const
const both = (...parts: SingleOutcome[]): Outcome => ({ kind: 'combined', parts })
const EIOorEINTR = { ...EIO, others: [{ name: 'EINTR', errno: 4 }] } as const
const x86 = { arch: 'x86_64' } as const
const arm = { arch: 'arm64' } as const
const call = (text: string, context: typeof x86 | typeof arm = x86) =>
  parseSyscallFault(text, context)
const drop = (text: string) => parseNetworkFault('drop-net', text)
const refuse = (text: string) => parseNetworkFault('refuse-net', text)
const always = { first: 1, last: Number.POSITIVE_INFINITY, step: 1 }

test('a fault on one system call', () => {
  assert.deepEqual(call('openat=ENOENT'), {
    kind: 'syscall',
    label: 'openat=ENOENT',
    source: '--syscall openat=ENOENT',
    set: 'openat',
    syscalls: ['openat'],
    leftOut: [],
    outcome: { kind: 'errno', name: 'ENOENT', errno: 2 },
    rate: 100,
    afterNs: 0n,
    when: always,
    times: 0,
    scope: 'tree',
  } satisfies SyscallRule)
})

test('every key of a system call', () => {
  const rule = call(
    'read+openat+read=EIO@12.5%,after=100ms,when=2..9+3,times=4,scope=process,fd=3,name=a\\, b',
  )
  const { syscalls, rate, afterNs, when, times, scope, fds, label, set } = rule
  assert.deepEqual(
    { syscalls, rate, afterNs, when, times, scope, fds, label, set },
    {
      ...{ syscalls: ['openat', 'read'], rate: 12.5, afterNs: 100_000_000n, times: 4, fds: [3] },
      ...{ when: { first: 2, last: 9, step: 3 }, scope: 'process', label: 'a, b' },
      set: 'read+openat+read',
    },
  )
})

test('outcomes', () => {
  const outcomes: [string, SyscallRule['outcome']][] = [
    ['enoent', { kind: 'errno', name: 'ENOENT', errno: 2 }],
    ['-2', { kind: 'errno', name: 'ENOENT', errno: 2 }],
    ['EWOULDBLOCK', { kind: 'errno', name: 'EAGAIN', errno: 11 }],
    ['-4095', { kind: 'errno', name: '4095', errno: 4095 }],
    ['ret:0', { kind: 'return', value: 0n }],
    ['ret:-1', { kind: 'return', value: -1n }],
    ['ret:0x7fffffffffffffff', { kind: 'return', value: 2n ** 63n - 1n }],
    ['ret:18446744073709551615', { kind: 'return', value: -1n }],
    ['ret:-9223372036854775808', { kind: 'return', value: -(2n ** 63n) }],
    ['delay:50ms', { kind: 'delay', ns: 50_000_000n }],
    ['delay:1.000000001s', { kind: 'delay', ns: 1_000_000_001n }],
    ['delay:.5us', { kind: 'delay', ns: 500n }],
    ['delay:1440m', { kind: 'delay', ns: 86_400_000_000_000n }],
    ['delay:10ms..50ms', { kind: 'delay', ns: 10_000_000n, toNs: 50_000_000n }],
    ['delay:0ms..1us', { kind: 'delay', ns: 0n, toNs: 1_000n }],
    ['delay:1ms..1000us', { kind: 'delay', ns: 1_000_000n }],
    ['delay-exit:50ms', { kind: 'delay-exit', ns: 50_000_000n }],
    ['delay-exit:10ms..50ms', { kind: 'delay-exit', ns: 10_000_000n, toNs: 50_000_000n }],
    ['delay:1s+EIO', both({ kind: 'delay', ns: 1_000_000_000n }, EIO)],
    ['delay:0s..1s+-5|eintr', both({ kind: 'delay', ns: 0n, toNs: 1_000_000_000n }, EIOorEINTR)],
    ['EIO+delay-exit:5us', both(EIO, { kind: 'delay-exit', ns: 5_000n })],
    // In whichever order they are written: the signal comes first.
    ['ret:0+signal:TERM', both(TERM, { kind: 'return', value: 0n })],
    ['signal:TERM+ret:0', both(TERM, { kind: 'return', value: 0n })],
    [
      'delay:1s+short:1+signal:TERM+delay-exit:2s',
      both(
        { kind: 'delay', ns: 1_000_000_000n },
        TERM,
        { kind: 'short', bytes: 1 },
        { kind: 'delay-exit', ns: 2_000_000_000n },
      ),
    ],
    ['short:1', { kind: 'short', bytes: 1 }],
    ['short:2147479552', { kind: 'short', bytes: 2147479552 }],
    ['short:50%', { kind: 'short', percent: 50 }],
    ['short:99.9%', { kind: 'short', percent: 99.9 }],
    ['EIO|-4', EIOorEINTR],
    ['EIO|EIO', { ...EIO, others: [{ name: 'EIO', errno: 5 }] }],
    ['signal:SIGKILL', { kind: 'signal', name: 'SIGKILL', signal: 9 }],
    ['signal:usr1', { kind: 'signal', name: 'SIGUSR1', signal: 10 }],
    ['signal:9', { kind: 'signal', name: 'SIGKILL', signal: 9 }],
  ]
  for (const [text, outcome] of outcomes)
    assert.deepEqual(call(`read=${text}`).outcome, outcome, text)
})

test('a family is its members', () => {
  const rule = call('%file=EIO')
  assert.equal(rule.set, '%file')
  assert.deepEqual(rule.syscalls, [...(families('x86_64').get('file')?.members ?? [])].sort())
  assert.deepEqual(call('%open+statx=EIO').syscalls.includes('statx'), true)
})

test('a glob is the calls of this architecture that match it', () => {
  const schedulers = call('sched_*=EPERM')
  assert.equal(schedulers.set, 'sched_*')
  assert.ok(schedulers.syscalls.includes('sched_yield'))
  assert.ok(schedulers.syscalls.every((name) => name.startsWith('sched_')))
  assert.equal(schedulers.syscalls.length, 12)
  assert.deepEqual(call('?pen=EIO').syscalls, ['open'])
  assert.deepEqual(call('[cd]lose+openat*=EIO').syscalls, ['close', 'openat', 'openat2'])
  assert.deepEqual(call('open*=EIO').syscalls.includes('open'), true)
  assert.equal(call('open*=EIO', arm).syscalls.includes('open'), false)
})

test('a glob leaves out what the rule cannot do; a name beside it does not', () => {
  const exits = call('ex*=EIO')
  assert.deepEqual(exits.syscalls, ['execve', 'execveat'])
  assert.deepEqual(exits.leftOut?.map(({ name }) => name).sort(), ['exit', 'exit_group'])
  const clocks = call('clock_*=EIO')
  assert.deepEqual(clocks.leftOut?.map(({ name }) => name).sort(), [
    'clock_getres',
    'clock_gettime',
  ])
  assert.throws(() => call('clock_get*=EIO'), { code: 'MB_NOT_FAULTABLE' })
  assert.throws(() => call('ex*+exit=EIO'), { code: 'MB_FAULT_VALUE' })
})

test('a family leaves out, and says so, what the rule cannot do', () => {
  const clock = call('%clock=EIO')
  assert.equal(clock.syscalls.includes('clock_gettime'), false)
  assert.match(clock.leftOut?.find(({ name }) => name === 'clock_gettime')?.reason ?? '', /vDSO/)
  const withPath = call('%desc=EIO,path=*')
  assert.ok(withPath.syscalls.length > 0)
  for (const name of withPath.syscalls) {
    const { paths, files } = callShape(name)
    assert.ok(paths.length + files.length > 0, name)
  }
  assert.ok(withPath.syscalls.includes('read'))
  assert.ok(withPath.leftOut?.some(({ name }) => name === 'epoll_wait'))
  const process = call('%process=EIO')
  assert.equal(process.syscalls.includes('exit_group'), false)
  // Named next to the family it is not left out.
  assert.ok(call('%process+exit_group=delay:1ms').syscalls.includes('exit_group'))
})

test('the same set on another architecture', () => {
  assert.deepEqual(call('openat=EIO', arm).syscalls, ['openat'])
  assert.equal(call('%file=EIO', arm).syscalls.includes('open'), false)
  assert.equal(call('%file=EIO').syscalls.includes('open'), true)
})

test('the other side of a socket: keys of system calls as of the network', () => {
  const { protocol, ports, to } = call(
    'sendto+read=EPERM,proto=udp,port=853+53-54,to=::1+10.0.0.0/8',
  )
  assert.deepEqual(
    { protocol, ports, to },
    {
      protocol: 'udp',
      ports: [
        { low: 53, high: 54 },
        { low: 853, high: 853 },
      ],
      to: [
        { family: 6, address: [...new Array(15).fill(0), 1], prefix: 128 },
        { family: 4, address: [10, 0, 0, 0], prefix: 8 },
      ],
    },
  )
  const { syscalls, leftOut } = call('%net=EPERM,port=53')
  assert.ok(syscalls.includes('connect') && syscalls.includes('recvfrom'))
  assert.deepEqual(leftOut?.map(({ name }) => name).sort(), [
    ...['accept', 'accept4', 'bind', 'listen', 'socket', 'socketpair'],
  ])
})

test('network faults', () => {
  assert.deepEqual(drop('100%'), {
    kind: 'drop-net',
    label: 'drop-net 100%',
    source: '--drop-net 100%',
    rate: 100,
    afterNs: 0n,
    when: always,
    times: 0,
    direction: 'out',
  } satisfies NetworkRule)
  const full = drop(
    '0.5%,after=1s,when=2+,times=3,proto=udp,port=5000-5010,to=10.1.0.0/16,dir=in,interface=eth0,name=x',
  )
  const { kind: _kind, source: _source, ...rest } = full
  assert.deepEqual(rest, {
    ...{ rate: 0.5, afterNs: 1_000_000_000n, when: { ...always, first: 2 }, times: 3, label: 'x' },
    ...{ protocol: 'udp', ports: [{ low: 5000, high: 5010 }], direction: 'in', interface: 'eth0' },
    to: [{ family: 4, address: [10, 1, 0, 0], prefix: 16 }],
  })
  assert.equal(refuse('50%,proto=tcp,dir=out').kind, 'refuse-net')
  assert.deepEqual(
    [refuse('50%').protocol, refuse('proto=udp').protocol, drop('50%').protocol],
    ['tcp', 'udp', undefined],
  )
})

test('a comma in a path is escaped, other backslashes are the glob’s', () => {
  assert.equal(call('openat=EIO,path=/a\\,b\\*c').paths?.[0], '/a,b\\*c')
  assert.equal(call('openat=EIO,path=/a=b@c').paths?.[0], '/a=b@c')
})

test('several values of a key: joined by +, or the key several times', () => {
  const ports = (text: string) =>
    drop(text).ports?.map(({ low, high }) => (low === high ? low : [low, high]))
  assert.deepEqual(ports('port=853+53'), [53, 853])
  assert.deepEqual(ports('port=853,port=53,port=54-60+443'), [[53, 60], 443, 853])
  assert.deepEqual(ports('port=1+3+5+7+9+11+13+15+2'), [[1, 3], 5, 7, 9, 11, 13, 15])
  assert.throws(() => ports('port=1+3+5+7+9+11+13+15+17'), /8 ports or ranges at most/)
  for (const wrong of ['', '53+', '+53', '53++54', '0', '65536+1', '53+x'])
    assert.throws(() => ports(`port=${wrong}`), MinderbinderError, wrong)
  const nine = Array.from({ length: 9 }, (_, at) => `10.0.0.${at}`).join('+')
  assert.throws(() => drop(`to=${nine}`), /8 addresses or blocks at most/)
  assert.deepEqual(call('write=EIO,fd=1,fd=2+1').fds, [1, 2])
  assert.deepEqual(call('openat=EIO,path=/a\\,b,path=*c,path=*c').paths, ['/a,b', '*c'])
  assert.deepEqual(
    call('openat=EIO,process=g++,process=cc*').targets?.map(
      (target) => 'name' in target && target.name,
    ),
    ['g++', 'cc*'],
  )
  const long = 'x'.repeat(126)
  assert.equal(call(`openat=EIO,path=a${long},path=b${long}`).paths?.length, 2)
  assert.throws(() => call(`openat=EIO,path=aa${long},path=b${long}`), /256 bytes with the others/)
  assert.throws(() => call('openat=EIO,when=1,when=2'), /when= appears twice/)
})

test('several descriptors, and the standard streams by name', () => {
  assert.deepEqual(call('write=EIO,fd=stderr+7+STDOUT+1').fds, [1, 2, 7])
  for (const wrong of ['', '1+', '+1', '1++2', '2147483648', '-1', 'stdlog'])
    assert.throws(() => call(`write=EIO,fd=${wrong}`), MinderbinderError, wrong)
})

test('process= is a target by name, of every fault', () => {
  const targets = [{ kind: 'name', name: 'py*,3' }]
  assert.deepEqual(call('openat=EIO,process=py*\\,3').targets, targets)
  assert.deepEqual(drop('50%,process=py*\\,3').targets, targets)
  assert.deepEqual(refuse('50%,process=py*\\,3').targets, targets)
  assert.equal('targets' in call('openat=EIO'), false)
  for (const wrong of ['', 'a\nb', 'x'.repeat(256)])
    assert.throws(() => call(`openat=EIO,process=${wrong}`), { code: 'MB_FAULT_VALUE' })
})

test('a label has no control characters', () => {
  assert.equal(call('openat=EIO,path=a\nb').label, 'openat=EIO,path=a\\x0ab')
})

/** [fault, the part that is marked, code, message, hint] */
type Wrong = [string, string, string, RegExp, RegExp?]

function assertWrong(parse: (text: string) => unknown, cases: readonly Wrong[]): void {
  for (const [text, part, code, message, hint] of cases) {
    assert.throws(
      () => parse(text),
      (error) => {
        assert.ok(error instanceof MinderbinderError, `${text}: ${error}`)
        assert.equal(error.code, code, text)
        assert.match(error.message, message)
        if (hint) assert.match(error.hint ?? '', hint, text)
        const { excerpt } = error
        assert.ok(excerpt, text)
        assert.equal(excerpt.text, text)
        const marked = text.slice(excerpt.start, excerpt.start + excerpt.length)
        assert.equal(marked, part, `${text} marks ${marked} at ${excerpt.start}`)
        return true
      },
      text,
    )
  }
}

test('what is wrong with a fault on system calls', () => {
  assertWrong(call, [
    ['', '', 'MB_FAULT_SYNTAX', /system call is missing/],
    [
      'opnat=ENOENT',
      'opnat',
      'MB_UNKNOWN_NAME',
      /unknown system call 'opnat'/,
      /^did you mean openat\?$/,
    ],
    ['openat+opne=ENOENT', 'opne', 'MB_UNKNOWN_NAME', /'opne'/, /open/],
    ['fopen=ENOENT', 'fopen', 'MB_UNKNOWN_NAME', /'fopen'/, /openat/],
    ['openat+=ENOENT', '', 'MB_FAULT_SYNTAX', /missing/],
    ['file=ENOENT', 'file', 'MB_UNKNOWN_NAME', /'file'/, /%file/],
    ['%fil=ENOENT', '%fil', 'MB_UNKNOWN_NAME', /unknown family '%fil'/, /%file/],
    ['time=EIO', 'time', 'MB_NOT_FAULTABLE', /vDSO/],
    ['openat', '', 'MB_FAULT_SYNTAX', /outcome is missing/, /openat=ENOENT/],
    ['openat=', '', 'MB_FAULT_SYNTAX', /outcome is missing/],
    ['openat=@5%', '', 'MB_FAULT_SYNTAX', /outcome is missing/],
    ['openat=ENOETN', 'ENOETN', 'MB_UNKNOWN_NAME', /unknown error 'ENOETN'/, /ENOENT/],
    ['openat=2', '2', 'MB_FAULT_VALUE', /could be/, /-2 .*ret:2/],
    ['openat=0', '0', 'MB_FAULT_VALUE', /not an error/],
    ['openat=-0', '-0', 'MB_FAULT_VALUE', /-1 to -4095/],
    ['openat=-4096', '-4096', 'MB_FAULT_VALUE', /-1 to -4095/, /ret:-4096/],
    ['openat=SIGKILL', 'SIGKILL', 'MB_UNKNOWN_NAME', /./, /signal:SIGKILL/],
    ['openat=signal:SIGKIL', 'SIGKIL', 'MB_UNKNOWN_NAME', /unknown signal/, /SIGKILL/],
    ['openat=signal:65', '65', 'MB_FAULT_VALUE', /1 to 64/],
    ['openat=signal:0', '0', 'MB_FAULT_VALUE', /1 to 64/],
    ['openat=signal:', '', 'MB_FAULT_SYNTAX', /missing/],
    ['openat=ret:', '', 'MB_FAULT_SYNTAX', /missing/],
    ['openat=ret:1.5', '1.5', 'MB_FAULT_SYNTAX', /not a value/],
    ['openat=ret:18446744073709551616', '18446744073709551616', 'MB_FAULT_VALUE', /64 bits/],
    ['openat=ret:-9223372036854775809', '-9223372036854775809', 'MB_FAULT_VALUE', /64 bits/],
    ['openat=retval:1', 'retval', 'MB_UNKNOWN_NAME', /unknown outcome/, /ret:/],
    ['openat=error:EIO', 'error', 'MB_UNKNOWN_NAME', /unknown outcome/, /write EIO/],
    ['openat=delay:50', '50', 'MB_FAULT_SYNTAX', /no unit/, /50ms/],
    ['openat=delay:50sec', 'sec', 'MB_UNKNOWN_NAME', /unknown unit/],
    ['openat=delay:0ms', '0ms', 'MB_FAULT_VALUE', /no effect/],
    ['openat=delay:1ms..', '', 'MB_FAULT_SYNTAX', /missing/],
    ['openat=delay:..1ms', '', 'MB_FAULT_SYNTAX', /missing/],
    ['openat=delay:10..50ms', '10', 'MB_FAULT_SYNTAX', /no unit/, /10ms/],
    ['openat=delay:2ms..1ms', '2ms..1ms', 'MB_FAULT_VALUE', /1ms, is shorter than .* 2ms/],
    ['openat=delay:0ms..0ms', '0ms', 'MB_FAULT_VALUE', /no effect/],
    ['openat=delay:1ms..1441m', '1441m', 'MB_FAULT_VALUE', /day/],
    ['openat=delay:1ms+', '', 'MB_FAULT_SYNTAX', /missing beside the \+/],
    ['openat=+EIO', '', 'MB_FAULT_SYNTAX', /missing beside the \+/],
    ['openat=EIO+ret:0', 'ret:0', 'MB_FAULT_VALUE', /cannot be combined/, /it fails, it returns/],
    ['read=EIO+short:1', 'short:1', 'MB_FAULT_VALUE', /cannot be combined/, /moves less/],
    ['read=delay:1ms+delay:2ms', 'delay:2ms', 'MB_FAULT_VALUE', /combined/, /one pause/],
    ['read=delay-exit:1s+delay-exit:2s', 'delay-exit:2s', 'MB_FAULT_VALUE', /combined/],
    ['read=signal:1+signal:2', 'signal:2', 'MB_FAULT_VALUE', /cannot be combined/, /one signal/],
    [
      'read=delay-exit:1s+EIO',
      'delay-exit:1s',
      'MB_FAULT_VALUE',
      /before 'EIO'/,
      /EIO\+delay-exit:1s/,
    ],
    [
      'read=signal:1+delay:1s',
      'delay:1s',
      'MB_FAULT_VALUE',
      /after 'signal:1'/,
      /delay:1s\+signal:1/,
    ],
    ['exit=delay-exit:1s', 'delay-exit:1s', 'MB_FAULT_VALUE', /its caller never returns/],
    ['openat=delay:1ms+EOI', 'EOI', 'MB_UNKNOWN_NAME', /unknown error/, /EIO/],
    ['exit_group=delay:1ms+EIO', 'delay:1ms+EIO', 'MB_FAULT_VALUE', /never returns/],
    ['openat=EIO|', '', 'MB_FAULT_SYNTAX', /missing beside/],
    ['openat=|EIO', '', 'MB_FAULT_SYNTAX', /missing beside/],
    ['openat=EIO|EINRT', 'EINRT', 'MB_UNKNOWN_NAME', /unknown error/, /EINTR/],
    ['openat=-1|-2|-3|-4|-5|-6|-7|-8|-9', '-9', 'MB_FAULT_VALUE', /8 errors at most/],
    ['openat=delay:-1ms', '-1ms', 'MB_FAULT_SYNTAX', /not a duration/],
    ['openat=delay:.5ns', '.5ns', 'MB_FAULT_VALUE', /nanoseconds/],
    ['openat=delay:1441m', '1441m', 'MB_FAULT_VALUE', /day/],
    [`openat=delay:${'9'.repeat(5000)}s`, `${'9'.repeat(5000)}s`, 'MB_FAULT_VALUE', /day/],
    ['read=short:', '', 'MB_FAULT_SYNTAX', /missing/, /short:50%/],
    ['read=short:0', '0', 'MB_FAULT_VALUE', /not short/, /ret:0 .* end of the file/],
    ['read=short:0%', '0%', 'MB_FAULT_VALUE', /moves nothing/, /ret:0/],
    ['read=short:100%', '100%', 'MB_FAULT_VALUE', /not short/, /@100%/],
    ['read=short:-1', '-1', 'MB_FAULT_SYNTAX', /not a whole number/],
    ['read=short:2147479553', '2147479553', 'MB_FAULT_VALUE', /not within/],
    ['openat=short:1', 'short:1', 'MB_FAULT_VALUE', /no data that the kernel may move in part/],
    ['sendmmsg=short:1', 'short:1', 'MB_FAULT_VALUE', /messages move whole/],
    ['openat=EIO@50', '50', 'MB_FAULT_SYNTAX', /lacks its %/, /50%/],
    ['openat=EIO@', '', 'MB_FAULT_SYNTAX', /rate is missing/],
    ['openat=EIO@101%', '101%', 'MB_FAULT_VALUE', /0% to 100%/],
    ['openat=EIO@-1%', '-1%', 'MB_FAULT_VALUE', /0% to 100%/],
    ['openat=EIO@100.000000001%', '100.000000001%', 'MB_FAULT_VALUE', /0% to 100%/],
    ['openat=EIO@1.0000000001%', '1.0000000001%', 'MB_FAULT_SYNTAX', /nine decimals/],
    ['openat=EIO@1e1%', '1e1%', 'MB_FAULT_SYNTAX', /not a rate/],
    ['openat=EIO:50%', '50%', 'MB_FAULT_SYNTAX', /@/, /EIO@50%/],
    ['openat=EIO,', '', 'MB_FAULT_SYNTAX', /key is missing/],
    ['openat=EIO,wen=2', 'wen', 'MB_UNKNOWN_NAME', /unknown key/, /when=/],
    ['openat=EIO,when', 'when', 'MB_FAULT_SYNTAX', /no value/],
    ['openat=EIO,when=', '', 'MB_FAULT_SYNTAX', /empty/],
    ['openat=EIO,when=0', '0', 'MB_FAULT_VALUE', /first/],
    ['openat=EIO,when=2+0', '0', 'MB_FAULT_VALUE', /step/],
    ['openat=EIO,when=5..4', '4', 'MB_FAULT_VALUE', /before/],
    ['openat=EIO,when=5..', '', 'MB_FAULT_SYNTAX', /missing/],
    ['openat=EIO,when=1..4294967295', '4294967295', 'MB_FAULT_VALUE', /4294967294/],
    ['openat=EIO,when=x', 'x', 'MB_FAULT_SYNTAX', /invalid when=/, /F\.\.L/],
    ['openat=EIO,times=0', '0', 'MB_FAULT_VALUE', /times/],
    ['openat=EIO,times=2,times=3', 'times', 'MB_FAULT_SYNTAX', /twice/],
    ['openat=EIO,scope=proces', 'proces', 'MB_FAULT_VALUE', /tree, process/, /process/],
    ['openat=EIO,for=0s', '0s', 'MB_FAULT_VALUE', /never fire/],
    ['openat=EIO,for=1', '1', 'MB_FAULT_SYNTAX', /unit/],
    ['openat=EIO,after=1', '1', 'MB_FAULT_SYNTAX', /unit/],
    ['openat=EIO,interface=lo', 'interface', 'MB_FAULT_VALUE', /network faults/],
    ['openat=EIO,port=80', '80', 'MB_FAULT_VALUE', /no socket argument/],
    ['bind=EIO,to=::1', '::1', 'MB_FAULT_VALUE', /its own side/],
    ['connect+accept=EIO,proto=tcp', 'tcp', 'MB_FAULT_VALUE', /accept .*no other side/],
    ['openat=EIO,50%', '50%', 'MB_FAULT_SYNTAX', /rate/, /@50%/],
    ['openat=EIO,path=/a,b', 'b', 'MB_FAULT_SYNTAX', /KEY=VALUE/, /\\,/],
    ['openat=EIO,path=', '', 'MB_FAULT_VALUE', /empty/],
    [`openat=EIO,path=${'ü'.repeat(128)}`, 'ü'.repeat(128), 'MB_FAULT_VALUE', /256 bytes/],
    ['openat=EIO,name= ', ' ', 'MB_FAULT_VALUE', /empty/],
    ['openat=EIO,name=a\tb', 'a\tb', 'MB_FAULT_VALUE', /control character/],
    ['openat=EIO,fd=-1', '-1', 'MB_FAULT_SYNTAX', /whole number/],
    ['openat=EIO,fd=2147483648', '2147483648', 'MB_FAULT_VALUE', /fd/],
    ['openat+listen=EIO,path=/x', '/x', 'MB_FAULT_VALUE', /listen .*no argument names a file/],
    ['getpid=EIO,fd=3', '3', 'MB_FAULT_VALUE', /getpid .*no descriptor/],
    ['exit_group=EIO', 'EIO', 'MB_FAULT_VALUE', /exit_group .*never returns/],
    ['exit=ret:0', 'ret:0', 'MB_FAULT_VALUE', /never returns/],
    ['rt_sigreturn=delay:1s', 'rt_sigreturn', 'MB_NOT_FAULTABLE', /./],
  ])
  const onArm = (text: string) => call(text, arm)
  assertWrong(onArm, [
    [
      'open=EIO',
      'open',
      'MB_UNKNOWN_NAME',
      /arm64 has no system call 'open' \(x86_64 has\)/,
      /openat/,
    ],
    ['%stat=EIO', '%stat', 'MB_FAULT_VALUE', /arm64 has no system call of the family/],
  ])
})

test('what is wrong with a network fault', () => {
  assertWrong(drop, [
    ['', '', 'MB_FAULT_SYNTAX', /rate is missing/],
    ['50', '50', 'MB_FAULT_SYNTAX', /lacks its %/],
    ['port', 'port', 'MB_FAULT_SYNTAX', /not a rate/],
    [',port=80', '', 'MB_FAULT_SYNTAX', /rate is missing/],
    ['porto=80', 'porto', 'MB_UNKNOWN_NAME', /unknown key/, /port=/],
    ['5%,path=/x', 'path', 'MB_FAULT_VALUE', /system call faults/],
    ['5%,scope=tree', 'scope', 'MB_FAULT_VALUE', /system call faults/],
    ['5%,proto=tpc', 'tpc', 'MB_FAULT_VALUE', /tcp, udp, icmp/, /tcp/],
    ['5%,port=0', '0', 'MB_FAULT_VALUE', /1 to 65535/],
    ['5%,port=1-65536', '65536', 'MB_FAULT_VALUE', /1 to 65535/],
    ['5%,port=9-8', '9-8', 'MB_FAULT_VALUE', /empty/],
    ['5%,port=http', 'http', 'MB_FAULT_SYNTAX', /not a port/, /number/],
    ['5%,port=8x', '8x', 'MB_FAULT_SYNTAX', /whole number/],
    ['5%,proto=icmp,port=8', '8', 'MB_FAULT_VALUE', /no ports/],
    ['5%,dir=up', 'up', 'MB_FAULT_VALUE', /out, in/],
    ['5%,to=example.org', 'example.org', 'MB_FAULT_SYNTAX', /not an IP address/, /host names/],
    ['5%,to=10.0.0.1/8', '10.0.0.1', 'MB_FAULT_VALUE', /beyond/, /10\.0\.0\.0\/8/],
    ['5%,to=10.0.0.0/33', '33', 'MB_FAULT_VALUE', /0 to 32/],
    ['5%,to=::/129', '129', 'MB_FAULT_VALUE', /0 to 128/],
    ['5%,to=[::1]', '[::1]', 'MB_FAULT_SYNTAX', /./, /brackets/],
    ['5%,to=fe80::1%lo', 'fe80::1%lo', 'MB_FAULT_SYNTAX', /./, /interface=/],
    ['5%,to=', '', 'MB_FAULT_SYNTAX', /missing/],
    ['5%,interface=', '', 'MB_FAULT_VALUE', /empty/],
    ['5%,interface=a/b', 'a/b', 'MB_FAULT_VALUE', /cannot be/],
    ['5%,interface=sixteen-letters-', 'sixteen-letters-', 'MB_FAULT_VALUE', /cannot be/],
  ])
  assertWrong(refuse, [
    ['5%,dir=in', 'in', 'MB_FAULT_VALUE', /incoming/, /--drop-net/],
    ['5%,proto=icmp', 'icmp', 'MB_FAULT_VALUE', /no connections/],
  ])
})

test('the rate of a network fault is 100% if it is left out', () => {
  const { rate, ports, label, source } = drop('port=53,proto=udp')
  assert.deepEqual(
    { rate, ports, label, source },
    {
      rate: 100,
      ports: [{ low: 53, high: 53 }],
      label: 'drop-net port=53,proto=udp',
      source: '--drop-net port=53,proto=udp',
    },
  )
  assert.equal(parseNetworkFault('refuse-net', 'to=10.0.0.0/8').rate, 100)
})

/** What people write who mean something else, or come from another tool, and the hint that gets them there. */
const ways: readonly (readonly [typed: string, hint: string])[] = [
  ['fsync=200ms', 'did you mean delay:200ms?'],
  ['fsync=0.2s', 'did you mean delay:0.2s?'],
  ['read=5s', 'did you mean delay:5s?'],
  ['fsync=delay', 'did you mean delay:50ms?'],
  ['connect=0', 'to return it without running the call, write ret:0'],
  ['connect=5000', 'to return it without running the call, write ret:5000'],
  [
    'write=1k',
    'an outcome is an error (ENOENT, -2 or EIO|EINTR), ret:N, delay:50ms, delay-exit:50ms, signal:SIGKILL or short:50%',
  ],
  ['write=short', 'did you mean short:50%?'],
  ['write=partial:1', 'did you mean short:50%?'],
  ['openat=50%', 'the rate follows the outcome: ENOENT@50%'],
  ['openat=EACCES|ret:0', 'only errors can be drawn: EIO|EINTR|EAGAIN'],
  ['openat=EACCES/EMFILE', 'one of several errors is written EIO|EINTR|EAGAIN'],
  ['openat={ENOENT,EACCES}', 'one of several errors is written EIO|EINTR|EAGAIN'],
  [
    'read=EIO+delay:200ms',
    'the delay comes first: delay:200ms+EIO; before the call returns it is delay-exit:',
  ],
  ['read=delay:10ms-50ms', 'a delay may be drawn from a range: delay:10ms..50ms'],
  ['read=delay:10ms±5ms', 'a delay may be drawn from a range: delay:10ms..50ms'],
  ['openat=ENOENT@0.5', 'did you mean 50% or 0.5%?'],
  ['openat=ENOENT@0.07', 'did you mean 7% or 0.07%?'],
  ['write=EIO@3', 'did you mean 3%, or when=3 (only the 3rd call)?'],
  ['write=EIO@1', 'did you mean 1% or 100%, or when=1 (only the 1st call)?'],
  ['write=EIO@1000', 'did you mean when=1000 (only the 1000th call)?'],
  ['write=EIO,nth=3', 'did you mean when=3?'],
  ['write=EIO,every=3', 'did you mean when=3+3?'],
  ['write=EIO,when=2-4', 'did you mean when=2..4?'],
  ['write=EIO,limit=3', 'did you mean times=?'],
  ['write:error=EIO:when=3', "--inject does: --inject 'write:error=EIO:when=3'"],
  [
    'sendto=ENOSPC,path=/x',
    'a socket has its other side (port=N, to=ADDRESS), or a descriptor: fd=N',
  ],
  ['recvfrom=EIO,dir=in', '--drop-net 100%,dir=in loses packets (root)'],
  ['openat=EIO,comm=cat', 'did you mean process=?'],
  [
    'openat=EIO,uid=33',
    'by name: process=NAME. By user id or cgroup: a configuration file with targets: (- uid: 33), and --config',
  ],
  ['openat=EIO,process=/bin/cat', 'only the last part of a path is compared: write that'],
  ...['until=9s', 'before=2s'].map(
    (key) =>
      [
        `openat=EIO,${key}`,
        'for=2s ends a fault 2 s after its process has started, or after after=',
      ] as const,
  ),
  ['fsync=EIO,delay=200ms', 'a delay is the outcome: SET=delay:50ms'],
  ['fsync=EIO,jitter=200ms', 'jitter is a range: SET=delay:10ms..50ms'],
  [
    'fsync=EIO,error=EIO',
    'the outcome follows the system call: SET=ENOENT, SET=ret:0 or SET=signal:SIGKILL',
  ],
  ['openat=EIO,file=/x', 'did you mean path=?'],
  ['write=EIO,fd=3-9', 'several descriptors are joined by +: fd=1+2'],
  ['write=EIO,fd=0+1+2+3+4+5+6+7+8', 'give a second rule for the others'],
  ['write=EIO,fd=1,2', 'several values of fd=, port= and to= are joined by +: port=53+853'],
  ['write=EIO,fd=!1', 'fd= cannot be negated'],
  ...['^open=EIO', '/open=EIO', '/^open/=EIO'].map(
    (typed) =>
      [
        typed,
        "--syscall takes globs, such as 'open*=EIO': --inject takes a regular expression, such as /^open/:error=EIO",
      ] as const,
  ),
  ['%timerfd=EIO', 'did you mean timerfd_create+timerfd_settime+timerfd_gettime?'],
  ['shed_*=EIO', "did you mean 'sched_*'?"],
  ['*opnat=EIO', 'did you mean openat?'],
  ['x*=EIO', 'minderbinder list syscalls names them all'],
]
for (const [typed, hint] of ways)
  test(`--syscall ${typed}: ${hint}`, () => assertHint(call, typed, hint))

const noLatency =
  'latency is not offered yet: --drop-net loses packets, --refuse-net refuses connections'
const networkWays: readonly (readonly [typed: string, hint: string])[] = [
  ['0.5', 'did you mean 50% or 0.5%?'],
  ['30', 'did you mean 30%?'],
  ['5432', 'did you mean 100%,port=5432?'],
  ['100ms', noLatency],
  ['50%,delay=100ms', noLatency],
  ['delay=100ms', noLatency],
  ['50%,latency=100ms', noLatency],
  ['port=53;80', 'several ports are joined by +: port=53+853'],
  ['port=53,80', 'several values of fd=, port= and to= are joined by +: port=53+853'],
  ['port=8000..8999', 'did you mean 8000-8999?'],
  ['port=!22', 'port= cannot be negated: write the range below and the one above'],
  ['port=http', 'write the number of the port: names of services are not looked up'],
  ['dir=both', 'give two rules, one with dir=out and one with dir=in'],
  ['host=example.org', 'did you mean to=?'],
  ['comm=curl', 'did you mean process=?'],
]
for (const [typed, hint] of networkWays)
  test(`--drop-net ${typed}: ${hint}`, () => assertHint(drop, typed, hint))

function assertHint(parse: (text: string) => unknown, typed: string, hint: string): void {
  assert.throws(
    () => parse(typed),
    (error) => {
      assert.ok(error instanceof MinderbinderError)
      assert.equal(error.hint, hint)
      return true
    },
  )
}

test('what is right is taken as it is', () => {
  for (const text of ['openat=EIO@0.5%', 'openat=EIO@100%', 'read=EIO,fd=1', 'openat=EIO,path=!x'])
    assert.equal(call(text).label, text)
})

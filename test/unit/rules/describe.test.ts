import assert from 'node:assert/strict'
import test from 'node:test'
import { describeRule, describeTargets } from '../../../src/rules/describe.ts'
import { parseNetworkFault, parseSyscallFault } from '../../../src/rules/grammar.ts'

const x86 = { arch: 'x86_64' } as const
const call = (text: string) => describeRule(parseSyscallFault(text, x86))
const drop = (text: string) => describeRule(parseNetworkFault('drop-net', text))
const refuse = (text: string) => describeRule(parseNetworkFault('refuse-net', text))

test('system calls', () => {
  const cases: [string, string][] = [
    ['openat=ENOENT', 'openat fails with ENOENT (No such file or directory) each time'],
    ['openat=-4000', 'openat fails with error 4000 each time'],
    ['openat=EIO@0%', 'openat fails with EIO (Input/output error) never (its rate is 0%)'],
    [
      'openat=EIO@12.5%',
      'openat fails with EIO (Input/output error) with a chance of 12.5% each time',
    ],
    ['open+openat=ret:3', 'open and openat return 3 without being run each time'],
    [
      'getpid=ret:-2',
      'getpid returns -2 without being run (to the C library an error: ENOENT) each time',
    ],
    ['read=delay:1.5ms', 'read runs after a pause of 1.5 ms each time'],
    [
      'read=EIO,for=2s',
      'read fails with EIO (Input/output error) each time, but only in the first 2 s of a process',
    ],
    [
      'read=EIO,after=1s,for=2s',
      'read fails with EIO (Input/output error) each time, but only from 1 s to 3 s after the start of a process',
    ],
    [
      'read=EIO,when=2+,scope=thread',
      'read fails with EIO (Input/output error) from the 2nd time on, counted in each thread on its own',
    ],
    ['read=delay:1ms..2s', 'read runs after a pause drawn from 1 ms to 2 s each time'],
    [
      'read+write=delay:1ms+EIO',
      'read and write fail with EIO (Input/output error) after a pause of 1 ms each time',
    ],
    [
      'read=EIO|EINTR',
      'read fails with EIO (Input/output error) or EINTR (Interrupted system call) each time',
    ],
    ['read=delay:90m', 'read runs after a pause of 5400 s each time'],
    [
      'write=signal:9,fd=1,when=3',
      'write with descriptor 1 sends the calling thread SIGKILL only the 3rd time, counted over all processes together',
    ],
    [
      'openat=EIO,path=/etc/*,when=2+,scope=process',
      'openat with a path that matches /etc/* fails with EIO (Input/output error) from the 2nd time on, counted in each process on its own',
    ],
    [
      'close=EIO,when=1..11+2,times=1,after=100ms',
      'close fails with EIO (Input/output error) every 2nd time from the 1st to the 11th, at most once, counted over all processes together, but not in the first 100 ms of a process',
    ],
    [
      'close=EIO,times=12',
      'close fails with EIO (Input/output error) at most 12 times, counted over all processes together',
    ],
  ]
  for (const [text, words] of cases) assert.equal(call(text), words)
  assert.match(call('%file=EIO'), /^access, .* and \d+ more fail with EIO/)
  assert.match(call('openat=EIO,path=a\nb'), /a\\x0ab/)
})

test('the network', () => {
  assert.equal(drop('100%'), 'outgoing packets are lost silently each time')
  assert.equal(
    drop('5%,dir=in,proto=udp,port=53,to=10.0.0.0/8,interface=lo,after=2s'),
    'incoming UDP packets from port 53 of 10.0.0.0/8 by interface lo are lost silently with a chance of 5% each time, but not in the first 2 s of the run',
  )
  assert.equal(drop('100%,to=::1'), 'outgoing packets to ::1 are lost silently each time')
  assert.equal(
    refuse('100%,proto=tcp,port=80-89,times=2'),
    'connect() over TCP to ports 80 to 89 fails with ECONNREFUSED (Connection refused) at most 2 times',
  )
})

test('with targets it is known whose packet it is, and since when that process runs', () => {
  const rule = parseNetworkFault('drop-net', '100%,after=2s')
  const targets = [{ kind: 'name', name: 'curl' }] as const
  assert.match(describeRule(rule), /but not in the first 2 s of the run$/)
  assert.match(describeRule({ ...rule, targets }), /but not in the first 2 s of a process$/)
})

test('whom a rule is for', () => {
  const targeted = (rule: object) =>
    describeTargets({ ...parseSyscallFault('read=EIO', x86), ...rule })
  const name = (text: string) => ({ kind: 'name', name: text })
  assert.equal(targeted({}), undefined)
  assert.equal(
    targeted({ targets: [name('curl')] }),
    'only in processes named curl, and in what they start',
  )
  assert.equal(
    targeted({
      targets: [{ kind: 'uid', uid: 5 }, name('a'), { kind: 'pid', pid: 7 }, name('b\n*')],
      inherit: false,
    }),
    'only in processes named a or b\\x0a*, or with the pid 7, or of the user id 5, and not in what they start',
  )
  assert.match(targeted({ targets: [{ kind: 'cgroup', path: '/a' }] })!, /in the cgroup \/a/)
})

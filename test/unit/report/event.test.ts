/** decodeEvent() reads what bpf/rule.h writes. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { decodeEvent, EVENT_SIZE, eventOffsets } from '../../../src/report/event.ts'
import { requires } from '../../helpers/requires.ts'

const header = new URL('../../../bpf/rule.h', import.meta.url).pathname

const prelude = `
#include <stdint.h>
#include <stddef.h>
#include <stdio.h>
typedef uint8_t u8; typedef uint16_t u16; typedef uint32_t u32; typedef uint64_t u64;
typedef int32_t s32; typedef int64_t s64;
#include "${header}"
`

/** What a C program prints, compiled with the header. */
function runC(body: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'mb-test-'))
  try {
    const program = join(folder, 'a.out')
    execFileSync('cc', ['-std=gnu11', '-o', program, '-x', 'c', '-'], {
      input: `${prelude}int main(void) { ${body} return 0; }`,
    })
    return execFileSync(program)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** An event with only these fields set. */
function eventBytes(fields: Partial<Record<keyof typeof eventOffsets, number | bigint | Buffer>>) {
  const bytes = Buffer.alloc(EVENT_SIZE)
  const size = { time_ns: 8, n: 8, text_kind: 2, text_len: 2, remote_port: 2 } as Record<
    string,
    number
  >
  for (const [name, value] of Object.entries(fields)) {
    const at = eventOffsets[name as keyof typeof eventOffsets]
    if (Buffer.isBuffer(value)) value.copy(bytes, at)
    else if (size[name] === 8) bytes.writeBigUInt64LE(BigInt(value), at)
    else if (name === 'protocol' || name === 'direction') bytes.writeUInt8(Number(value), at)
    else bytes.writeUIntLE(Number(value), at, size[name] ?? 4)
  }
  return bytes
}

const path = (text: Buffer) => eventBytes({ text_kind: 1, text_len: text.length, text })
const sockaddr = (text: Buffer) => eventBytes({ text_kind: 2, text_len: text.length, text })

test('every offset is the one of struct event in bpf/rule.h', (t) => {
  if (!requires(t, 'cc')) return
  const names = Object.keys(eventOffsets)
  const prints = names.map((name) => `printf("%zu\\n", offsetof(struct event, ${name}));`).join('')
  const printed = runC(`${prints} printf("%zu\\n", sizeof(struct event));`).toString()
  assert.deepEqual(printed.trim().split('\n').map(Number), [
    ...Object.values(eventOffsets),
    EVENT_SIZE,
  ])
})

test('an event written by C is read whole', (t) => {
  if (!requires(t, 'cc')) return
  const bytes = runC(`
    struct event e = {
      .time_ns = 1700000000123456789ull, .n = 7, .args = { 0xffffffffffffff9cull, 1, 2, 3, 4, 5 },
      .rule = 3, .pid = 42, .tid = 43, .syscall = 257, .text_kind = EVENT_TEXT_PATH, .text_len = 4,
      .comm = "cat", .text = "/etc" };
    fwrite(&e, sizeof(e), 1, stdout);`)
  assert.deepEqual(decodeEvent(bytes), {
    timeNs: 1_700_000_000_123_456_789n,
    n: 7n,
    args: [0xffff_ffff_ffff_ff9cn, 1n, 2n, 3n, 4n, 5n],
    rule: 3,
    pid: 42,
    tid: 43,
    syscall: 257,
    comm: 'cat',
    path: '/etc',
  })
})

test('a packet written by C is read whole', (t) => {
  if (!requires(t, 'cc')) return
  const bytes = runC(`
    struct event e = { .time_ns = 5, .n = 1, .rule = 0, .protocol = 17, .direction = DIRECTION_IN,
      .remote_port = 53, .ifindex = 2, .remote = { 10, 0, 0, 1 }, .family = 4 };
    fwrite(&e, sizeof(e), 1, stdout);`)
  const event = decodeEvent(bytes)
  assert.equal(event.timeNs, 5n)
  assert.deepEqual(event.traffic, {
    protocol: 17,
    direction: 'in',
    remote: '10.0.0.1:53',
    ifindex: 2,
  })
  assert.equal(event.path, undefined)
})

test('bytes that are not one event are refused, not guessed at', () => {
  assert.throws(() => decodeEvent(Buffer.alloc(EVENT_SIZE - 1)), RangeError)
})

test('a process name of all 16 bytes needs no NUL', () => {
  assert.equal(decodeEvent(eventBytes({ comm: Buffer.from('0123456789abcdef') })).comm.length, 16)
})

test('the time keeps its nanoseconds', () => {
  assert.equal(decodeEvent(eventBytes({ time_ns: 2n ** 63n + 1n })).timeNs, 2n ** 63n + 1n)
})

for (const [what, bytes, expected] of [
  ['UTF-8', Buffer.from('/tmp/å€😀'), '/tmp/å€😀'],
  ['a byte that is not UTF-8', Buffer.from([0x2f, 0xff, 0x61]), '/\\xffa'],
  ['a backslash', Buffer.from('a\\b'), 'a\\\\b'],
  ['text that looks escaped', Buffer.from('\\xff'), '\\\\xff'],
  ['an overlong form', Buffer.from([0xc0, 0xaf]), '\\xc0\\xaf'],
  ['an overlong form of three bytes', Buffer.from([0xe0, 0x80, 0xaf]), '\\xe0\\x80\\xaf'],
  ['a surrogate', Buffer.from([0xed, 0xa0, 0x80]), '\\xed\\xa0\\x80'],
  ['a character beyond Unicode', Buffer.from([0xf4, 0x90, 0x80, 0x80]), '\\xf4\\x90\\x80\\x80'],
  ['a character cut short', Buffer.from([0x61, 0xe2, 0x82]), 'a\\xe2\\x82'],
  ['a continuation alone', Buffer.from([0x80]), '\\x80'],
  ['U+FFFD itself', Buffer.from('\ufffd'), '\ufffd'],
  ['nothing', Buffer.alloc(0), ''],
] as const)
  test(`a path of ${what} can be had back from the log`, () => {
    const decoded = decodeEvent(path(bytes)).path
    assert.equal(decoded, expected)
    assert.deepEqual(bytesOf(expected), bytes)
  })

/** What docs/log.md tells a reader to do. */
function bytesOf(text: string): Buffer {
  const parts = text.split(/(\\\\|\\x[0-9a-f]{2})/)
  return Buffer.concat(
    parts.map((part) =>
      part === '\\\\'
        ? Buffer.from('\\')
        : part.startsWith('\\x')
          ? Buffer.from([Number.parseInt(part.slice(2), 16)])
          : Buffer.from(part),
    ),
  )
}

test('a path that may have been cut is marked', () => {
  assert.equal(decodeEvent(path(Buffer.alloc(255, 'a'))).truncated, true)
  assert.equal(decodeEvent(path(Buffer.alloc(254, 'a'))).truncated, undefined)
})

for (const [expected, bytes] of [
  ['127.0.0.1:80', [2, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['[::1]:443', [10, 0, 1, 187, 0, 0, 0, 0, ...Array(15).fill(0), 1, 0, 0, 0, 0]],
  ['[2001:db8::1:0:0:1]:1', ipv6([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1])],
  ['[2001:db8:0:1:1:1:1:1]:1', ipv6([0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1])],
  ['[::]:1', ipv6(Array(16).fill(0))],
  ['[::ffff:1.2.3.4]:1', ipv6([...Array(10).fill(0), 255, 255, 1, 2, 3, 4])],
  ['[fe80::]:1', ipv6([0xfe, 0x80, ...Array(14).fill(0)])],
  ['unix:/run/x', [1, 0, ...Buffer.from('/run/x\0junk')]],
  ['unix:@bus\\x00', [1, 0, 0, ...Buffer.from('bus\0')].map(Number)],
  ['unix:', [1, 0]],
  ['unspecified', [0, 0, 1, 2]],
  ['family 16', [16, 0, 0, 0, 0, 0]],
  ['family 2', [2, 0, 0]],
  ['unknown', [2]],
] as const)
  test(`a socket address reads ${expected}`, () => {
    const text = decodeEvent(sockaddr(Buffer.from(bytes as readonly number[]))).address
    // The NUL inside an abstract name counts; JSON escapes it.
    assert.equal(text, expected.replace('\\x00', '\0'))
  })

function ipv6(address: readonly number[]): number[] {
  return [10, 0, 0, 1, 0, 0, 0, 0, ...address, 0, 0, 0, 0]
}

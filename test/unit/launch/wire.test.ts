import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import test from 'node:test'
import {
  CHANGE_HEADER_SIZE,
  callerScopes,
  encodeChange,
  RULE_CALLER_SIZE,
} from '../../../src/launch/change-frame.ts'
import {
  COUNTS_HEADER_SIZE,
  NEAR_PATH_OFFSET,
  NEAR_PATH_SIZE,
  SLOT_COUNTS_OFFSET,
  SLOT_COUNTS_SIZE,
} from '../../../src/launch/counts-frame.ts'
import { STAGE_HEADER_SIZE } from '../../../src/launch/stage-frame.ts'
import { FrameReader, frameBytes, stageSteps, wireTypes } from '../../../src/launch/wire.ts'
import { RULE_SIZE } from '../../../src/rules/encode.ts'
import { compileC } from '../../helpers/compile-c.ts'
import { requires } from '../../helpers/requires.ts'

test('node and the launcher give the same numbers to frames and steps', (t) => {
  if (!requires(t, 'cc')) return
  const lines = execFileSync(compileC('launch/wire-layout.c'), { encoding: 'utf8' })
    .trim()
    .split('\n')
  const c = new Map(
    lines.map((line) => [line.replace(/ \d+$/, ''), Number(/\d+$/.exec(line)?.[0])]),
  )
  for (const [name, type] of Object.entries(wireTypes)) assert.equal(c.get(name), type, name)
  for (const [name, number] of c)
    if (name.startsWith('scope '))
      assert.equal(callerScopes[number - 1], name.slice('scope '.length))
    else if (name.startsWith('step ')) assert.equal(stageSteps[number], name.slice('step '.length))
  assert.equal(c.get('sizeof stage'), STAGE_HEADER_SIZE)
  assert.equal(c.get('offsetof seed'), STAGE_HEADER_SIZE - 8)
  assert.equal(c.get('sizeof counts'), COUNTS_HEADER_SIZE)
  assert.equal(c.get('sizeof near'), NEAR_PATH_SIZE)
  assert.equal(c.get('offsetof near'), NEAR_PATH_OFFSET)
  assert.equal(c.get('sizeof slot counts'), SLOT_COUNTS_SIZE)
  assert.equal(c.get('offsetof slot counts'), SLOT_COUNTS_OFFSET)
  assert.equal(c.get('sizeof change'), CHANGE_HEADER_SIZE)
  assert.equal(c.get('sizeof caller'), RULE_CALLER_SIZE)
})

test('a change says of each rule whom it is for', () => {
  const add = Buffer.alloc(2 * RULE_SIZE)
  const caller = { scope: 'thread', client: 7, pid: 1230, tid: 1234 } as const
  const words = (bytes: Buffer) =>
    Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readUInt32LE(at * 4))
  const after = CHANGE_HEADER_SIZE + add.length
  const own = encodeChange({ add, caller, remove: [9, 3] })
  const one = [4, 7, 1234, 0, 0, 0]
  assert.deepEqual(words(own.subarray(after)), [...one, ...one, ...[3, 9]])
  const asking = { ...caller, scope: 'exec', events: true } as const
  const seeds = [5n, 2n ** 64n - 1n]
  const drawn = encodeChange({ add, caller: asking, remove: [], seeds })
  assert.deepEqual(
    words(drawn.subarray(after)),
    [
      [5, 7, 1234, 3, 5, 0],
      [5, 7, 1234, 3, 2 ** 32 - 1, 2 ** 32 - 1],
    ].flat(),
  )
  const others = encodeChange({ add, remove: [] })
  assert.deepEqual(words(others.subarray(after)), new Array(12).fill(0))
})

function bytesOf(...frames: { type: number; payload: Buffer }[]): Buffer {
  return Buffer.concat(frames.map(({ type, payload }) => frameBytes(type, payload)))
}

test('frames come out whole, however the stream is cut', () => {
  const frames = [
    { type: 20, payload: Buffer.from('abcdefgh') },
    { type: 18, payload: Buffer.alloc(0) },
    { type: 21, payload: Buffer.alloc(300, 7) },
  ]
  const bytes = bytesOf(...frames)
  for (let size = 1; size <= bytes.length; size++) {
    const reader = new FrameReader()
    const read = []
    for (let at = 0; at < bytes.length; at += size)
      read.push(...reader.push(bytes.subarray(at, at + size)))
    assert.deepEqual(read, frames, `in pieces of ${size}`)
  }
})

test('half a frame is no frame', () => {
  const whole = bytesOf({ type: 20, payload: Buffer.from('abcdefgh') })
  assert.deepEqual(new FrameReader().push(whole.subarray(0, -1)), [])
})

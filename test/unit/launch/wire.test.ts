import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import test from 'node:test'
import {
  COUNTS_HEADER_SIZE,
  NEAR_PATH_OFFSET,
  NEAR_PATH_SIZE,
} from '../../../src/launch/counts-frame.ts'
import { STAGE_HEADER_SIZE } from '../../../src/launch/stage-frame.ts'
import { FrameReader, frameBytes, stageSteps, wireTypes } from '../../../src/launch/wire.ts'
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
    if (name.startsWith('step ')) assert.equal(stageSteps[number], name.slice('step '.length))
  assert.equal(c.get('sizeof stage'), STAGE_HEADER_SIZE)
  assert.equal(c.get('offsetof seed'), STAGE_HEADER_SIZE - 8)
  assert.equal(c.get('sizeof counts'), COUNTS_HEADER_SIZE)
  assert.equal(c.get('sizeof near'), NEAR_PATH_SIZE)
  assert.equal(c.get('offsetof near'), NEAR_PATH_OFFSET)
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

import assert from 'node:assert/strict'
import os from 'node:os'
import test from 'node:test'
import {
  signalByName,
  signalMax,
  signalName,
  signalNames,
} from '../../../../src/rules/names/signals.ts'

test('names have the numbers that node took from this machine’s <signal.h>', () => {
  for (const [name, number] of Object.entries(os.constants.signals))
    assert.equal(signalByName(name), number, name)
})

test('every number has a name that leads back to it, but for the two that libc keeps', () => {
  for (let number = 1; number <= signalMax; number++) {
    assert.equal(signalByName(`${number}`), number)
    assert.equal(
      signalByName(signalName(number)),
      number === 32 || number === 33 ? undefined : number,
    )
  }
  for (const name of signalNames()) assert.notEqual(signalByName(name), undefined, name)
})

test('SIG may be left out, and case does not matter', () => {
  for (const name of ['SIGKILL', 'KILL', 'kill', 'sigkill', '9'])
    assert.equal(signalByName(name), 9, name)
  assert.equal(signalByName('SIGIOT'), 6)
})

test('real-time signals count from either end, as in kill -l', () => {
  assert.equal(signalByName('SIGRTMIN'), 34)
  assert.equal(signalByName('RTMIN+3'), 37)
  assert.equal(signalByName('SIGRTMAX-1'), 63)
  assert.equal(signalByName('SIGRTMAX'), 64)
  assert.equal(signalByName('SIGRTMIN+30'), 64)
  assert.equal(signalName(37), 'SIGRTMIN+3')
})

test('what is no signal has no number', () => {
  for (const text of ['', 'SIG', 'SIGFOO', '0', '65', '-9', '9.0', 'SIG9', 'SIGRTMIN-1'])
    assert.equal(signalByName(text), undefined, text)
  for (const text of ['SIGRTMAX+1', 'SIGRTMIN+31', 'SIGRTMIN+', 'RTMIN3', 'SIGSIGKILL', ' KILL'])
    assert.equal(signalByName(text), undefined, text)
})

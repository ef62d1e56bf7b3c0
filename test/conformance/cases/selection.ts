/** Which calls: path=, fd=, families, after=. */
import { type Case, caseIn } from '../case.ts'
import { EIO, ENOENT, EPERM } from '../fault.ts'
import { calls, opens, openZero, paths, reads, twoPaths } from '../steps.ts'

const path = caseIn('path')
const fd = caseIn('fd')
const family = caseIn('families')
const after = caseIn('after')

const there = ['/nowhere/a.db', '/nowhere/b.txt', '/nowhere/sub/a.db', 'a.db', '/nowhere/x,y', '/']
const globs: readonly (readonly [glob: string, matches: readonly string[]])[] = [
  ['/nowhere/a.db', ['/nowhere/a.db']],
  ['/nowhere/*', ['/nowhere/a.db', '/nowhere/b.txt', '/nowhere/sub/a.db', '/nowhere/x,y']],
  ['*.db', ['/nowhere/a.db', '/nowhere/sub/a.db', 'a.db']],
  ['/nowhere/?.???', ['/nowhere/b.txt']],
  ['/nowhere/[ab].*', ['/nowhere/a.db', '/nowhere/b.txt']],
  ['/nowhere/[!a].*', ['/nowhere/b.txt']],
  ['/nowhere/x\\,y', ['/nowhere/x,y']],
  ['/nowhere/[w-y]?y', ['/nowhere/x,y']],
  ['a.d', []],
  ['.db', []],
  ['*', [...there]],
]

export const selection: readonly Case[] = [
  // None fires but the last, so that each rule counts every call.
  path(
    'globs: each matches what it is meant to',
    [
      ...globs.map(([glob, matches]) => ({
        ...{ set: 'faccessat2', outcome: ENOENT, path: { glob, matches } },
        ...{ rate: '0' },
      })),
      {
        set: 'faccessat2',
        outcome: EIO,
        path: { glob: '*a.db', matches: ['a.db', ...there.filter((p) => p.endsWith('/a.db'))] },
      },
    ],
    there.flatMap((file, i) => (file === '/' ? [] : [paths(file, i + 1)])),
    { quick: true },
  ),
  path(
    'either of two paths',
    [
      {
        set: 'renameat',
        outcome: EIO,
        path: { glob: '/nowhere/from', matches: ['/nowhere/from'] },
      },
      { set: 'renameat', outcome: EPERM, path: { glob: '/nowhere/to', matches: ['/nowhere/to'] } },
      { set: 'linkat', outcome: EPERM, path: { glob: '*to', matches: ['/nowhere/to'] } },
    ],
    [
      twoPaths('renameat', '/nowhere/from', '/nowhere/to', 2),
      twoPaths('renameat', '/nowhere/other', '/nowhere/to', 3),
      twoPaths('renameat', '/nowhere/to', '/nowhere/other', 1),
      twoPaths('renameat', '/nowhere/other', '/nowhere/another', 2),
      twoPaths('linkat', '/nowhere/from', '/nowhere/to', 2),
      twoPaths('linkat', '/nowhere/from', '/nowhere/other', 2),
    ],
    { quick: true },
  ),
  path(
    'several globs: any of them matches',
    [
      {
        ...{ set: 'faccessat2', outcome: EIO, when: '2+' },
        path: { glob: ['/nowhere/yes', '*.db', '/other/*'], matches: ['/nowhere/yes', '/a/b.db'] },
      },
      {
        ...{ set: 'renameat', outcome: EPERM },
        path: { glob: ['/nowhere/from', '/none'], matches: ['/nowhere/from'] },
      },
    ],
    [
      ...[paths('/nowhere/yes', 3), paths('/nowhere/no', 5), paths('/a/b.db', 2)],
      ...[paths('/nowhere/yes/too', 2), twoPaths('renameat', '/nowhere/from', '/nowhere/to', 1)],
      twoPaths('renameat', '/nowhere/to', '/nowhere/other', 1),
    ],
  ),
  path(
    'with when=, times= and a rate: only matching calls count',
    [
      {
        ...{ set: 'faccessat2', outcome: EIO, when: '2+', times: 9, rate: '50' },
        path: { glob: '/nowhere/yes*', matches: ['/nowhere/yes', '/nowhere/yes/too'] },
      },
    ],
    [
      ...[paths('/nowhere/yes', 10), paths('/nowhere/no', 5), paths('/nowhere/yes/too', 10)],
      ...[paths('/nowhere/no', 5), paths('/nowhere/yes', 20)],
    ],
    { seed: 5n },
  ),
  path(
    'long paths, and one that is not to be read',
    [{ set: 'faccessat2', outcome: EIO, path: { glob: '*/end', matches: [long(100), long(250)] } }],
    [
      ...[paths(long(100), 2), paths(long(250), 2)],
      { ...paths('x', 2), args: [-100, 1, 0, 0], natural: -14n },
    ],
  ),
  fd(
    'only that descriptor',
    [
      { set: 'fsync', outcome: EIO, fd: 900 },
      { set: 'dup', outcome: EPERM, fd: 2147483647 },
      { set: 'dup', outcome: ENOENT, when: '2', fd: 901 },
    ],
    [
      ...[calls('fsync', 2, 900), calls('fsync', 2, 900 + 256), calls('fsync', 2)],
      ...[calls('dup', 2, 901), calls('dup', 2, 2147483647), calls('dup', 1, 901)],
    ],
    { quick: true },
  ),
  fd(
    'one of several',
    [
      { set: 'fsync', outcome: EIO, fd: [900, 902], when: '2+' },
      { set: 'fsync', outcome: EPERM, fd: [1, 2, 3, 4, 5, 6, 7, 902] },
      { set: 'dup', outcome: ENOENT, fd: [901, 2147483647] },
    ],
    [
      ...[calls('fsync', 2, 900), calls('fsync', 2, 901), calls('fsync', 2, 902)],
      ...[calls('dup', 2, 901), calls('dup', 2, 900), calls('dup', 1, 2147483647)],
    ],
    { quick: true },
  ),
  fd(
    'of an open file',
    [
      { set: 'pread64', outcome: EIO, fd: 3, when: '2+2' },
      { set: 'pread64', outcome: EPERM, fd: [4, 900], times: 1 },
    ],
    [
      ...[openZero, { ...openZero, natural: 4n }, reads(5, 5), reads(7, 3, 4)],
      { do: 'in', place: 'fork', steps: [reads(2, 4), reads(2, 2, 4)] },
    ] as const,
    { quick: true },
  ),
  family(
    'members are faulted, others are not',
    [
      {
        ...{ set: '%net', names: ['listen', 'shutdown', 'bind', 'accept', 'getsockname'] },
        ...{ outcome: EPERM, fd: 900, wide: true },
      },
      { set: '%sync', names: ['fsync', 'fdatasync', 'syncfs'], outcome: ENOENT, when: '2+2' },
    ],
    [
      ...[calls('listen', 1, 900), calls('shutdown', 1, 900), calls('accept', 1, 900)],
      ...[calls('bind', 2), calls('getsockname', 1, 900), calls('dup', 2, 900)],
      ...[calls('fsync', 3), calls('fdatasync', 3), calls('syncfs', 3), calls('lseek', 2)],
    ],
    { more: 'seen', quick: true },
  ),
  family(
    'with path=',
    [
      {
        ...{ set: '%file', names: ['faccessat2', 'renameat', 'linkat', 'openat'], outcome: EIO },
        path: { glob: '/nowhere/*', matches: ['/nowhere/a', '/nowhere/b'] },
        wide: true,
      },
    ],
    [
      ...[paths('/nowhere/a', 2), twoPaths('renameat', '/nowhere/a', '/nowhere/b', 1)],
      ...[twoPaths('linkat', '/elsewhere', '/nowhere/b', 1), opens(1, '/nowhere/a'), opens(1)],
      calls('fsync', 2),
    ],
    { more: 'seen', quick: true },
  ),
  after(
    'not before, and from then on',
    [{ set: 'fsync+dup', outcome: EIO, after: { text: '700ms', faults: 'later' } }],
    [
      { do: 'until', ms: 700, call: calls('fsync', 1) },
      calls('fsync', 3),
      // Each process has an age of its own.
      { do: 'in', place: 'fork', steps: [calls('fsync', 2), calls('dup', 2)] },
      calls('dup', 3),
      { do: 'in', place: 'thread', steps: [calls('fsync', 2)] },
    ],
    { more: 'seen', quick: true },
  ),
  after(
    'with when= and times=: what came before does not count',
    [
      {
        set: 'fsync',
        outcome: EIO,
        after: { text: '400ms', faults: 'later' },
        when: '1+2',
        times: 3,
      },
    ],
    [{ do: 'until', ms: 400, call: calls('fsync', 1) }, calls('fsync', 9)],
    { more: 'seen' },
  ),
  after(
    'for=: until then, and not from then on',
    [{ set: 'fsync+dup', outcome: EIO, after: { text: '0s', faults: 'sooner' }, for: '700ms' }],
    [
      ...[calls('fsync', 3), calls('dup', 1)],
      { do: 'until', ms: 700, call: calls('fsync', 1), while: -5n },
      ...[calls('fsync', 3), calls('dup', 3)],
      { do: 'in', place: 'fork', steps: [calls('fsync', 2), calls('dup', 2)] },
      { do: 'in', place: 'thread', steps: [calls('fsync', 2)] },
    ],
    { more: 'all', quick: true },
  ),
  after(
    'for= counts from after=',
    [
      { set: 'fsync', outcome: EIO, after: { text: '300ms', faults: 'later' }, for: '60m' },
      { set: 'dup', outcome: EIO, after: { text: '0s', faults: 'nothing' }, for: '1ns' },
      { set: 'listen', outcome: EIO, after: { text: '0s', faults: 'all' }, for: '1440m' },
    ],
    [
      calls('listen', 2),
      { do: 'until', ms: 300, call: calls('fsync', 1) },
      ...[calls('fsync', 3), calls('dup', 3), calls('listen', 2)],
    ],
    { more: 'seen' },
  ),
  after(
    'a time that does not come, and none at all',
    [
      { set: 'fsync', outcome: EIO, after: { text: '60m', faults: 'nothing' } },
      { set: 'dup', outcome: EIO, after: { text: '0s', faults: 'all' } },
    ],
    [calls('fsync', 4), calls('dup', 4)],
  ),
]

function long(bytes: number): string {
  return `/${'x'.repeat(bytes - 5)}/end`
}

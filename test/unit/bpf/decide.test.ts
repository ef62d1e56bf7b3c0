/** decide() of bpf/rule.h, compiled for user space: what the BPF programs and the supervisor go by. */
import assert from 'node:assert/strict'
import test, { after, before, type TestContext } from 'node:test'
import fc from 'fast-check'
import { drawsOf } from '../../../src/rules/draw.ts'
import { encodeRules } from '../../../src/rules/encode.ts'
import { drawnOutcome, type Outcome, partsOf } from '../../../src/rules/outcomes/index.ts'
import type { When } from '../../../src/rules/values.ts'
import { compileC } from '../../helpers/compile-c.ts'
import { occurrence } from '../../helpers/draw.ts'
import { Driver } from '../../helpers/driver.ts'
import { has, requires } from '../../helpers/requires.ts'

interface Keys {
  readonly rate?: number
  readonly when?: When
  readonly times?: number
  readonly afterNs?: bigint
  readonly forNs?: bigint
  readonly outcome?: Outcome
}

const ENOENT: Outcome = { kind: 'errno', name: 'ENOENT', errno: 2 }
const everyTime: When = { first: 1, last: Number.POSITIVE_INFINITY, step: 1 }

function ruleBytes(keys: Keys): string {
  const { rate = 100, when = everyTime, times = 0, afterNs = 0n, forNs, outcome = ENOENT } = keys
  const table = encodeRules(
    [
      {
        ...{ kind: 'syscall', label: 'x', source: 'x', set: 'openat', syscalls: ['openat'] },
        ...{ outcome, scope: 'tree' },
        ...{ rate, when, times, afterNs, ...(forNs !== undefined && { forNs }) },
      },
    ],
    { arch: 'x86_64', interfaceIndex: () => 0 },
  )
  return table.toString('hex')
}

interface Calls {
  readonly slot?: number
  readonly seed?: bigint
  readonly scope?: number
  readonly age?: bigint
  readonly predicates?: 0 | 1
  readonly count: number
}

async function setRule(driver: Driver, keys: Keys): Promise<void> {
  assert.equal(await driver.ask(`rule ${ruleBytes(keys)}`), 'ok')
}

async function calls(driver: Driver, options: Calls) {
  const { slot = 0, seed = 1n, scope = 0, age = 0n, predicates = 1, count } = options
  const answer = await driver.ask(`calls ${slot} ${seed} ${scope} ${age} ${predicates} ${count}`)
  const [fires = '', n, seen, matched, fired] = answer.split(' ')
  return { fires, n: Number(n), seen: Number(seen), matched: Number(matched), fired: Number(fired) }
}

let program: string
let driver: Driver

before(() => {
  if (!has('cc')) return
  program = compileC('bpf/decide.c', [
    '-pthread',
    '-fsanitize=address,undefined',
    '-fno-sanitize-recover',
  ])
  driver = new Driver(program)
})
after(() => driver?.end())

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const aSlot = fc.integer({ min: 0, max: 4095 })

/** A test with the driver, or a skip where there is no compiler. */
function decides(name: string, body: (t: TestContext) => Promise<void>): void {
  test(name, async (t) => {
    if (requires(t, 'cc')) await body(t)
  })
}

decides('0% never fires and 100% always does', async () => {
  const property = fc.asyncProperty(u64, aSlot, async (seed, slot) => {
    await setRule(driver, { rate: 0 })
    assert.equal((await calls(driver, { slot, seed, count: 5000 })).fired, 0)
    await setRule(driver, { rate: 100 })
    assert.equal((await calls(driver, { slot, seed, count: 5000 })).fired, 5000)
  })
  await fc.assert(property, { numRuns: 50 })
})

decides('the edges of the draw itself: 0 and 2^32-1', async () => {
  // n with these draws for seed 1 and rule 0 cannot be waited for, so the threshold is moved instead.
  const draws = (await driver.ask('draw 1 0 1 2000')).split(' ').map(Number)
  for (const n of [1, 2, 1999]) {
    const draw = draws[n - 1] ?? 0
    for (const [threshold, fires] of [
      [draw, '0'],
      [draw + 1, '1'],
    ] as const) {
      const bytes = Buffer.from(ruleBytes({ rate: 50 }), 'hex')
      bytes.writeBigUInt64LE(BigInt(threshold), 16)
      await driver.ask(`rule ${bytes.toString('hex')}`)
      assert.equal((await calls(driver, { count: n })).fires.at(-1), fires)
    }
  }
})

/** Six standard deviations: one false alarm in 500 million for a fair draw, and the seeds are fixed. */
function assertFair(hits: number, tries: number, chance: number, what: string): void {
  const deviation = Math.sqrt(tries * chance * (1 - chance))
  assert.ok(
    Math.abs(hits - tries * chance) <= 6 * deviation,
    `${what}: ${hits} of ${tries} at ${chance * 100}%`,
  )
}

decides('rates are kept: over calls, over seeds, over rules', async () => {
  const tries = 100_000
  for (const rate of [0.1, 1, 12.5, 50, 99, 99.9])
    for (const [seed, slot] of [
      [0n, 0],
      [1n, 0],
      [42n, 3],
      [2n ** 64n - 1n, 4095],
    ] as const) {
      await setRule(driver, { rate })
      const { fired } = await calls(driver, { slot, seed, count: tries })
      assertFair(fired, tries, rate / 100, `seed ${seed}, rule ${slot}`)
    }
  const first = async (seed: number, slot: number) =>
    Number(await driver.ask(`draw ${seed} ${slot} 1 1`)) < 2 ** 30 ? 1 : 0
  let [overSeeds, overRules] = [0, 0]
  for (let i = 0; i < 4000; i++) {
    overSeeds += await first(i, 0)
    overRules += await first(7, i)
  }
  assertFair(overSeeds, 4000, 0.25, 'first call, over seeds')
  assertFair(overRules, 4000, 0.25, 'first call, over rules')
})

decides('draws of neighbours are independent', async () => {
  const bits = async (seed: number, slot: number) =>
    (await driver.ask(`draw ${seed} ${slot} 1 50000`))
      .split(' ')
      .map((draw) => Number(draw) < 2 ** 31)
  const base = await bits(1, 0)
  const equal = (other: boolean[], shift = 0) =>
    other.slice(0, 40_000).filter((bit, i) => bit === base[i + shift]).length
  for (const shift of [1, 2, 3, 64]) assertFair(equal(base, shift), 40_000, 0.5, `n + ${shift}`)
  assertFair(equal(await bits(2, 0)), 40_000, 0.5, 'the next seed')
  assertFair(equal(await bits(1, 1)), 40_000, 0.5, 'the next rule')
})

function expectedDraw(seed: bigint, slot: number, n: bigint): number {
  return Number(occurrence(seed, slot, n) >> 32n)
}

decides('a draw is a pure function of seed, rule and n', async () => {
  const anyN = fc.bigInt({ min: 1n, max: 2n ** 63n })
  const property = fc.asyncProperty(u64, aSlot, anyN, async (seed, slot, n) => {
    const draw = expectedDraw(seed, slot, n)
    assert.equal(Number(await driver.ask(`draw ${seed} ${slot} ${n} 1`)), draw)
    await setRule(driver, { rate: 50 })
    await driver.ask(`matched ${n - 1n}`)
    const { fires } = await calls(driver, { seed, slot, count: 1 })
    assert.equal(fires, draw < 2 ** 31 ? '1' : '0')
  })
  await fc.assert(property, { numRuns: 500 })
})

decides(
  'which calls fire does not depend on how they are grouped, nor on other calls',
  async () => {
    const groups = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 })
    const property = fc.asyncProperty(u64, aSlot, groups, async (seed, slot, sizes) => {
      const count = sizes.reduce((sum, size) => sum + size, 0)
      await setRule(driver, { rate: 50 })
      const whole = await calls(driver, { slot, seed, count })
      await setRule(driver, { rate: 50 })
      let pieces = ''
      for (const size of sizes) {
        pieces += (await calls(driver, { slot, seed, count: size })).fires
        await calls(driver, { slot, seed, count: size, predicates: 0 })
      }
      assert.equal(pieces, whole.fires)
      await setRule(driver, { rate: 50 })
      const other = await calls(driver, { slot, seed: seed ^ 1n, count: 200 })
      assert.notEqual(
        other.fires.slice(0, 200),
        (await calls(driver, { slot, seed, count: 200 })).fires,
      )
    })
    await fc.assert(property, { numRuns: 60 })
  },
)

/** strace's words for when=, as a list instead of arithmetic. */
function whenOracle({ first, last, step }: When, count: number): string {
  const eligible = new Set<number>()
  for (let n = first; n <= Math.min(last, count); n += step) eligible.add(n)
  return Array.from({ length: count }, (_, i) => (eligible.has(i + 1) ? '1' : '0')).join('')
}

const small = fc.integer({ min: 1, max: 30 })
const infinity = fc.constant(Number.POSITIVE_INFINITY)
const aWhen: fc.Arbitrary<When> = fc.oneof(
  small.map((first) => ({ first, last: first, step: 1 })), // F
  fc.record({ first: small, last: infinity, step: fc.constant(1) }), // F+
  fc.record({ first: small, last: infinity, step: small }), // F+S
  fc.record({ first: small, more: small, step: fc.constant(1) }).map(toRange), // F..L
  fc.record({ first: small, more: small, step: small }).map(toRange), // F..L+S
)

function toRange({ first, more, step }: { first: number; more: number; step: number }): When {
  return { first, last: first + more - 1, step }
}

decides('when= chooses the occurrences that strace would', async () => {
  const property = fc.asyncProperty(aWhen, async (when) => {
    await setRule(driver, { when })
    const { fires, matched } = await calls(driver, { count: 70 })
    assert.equal(fires, whenOracle(when, 70))
    assert.equal(matched, 70)
  })
  await fc.assert(property, { numRuns: 400 })
})

decides('when= goes on past 2^32 matches', async () => {
  const at = async (when: When, already: bigint) => {
    await setRule(driver, { when })
    assert.equal(await driver.ask(`matched ${already}`), 'ok')
    return (await calls(driver, { count: 6 })).fires
  }
  const open = { ...everyTime, first: 2 }
  assert.equal(await at(open, 2n ** 32n - 4n), '111111')
  assert.equal(await at(open, 2n ** 40n), '111111')
  // n = 2^32 + 1 ... 2^32 + 6; those with (n - 1) % 3 == 0 are 2^32 + 3 and 2^32 + 6.
  assert.equal(await at({ ...everyTime, step: 3 }, 2n ** 32n), '001001')
  assert.equal(await at({ first: 1, last: 2 ** 32 - 2, step: 1 }, 2n ** 32n - 5n), '111000')
  assert.equal(await at({ first: 1, last: 2, step: 1 }, 2n ** 32n), '000000')
  assert.equal(
    await at({ first: 2 ** 32 - 2, last: 2 ** 32 - 2, step: 1 }, 2n ** 32n - 5n),
    '001000',
  )
})

decides('times= is a limit on what fires, not on what matches', async () => {
  const property = fc.asyncProperty(
    aWhen,
    fc.constantFrom(30, 70, 100),
    fc.integer({ min: 1, max: 12 }),
    u64,
    async (when, rate, times, seed) => {
      await setRule(driver, { when, rate })
      const unlimited = (await calls(driver, { seed, count: 70 })).fires
      await setRule(driver, { when, rate, times })
      const limited = await calls(driver, { seed, count: 70 })
      let left = times
      const expected = unlimited.replace(/1/g, () => (left-- > 0 ? '1' : '0'))
      assert.equal(limited.fires, expected)
      assert.equal(limited.fired, expected.replaceAll('0', '').length)
      assert.equal(limited.matched, 70)
    },
  )
  await fc.assert(property, { numRuns: 200 })
})

decides('times= is a limit as well where it is a large one', async () => {
  // Around TURN_TIMES_MAX of bpf/rule.h, where the counting changes.
  for (const times of [2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1]) {
    await setRule(driver, { times })
    const { fires, fired, matched } = await calls(driver, { count: times + 3 })
    assert.ok(fires === `${'1'.repeat(times)}000`, `${times} times`)
    assert.deepEqual([fired, matched], [times, times + 3])
  }
})

decides('calls that do not match are seen and nothing else', async () => {
  await setRule(driver, { when: { first: 2, last: 2, step: 1 }, afterNs: 1000n })
  const unmatched = await calls(driver, { count: 5, predicates: 0, age: 5000n })
  assert.deepEqual(unmatched, { fires: '00000', n: 0, seen: 5, matched: 0, fired: 0 })
  const early = await calls(driver, { count: 5, age: 999n })
  assert.deepEqual(early, { fires: '00000', n: 0, seen: 10, matched: 0, fired: 0 })
  const late = await calls(driver, { count: 3, age: 1000n })
  assert.deepEqual(late, { fires: '010', n: 3, seen: 13, matched: 3, fired: 1 })
})

decides('scope=process: each process counts on its own, the totals are of all', async () => {
  const property = fc.asyncProperty(
    aWhen,
    fc.integer({ min: 0, max: 5 }),
    fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 60 }),
    async (when, times, order) => {
      await setRule(driver, { when, times })
      const expected = new Map<number, { n: number; fired: number }>()
      let total = { fires: '', n: 0, seen: 0, matched: 0, fired: 0 }
      let fired = 0
      for (const scope of order) {
        const state = expected.get(scope) ?? { n: 0, fired: 0 }
        expected.set(scope, state)
        state.n++
        const chosen = whenOracle(when, state.n).at(-1) === '1'
        const fires = chosen && (times === 0 || state.fired < times)
        if (fires) state.fired++
        fired += fires ? 1 : 0
        total = await calls(driver, { scope, count: 1 })
        assert.deepEqual([total.fires, total.n], [fires ? '1' : '0', state.n])
      }
      const { seen, matched } = total
      const all = { seen: order.length, matched: order.length, fired }
      assert.deepEqual({ seen, matched, fired: total.fired }, all)
    },
  )
  await fc.assert(property, { numRuns: 60 })
})

async function checkThreads(threaded: Driver, times: number, rate: number, count: number) {
  await setRule(threaded, { rate })
  const serial = await calls(threaded, { seed: 9n, count: 4 * count })
  await setRule(threaded, { rate, times })
  const answer = await threaded.ask(`threads 0 9 4 ${count}`)
  const [fires = '', twice, matched, fired] = answer.split(' ')
  assert.equal(Number(twice), 0, 'an n was given twice')
  assert.equal(Number(matched), 4 * count)
  assert.equal(Number(fired), fires.replaceAll('0', '').length)
  let left = times || Number.POSITIVE_INFINITY
  const first = serial.fires.replaceAll('1', () => (left-- > 0 ? '1' : '0'))
  // Nobody is pushed aside TURN_TRIES times in a row: a chance of 2^-32 where each second attempt fails.
  assert.ok(fires === first, `threads change which n fire of ${times} times at ${rate} %`)
}

decides('four threads: no n twice, and those fire that would one by one', async () => {
  for (const rate of [100, 50])
    for (const times of [0, 1, 1000, 10_000_000]) await checkThreads(driver, times, rate, 25_000)
})

decides('four threads under the thread sanitizer', async (t) => {
  const threaded = new Driver(compileC('bpf/decide.c', ['-pthread', '-fsanitize=thread']), {
    TSAN_OPTIONS: 'halt_on_error=1',
  })
  t.after(() => threaded.end())
  for (const times of [0, 100]) await checkThreads(threaded, times, 50, 5_000)
})

const names = ['EPERM', 'ENOENT', 'ESRCH', 'EINTR', 'EIO', 'ENXIO', 'E2BIG', 'ENOEXEC']
const anErrno = fc
  .array(fc.integer({ min: 1, max: names.length }), { minLength: 1, maxLength: names.length })
  .map((numbers): Outcome & { kind: 'errno' } => {
    const [first, ...others] = numbers.map((errno) => ({ name: names[errno - 1]!, errno }))
    return { kind: 'errno', ...first!, others }
  })
const day = 86_400_000_000_000n
const aPause = fc
  .tuple(fc.bigInt({ min: 0n, max: day }), fc.bigInt({ min: 1n, max: day }))
  .map(([ns, toNs]) => (ns < toNs ? { ns, toNs } : { ns: toNs, toNs: ns }))
const severalOutcomes = fc
  .tuple(aPause, anErrno, aPause)
  .map(([enter, error, exit]): Outcome & { kind: 'combined' } => ({
    kind: 'combined',
    parts: [{ kind: 'delay', ...enter }, error, { kind: 'delay-exit', ...exit }],
  }))

decides(
  'for= is a window that opens at the start or at the end of after=, and its end is outside',
  async () => {
    for (const [keys, ages] of [
      [
        { forNs: 1000n },
        [
          [0n, '1'],
          [999n, '1'],
          [1000n, '0'],
          [2n ** 64n - 1n, '0'],
        ],
      ],
      [
        { afterNs: 50n, forNs: 1n },
        [
          [0n, '0'],
          [49n, '0'],
          [50n, '1'],
          [51n, '0'],
        ],
      ],
    ] as const) {
      await setRule(driver, keys)
      for (const [age, fires] of ages)
        assert.equal((await calls(driver, { age, count: 1 })).fires, fires, `${age}`)
      // Outside of it a call does not match, and counts for no when=.
      assert.equal(
        (await calls(driver, { age: 2n ** 63n, count: 1 })).matched,
        ages.filter(([, f]) => f === '1').length,
      )
    }
  },
)

decides('what the log says was drawn is what was drawn, and within its range', async () => {
  const property = fc.asyncProperty(
    severalOutcomes,
    u64,
    aSlot,
    fc.bigInt({ min: 1n, max: 2n ** 44n }),
    async (outcome, seed, slot, first) => {
      await setRule(driver, { outcome })
      const effects = (await driver.ask(`effects ${seed} ${slot} ${first} 20`)).split(' ')
      const expected = effects.map((_, at) => {
        const one = drawnOutcome(outcome, () => drawsOf(seed, slot, first + BigInt(at)))
        const [enter, error, exit] = partsOf(one)
        assert.ok(enter && 'ns' in enter && exit && 'ns' in exit && error?.kind === 'errno')
        for (const [{ ns }, from] of [
          [enter, outcome.parts[0]],
          [exit, outcome.parts[2]],
        ] as const)
          assert.ok(from && 'ns' in from && ns >= from.ns && ns <= from.toNs!, `${ns}`)
        return `${enter.ns}/${error.errno}/${exit.ns}`
      })
      assert.deepEqual(effects, expected)
    },
  )
  await fc.assert(property, { numRuns: 300 })
})

decides('draws are even, and tell nothing of each other nor of the chance to fire', async () => {
  const tries = 40_000
  const errors = [1, 2, 3, 4].map((errno) => ({ name: names[errno - 1]!, errno }))
  const fails: Outcome & { kind: 'errno' } = {
    kind: 'errno',
    ...errors[0]!,
    others: errors.slice(1),
  }
  await setRule(driver, {
    outcome: {
      kind: 'combined',
      parts: [
        { kind: 'delay', ns: 1000n, toNs: 1999n },
        fails,
        { kind: 'delay-exit', ns: 1000n, toNs: 1999n },
      ],
    },
  })
  const draws = (await driver.ask(`draw 7 3 1 ${tries}`)).split(' ').map(Number)
  const effects = (await driver.ask(`effects 7 3 1 ${tries}`))
    .split(' ')
    .map((text) => text.split('/').map(Number) as [number, number, number])
  for (let errno = 1; errno <= 4; errno++)
    for (let quarter = 0; quarter < 4; quarter++) {
      const delayed = (delay: number) => Math.floor((delay - 1000) / 250) === quarter
      const chanced = (at: number) => Math.floor(draws[at]! / 2 ** 30) === quarter
      const both = effects.filter(([delay, error]) => error === errno && delayed(delay)).length
      assertFair(both, tries, 1 / 16, `error ${errno} and delays of quarter ${quarter}`)
      const rated = effects.filter(([, error], at) => error === errno && chanced(at)).length
      assertFair(rated, tries, 1 / 16, `error ${errno} and chances of quarter ${quarter}`)
      const late = effects.filter(
        ([delay], at) => Math.floor((delay - 1000) / 250) === errno - 1 && chanced(at),
      ).length
      assertFair(late, tries, 1 / 16, `delays and chances, ${errno} and ${quarter}`)
    }
})

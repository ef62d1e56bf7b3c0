/** Rules for some processes only: by name, inherited or not, over forks, threads and execs of every kind. */
import { type Case, caseIn } from '../case.ts'
import { EIO, ENOENT, EPERM, type Fault } from '../fault.ts'
import { calls, type Place, type Program, type Step, steps } from '../steps.ts'

const named = caseIn('targets')
const inherited = caseIn('inheritance')

const fsync = (rest: Partial<Fault>): Fault => ({ set: 'fsync', outcome: ENOENT, ...rest })
const dup = (rest: Partial<Fault>): Fault => ({ set: 'dup', outcome: EIO, ...rest })
const called = (as: string): Program => ({ ...steps, as })
const run = (as: string, ...inner: Step[]): Step => ({
  do: 'run',
  program: called(as),
  steps: inner,
})
const inside = (place: Place, ...inner: Step[]): Step => ({ do: 'in', place, steps: inner })
const many = (width: number, place: 'fork' | 'thread', ...inner: Step[]): Step => ({
  do: 'many',
  ...{ width, place, steps: inner },
})

const long = 'a-name-of-more-than-fifteen-bytes'
/** Its first 15 bytes, which is all that the kernel keeps of it: a program of its own. */
const short = long.slice(0, 15)

export const targets: readonly Case[] = [
  named(
    'only the program of the name',
    [fsync({ targets: ['victim'] })],
    [
      calls('fsync', 2),
      run('victim', calls('fsync', 5), calls('dup', 2)),
      run('bystander', calls('fsync', 5)),
      run('victi', calls('fsync', 3)),
      run('victims', calls('fsync', 3)),
      calls('fsync', 2),
    ],
    { quick: true },
  ),
  named(
    'the command itself',
    [fsync({ targets: ['command'] }), fsync({ targets: ['other'], outcome: EPERM })],
    [calls('fsync', 4)],
    { program: called('command') },
  ),
  named(
    'a rule for nobody here',
    [fsync({ targets: ['nobody-is-called-so'] })],
    [calls('fsync', 4), run('victim', calls('fsync', 4))],
    { summary: /never fired: .*processe?s? named / },
  ),
  named(
    'long names to the letter',
    [fsync({ targets: [long] })],
    [
      run(long, calls('fsync', 4)),
      run(short, calls('fsync', 4)),
      run(`${long}2`, calls('fsync', 4)),
    ],
    { quick: true },
  ),
  named(
    'a pattern',
    [fsync({ targets: ['a-name-of-more-than*'] }), dup({ targets: ['v*', 'w*'] })],
    [
      run(long, calls('fsync', 4), calls('dup', 1)),
      run('another', calls('fsync', 4), calls('dup', 1)),
      run('victim', calls('fsync', 4), calls('dup', 1)),
      run('w', calls('dup', 3)),
    ],
  ),
  named(
    'several targets of one rule, several rules for one target',
    [
      fsync({ targets: ['one', 'two'], times: 2 }),
      fsync({ targets: ['two', 'three'], outcome: EPERM, when: '2+2' }),
      fsync({ outcome: EIO, when: '1+3' }),
    ],
    [
      run('one', calls('fsync', 5)),
      run('two', calls('fsync', 5)),
      run('three', calls('fsync', 5)),
      run('four', calls('fsync', 5)),
      calls('fsync', 5),
    ],
    { quick: true },
  ),
  named(
    'only the calls of targets are counted and drawn for',
    [fsync({ targets: ['victim'], rate: '40', when: '2+' })],
    [
      calls('fsync', 7),
      run('victim', calls('fsync', 30)),
      run('bystander', calls('fsync', 9)),
      run('victim', calls('fsync', 30)),
    ],
    { seed: 41n },
  ),
  named(
    'in each process on its own',
    [fsync({ targets: ['victim'], scope: 'process', when: '2..3' })],
    [run('victim', calls('fsync', 5), inside('fork', calls('fsync', 5))), calls('fsync', 5)],
  ),
  named(
    'static programs',
    [fsync({ targets: ['static-victim'] })],
    [
      {
        do: 'run',
        program: { ...called('static-victim'), link: 'static', defines: ['STATIC'] },
        steps: [calls('fsync', 3), inside('fork', calls('fsync', 2))],
      },
      calls('fsync', 3),
    ],
    { needs: ['cc-static'] },
  ),
  named(
    'a storm: each of the name is hit, none of the others',
    [fsync({ targets: ['victim'] })],
    [many(40, 'fork', run('victim', calls('fsync', 3)), run('bystander', calls('fsync', 3)))],
    { order: 'lines', quick: true },
  ),
  ...([undefined, false] as const).flatMap((inherit) => {
    const rule = (rest: Partial<Fault> = {}) =>
      fsync({ targets: ['parent'], ...(inherit === false && { inherit }), ...rest })
    const how = inherit === false ? 'not inherited' : 'inherited'
    return [
      inherited(
        `${how}: threads, forks, and what they start`,
        [rule()],
        [
          run(
            'parent',
            ...[calls('fsync', 2), inside('thread', calls('fsync', 2))],
            inside('fork', calls('fsync', 2), inside('fork', calls('fsync', 2))),
            inside('fork', inside('thread', calls('fsync', 2))),
            run('child', calls('fsync', 2), run('grandchild', calls('fsync', 2))),
            calls('fsync', 2),
          ),
          calls('fsync', 2),
        ],
        { quick: true },
      ),
      inherited(
        `${how}: the same program again by vfork, posix_spawn and along PATH`,
        [rule()],
        [
          run(
            'parent',
            ...(['vfork', 'spawn', 'search'] as const).map((place) =>
              inside(place, calls('fsync', 2), inside('fork', calls('fsync', 2))),
            ),
          ),
          inside('spawn', calls('fsync', 2)),
        ],
      ),
      inherited(
        `${how}: over execs of the main thread, of another, through sh and env`,
        [rule()],
        [
          run(
            'parent',
            run(
              'child',
              ...[calls('fsync', 2), { do: 'exec' } as const, calls('fsync', 2)],
              ...[{ do: 'texec' } as const, calls('fsync', 2), inside('fork', calls('fsync', 2))],
            ),
            ...[calls('fsync', 2), { do: 'shexec' } as const, calls('fsync', 2)],
            ...[{ do: 'texec' } as const, calls('fsync', 2), run('child', calls('fsync', 2))],
          ),
          calls('fsync', 2),
        ],
        { quick: true },
      ),
      inherited(
        `${how}: a storm of forks`,
        [rule({ rate: '50' })],
        [run('parent', many(40, 'fork', calls('fsync', 3), inside('fork', calls('fsync', 2))))],
        { order: 'calls', seed: 43n },
      ),
    ]
  }),
]

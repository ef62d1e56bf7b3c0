/** Which programs: however they are linked or started; their loaders are not faulted. */
import { type Case, caseIn } from '../case.ts'
import { EIO, type Fault } from '../fault.ts'
import { opens, type Program, type Step } from '../steps.ts'

const loader = caseIn('loader')
const foreign = caseIn('programs')

const openat = (rest: Partial<Fault> = {}): Fault => ({ set: 'openat', outcome: EIO, ...rest })

const pie: Program = { fixture: 'steps' }
const noPie: Program = { fixture: 'steps', link: 'no-pie' }
const fixed: Program = { fixture: 'steps', link: 'static', defines: ['STATIC'] }
const staticPie: Program = { fixture: 'steps', link: 'static-pie', defines: ['STATIC'] }
const links = [pie, noPie, fixed, staticPie]
const raw: Program = { fixture: 'raw', link: 'no-libc' }
const raw32: Program = { fixture: 'raw', link: 'no-libc-32-bit' }
const library: Program = { fixture: 'constructor', link: 'shared' }

const constructs = (program: Program): Program => ({
  ...program,
  defines: [...(program.defines ?? []), 'CONSTRUCTOR'],
})
const run = (program: Program, ...steps: Step[]): Step => ({ do: 'run', program, steps })

/** The first program has no loader, so that only those that it starts do. */
const rest = { program: fixed, needs: ['cc-static'], strace: false } as const

const ofLibrary: Fault['path'] = { glob: '*/constructor-shared-*', matches: ['LIBRARY'] }
const etc: Fault['path'] = { glob: '/etc/passwd', matches: ['/etc/passwd'] }
const group = { ...opens(1, '/etc/group'), natural: 3n }
const passwd = { ...opens(1, '/etc/passwd'), natural: 3n }

export const programs: readonly Case[] = [
  loader(
    'programs fail from their own first call on, however they are linked',
    [openat()],
    links.map((program) => run(program, opens(2))),
    { ...rest, quick: true },
  ),
  loader(
    'and not at 0%',
    [openat({ rate: '0' })],
    links.map((program) => run(program, opens(2))),
    rest,
  ),
  loader(
    'a program’s own constructors are the program’s doing',
    [openat()],
    links.map((program) => ({ ...run(constructs(program), opens(2)), first: [opens(1)] })),
    { ...rest, quick: true },
  ),
  loader(
    'the interpreter of a script',
    [openat()],
    [run({ ...pie, script: true }, opens(2)), run({ ...fixed, script: true }, opens(2)), opens(1)],
    { ...rest, quick: true },
  ),
  loader(
    'an exec chain: each program’s loader is left alone',
    [openat({ when: '2+' })],
    [
      opens(2),
      { do: 'exec' },
      opens(2),
      run(pie, opens(1), { do: 'texec' }, opens(1), { do: 'exec' }, opens(1)),
    ],
    { ...rest, quick: true },
  ),
  loader(
    'a library that the program loads later is its own doing',
    [openat({ path: ofLibrary })],
    [{ do: 'dlopen', library }, opens(1)],
    { ...rest, program: pie, needs: [], more: 'seen', quick: true },
  ),
  loader(
    'a library loads at 0%',
    [openat({ path: ofLibrary, rate: '0' })],
    [{ do: 'dlopen', library }, opens(1)],
    { ...rest, program: pie, needs: [], more: 'seen' },
  ),
  loader(
    '--include-loader: those that have one do not start',
    [openat()],
    [
      ...[pie, noPie].map((program) => other(program, 127)),
      ...[fixed, staticPie].map((program) => run(program, opens(2))),
    ],
    { ...rest, options: ['--include-loader'], more: 'all', quick: true },
  ),
  foreign(
    'raw system calls without a C library',
    [openat({ path: etc, when: '2..4' })],
    [
      { do: 'other', program: raw, words: ['/etc/passwd'], calls: [passwd] },
      { do: 'other', program: raw, words: ['/etc/passwd'], calls: [passwd] },
      { do: 'other', program: raw, words: ['/etc/group'], calls: [group] },
      { do: 'other', program: raw, words: ['/etc/passwd'], calls: [passwd] },
    ],
    { ...rest, quick: true },
  ),
  foreign('a program without a C library, as the command itself', [openat({ rate: '0' })], [], {
    program: raw,
    strace: false,
    notSummary: /32-bit/,
  }),
  foreign(
    '32-bit programs are told of, and go on',
    [openat({ set: 'openat+read' })],
    [
      {
        ...{ do: 'other', words: ['/etc/passwd', '/etc/group'], calls: [] },
        program: raw32,
      },
      opens(1),
    ],
    {
      ...{ ...rest, needs: ['cc-static', 'cc-32-bit'], foreign: raw32 },
      ...{ summary: /32-bit/, quick: true },
    },
  ),
]

function other(program: Program, status: number): Step {
  return { do: 'other', program, words: ['1 openat -100 :/nowhere 0'], calls: [], status }
}

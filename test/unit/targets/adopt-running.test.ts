/** Running targets are put into the table while processes exec, fork and end, which a test makes up. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { Rule } from '../../../src/rules/rule.ts'
import { adoptRunning } from '../../../src/targets/adopt-running.ts'
import type { ProcessInfo } from '../../../src/targets/process-info.ts'
import type { TargetEntry } from '../../../src/targets/target.ts'

const rule: Rule = {
  ...{ kind: 'drop-net', label: 'x', source: 'x', direction: 'out', rate: 100, afterNs: 0n },
  ...{ when: { first: 1, last: Number.POSITIVE_INFINITY, step: 1 }, times: 0 },
  targets: [{ kind: 'name', name: 'hit' }],
}

function aProcess(pid: number, name: string, parent = 1): ProcessInfo {
  return {
    ...{ pid, parent, birth: BigInt(pid), comm: name, names: new Set([name]), uid: 0 },
    ...{ cgroup: '/', gainedPrivileges: false },
  }
}

/**
 * What happens to the table, in order, as the looks find these processes.
 *
 * @param changed pids to which something has happened since the look that found them
 */
async function happening(
  looks: readonly (readonly ProcessInfo[])[],
  changed: readonly (readonly number[])[] = [],
): Promise<string[]> {
  const done: string[] = []
  const pids = (targets: readonly TargetEntry[]) => targets.map(({ pid }) => pid).join()
  let look = -1
  const next = async () => {
    look += 1
    return [...(looks[look] ?? looks.at(-1)!)]
  }
  await adoptRunning(
    {
      firstRow: 0,
      addFirst: (targets) => done.push(`first ${pids(targets)}`),
      follow: () => done.push('follow'),
      addAll: (targets) => targets.length > 0 && done.push(`add ${pids(targets)}`),
      forget: ({ pid }) => done.push(`forget ${pid}`),
      spare: () => {},
    },
    {
      look: next,
      lookAgain: next,
      unchanged: () => {
        const now = changed[look] ?? []
        return ({ pid }) => !now.includes(pid)
      },
    },
    [rule],
    { never: new Set(), includeSetuid: true },
    async ({ pid }) => {
      done.push(`adopt ${pid}`)
    },
  )
  return done
}

const [target, other] = [aProcess(10, 'hit'), aProcess(11, 'miss')]

test('targets that run are put in before the set follows any', async () => {
  assert.deepEqual(await happening([[target, other]]), ['first 10', 'follow', 'adopt 10'])
})

test('a target that execs something else meanwhile is forgotten', async () => {
  const after = [aProcess(10, 'miss'), other]
  const expected = ['first 10', 'follow', 'forget 10']
  assert.deepEqual(await happening([[target, other], after], [[10]]), expected)
})

test('a process that becomes a target meanwhile is added, and so is a child that a target forks', async () => {
  const child = aProcess(12, 'child', 10)
  const looks = [
    [target, other],
    [target, aProcess(11, 'hit'), child],
  ]
  const expected = ['first 10', 'follow', 'adopt 10', 'add 11,12', 'adopt 11', 'adopt 12']
  assert.deepEqual(await happening(looks), expected)
})

test('where none runs, the set follows all the same, and one that begins meanwhile is found', async () => {
  const expected = ['first ', 'follow', 'add 10', 'adopt 10']
  assert.deepEqual(await happening([[other], [target, other]]), expected)
})

/** What the cgroup engine attaches to the target's own cgroup, or to the root of all. */
import { closeSync } from 'node:fs'
import { attachToFolder, cgroupOfTargets, isCgroupProgram } from './cgroup-programs.ts'
import { interfaceOf } from './settings.ts'
import type { NetworkEngine } from './start.ts'

export const hooks: NetworkEngine = {
  name: 'cgroup',
  all: ['mb_tag_socket', 'mb_drop_in', 'mb_connect4', 'mb_connect6'],
  needsOf(rules, indices) {
    const isRefusal = (index: number) => rules[index]?.kind === 'refuse-net'
    const refuse = indices.filter(isRefusal)
    const dropIn = indices.filter((index) => !isRefusal(index))
    // A connection is its caller's, a packet its socket's.
    const tagging = dropIn.some((index) => rules[index]?.targets !== undefined)
    // An interface's index is another's in another network namespace, so sockets of those get a tag, too.
    const bound = dropIn.some((index) => interfaceOf(rules[index]) !== undefined)
    return {
      rules: { dropOut: [], dropIn, refuse },
      programs: [
        ...(tagging || bound ? (['mb_tag_socket'] as const) : []),
        ...(dropIn.length > 0 ? (['mb_drop_in'] as const) : []),
        ...(refuse.length > 0 ? (['mb_connect4', 'mb_connect6'] as const) : []),
      ],
      tagging,
      interfaces: new Set(),
    }
  },
  programsFor({ programs }, context, network) {
    const links: number[] = []
    return {
      async attach() {
        const folder = cgroupOfTargets(context)
        for (const program of programs.filter(isCgroupProgram))
          links.push(await attachToFolder(folder, network, program))
      },
      async detach() {
        for (const link of links.splice(0)) closeSync(link)
      },
    }
  },
}

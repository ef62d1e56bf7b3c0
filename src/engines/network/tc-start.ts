/** What the tc engine attaches: a program at the egress side of interfaces, and one that tags sockets. */
import { closeSync } from 'node:fs'
import { attachToFolder, cgroupOfTargets } from './cgroup-programs.ts'
import { interfaceOf } from './settings.ts'
import type { NetworkEngine } from './start.ts'

export const egress: NetworkEngine = {
  name: 'tc',
  all: ['mb_drop_out', 'mb_drop_port', 'mb_tag_socket'],
  needsOf(rules, indices) {
    const interfaces = new Set(indices.map((index) => interfaceOf(rules[index])))
    return {
      rules: { dropOut: indices, dropIn: [], refuse: [] },
      programs: [
        'mb_drop_out',
        // A port of which a rule has the name, while others are for all interfaces.
        ...(interfaces.has(undefined) && interfaces.size > 1 ? (['mb_drop_port'] as const) : []),
        'mb_tag_socket',
      ],
      // Without targets it reports what is out of reach.
      tagging: indices.some((index) => rules[index]?.targets !== undefined),
      interfaces,
    }
  },
  programsFor({ interfaces }, context, network) {
    const forAll = interfaces.has(undefined)
    const attachments = network.egress(({ name, master }) => {
      if (master !== 0 && forAll)
        return interfaces.has(name) ? network.program('mb_drop_port') : undefined
      return forAll || interfaces.has(name) ? network.program('mb_drop_out') : undefined
    })
    let tagger = -1
    return {
      update: (all, deleted) => attachments.update(all, deleted),
      async attach() {
        tagger = await attachToFolder(cgroupOfTargets(context), network, 'mb_tag_socket')
      },
      async detach() {
        if (tagger >= 0) closeSync(tagger)
        tagger = -1
        await network.detachEgress()
      },
    }
  },
}

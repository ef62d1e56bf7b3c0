/** Structures of bpf/process.bpf.h. */
import { struct } from '../kernel/bpf/struct.ts'
import { RULE_SET_SIZE } from '../rules/encode.ts'
import { numberStruct } from './groups.ts'
import { TARGET_NAME_MAX } from './limits.ts'

export const processStructs = {
  settings: struct({ own: 'u32', tree: 'u32', spares: 'u32', globs: 'u32' }),
  session: struct({ cgroup: 'u64', level: 'u32', padding: 'u32' }),
  side: struct({
    active: 'u32',
    globs: 'u32',
    uids: 'u32',
    cgroups: 'u32',
    untracked: 'u64',
    spared: 'u64',
    inherited: RULE_SET_SIZE,
    everyone: RULE_SET_SIZE,
  }),
  name: struct({ side: 'u64', text: TARGET_NAME_MAX }),
  number: numberStruct,
}

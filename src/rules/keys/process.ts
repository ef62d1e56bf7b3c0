/** process=GLOB, once or several times: only processes of such a name, and what they start. `targets` of configuration files can say more. */
import { parseTargetName, type Target } from '../target.ts'
import { everyFault, type Key } from './key.ts'

export interface ProcessKey {
  /** Any of these, and what they start; absent: every process of the tree (exec only). Never empty. */
  readonly targets?: readonly Target[]
}

export const process: Key<ProcessKey> = {
  name: 'process',
  several: true,
  faults: everyFault,
  narrows: true,
  brief: 'process=GLOB',
  field: {
    type: 'number or text',
    is: 'the name of a program, a glob, or a list of them',
    about: 'The same as targets with a process_name each',
    examples: ['curl', 'python*', ['curl', 'wget']],
  },
  read: (value, { textOf }, others) =>
    value
      ? {
          targets: [value, ...others].map((each) => ({
            kind: 'name',
            name: parseTargetName(each, 'process=', textOf(each)),
          })),
        }
      : {},
}

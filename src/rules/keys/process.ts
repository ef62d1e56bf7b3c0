/** process=GLOB: only processes of such a name, and what they start. `targets` of configuration files can say more. */
import { parseTargetName, type Target } from '../target.ts'
import { everyFault, type Key } from './key.ts'

export interface ProcessKey {
  /** Any of these, and what they start; left out: every process of the tree (exec only). Never empty. */
  readonly targets?: readonly Target[]
}

export const process: Key<ProcessKey> = {
  name: 'process',
  faults: everyFault,
  narrows: true,
  brief: 'process=GLOB',
  field: {
    type: 'number or text',
    is: 'the name of a program, or a glob',
    about: 'The same as targets with one process_name',
    examples: ['curl', 'python*'],
  },
  read: (value, { textOf }) =>
    value
      ? { targets: [{ kind: 'name', name: parseTargetName(value, 'process=', textOf(value)) }] }
      : {},
}

/**
 * What a configuration file may hold: its keys and the types of their values. What the values mean is the grammar's to
 * say (src/rules/). docs/minderbinder.schema.json is made of this.
 */
import * as z from 'zod/mini'
import { type AnyKey, isOfEveryFault, keysOf } from '../rules/keys/index.ts'
import { outcomeKinds } from '../rules/outcomes/index.ts'
import type { Rule } from '../rules/rule.ts'
import { listNames } from '../rules/words/lists.ts'

/** For editors, which show it at the key. */
function about<Schema extends z.ZodMiniType>(
  schema: Schema,
  description: string,
  more: Record<string, unknown> = {},
): Schema {
  z.globalRegistry.add(schema, { description, ...more })
  return schema
}

/** A number or a text: `must be` completes the error. */
function scalar(mustBe: string) {
  return z.union([z.string(), z.number()], mustBe)
}

function list<Item extends z.ZodMiniType>(item: Item) {
  return z.array(item, 'a list, with a - before each item')
}

/** The fields of keys that are written as on the command line, by name. */
function fieldsOf(keys: readonly AnyKey[]): Record<string, z.ZodMiniType> {
  return Object.fromEntries(
    keys.flatMap(({ name, field, several, values }) => {
      if (!field) return []
      const { type, is, about: description, examples } = field
      const types = { number: () => z.number(is), text: () => z.string(is) }
      const one = type === 'number or text' ? scalar(is) : types[type]()
      const schema = several ? z.union([one, z.array(one)], is) : one
      const more = { ...(values && { enum: values }), ...(examples && { examples }) }
      return [[name, z.optional(about(schema as z.ZodMiniType, description, more))]]
    }),
  )
}

/** Of the keys that not every fault has. */
function ownFields(kind: Rule['kind']) {
  return fieldsOf(keysOf(kind).filter((key) => !isOfEveryFault(key)))
}

const { name: nameField, ...everyField } = fieldsOf(keysOf('syscall').filter(isOfEveryFault))

export const targetKinds = ['process_name', 'pid', 'uid', 'cgroup'] as const

const target = about(
  z.strictObject(
    {
      process_name: z.optional(
        about(
          scalar('a name'),
          "Compared with a process's comm, and with the base name of its argv[0], of its executable and, of a script, of the script. A glob if it has one of * ? [",
        ),
      ),
      pid: z.optional(about(z.number('a whole number'), 'A process that runs already')),
      uid: z.optional(about(z.number('a whole number'), 'Real user id')),
      cgroup: z.optional(
        about(
          z.string('a path'),
          'Path of a cgroup below the root of the cgroup v2 hierarchy, with all cgroups below it',
          { pattern: '^/' },
        ),
      ),
    },
    { error: 'one of process_name, pid, uid and cgroup' },
  ),
  'Which processes: one of the four',
  { minProperties: 1, maxProperties: 1 },
)

const common = {
  name: nameField!,
  targets: z.optional(
    about(list(target), 'The rule applies to processes that match any of these (default: all)', {
      minItems: 1,
    }),
  ),
  inherit: z.optional(
    about(
      z.boolean('true or false'),
      'Whether the rule also applies to what its targets start (default: true)',
    ),
  ),
  failure_rate: z.optional(
    about(scalar('a number, in percent'), 'In percent, 0 to 100, decimals allowed (default: 100)', {
      examples: [100, 12.5, '50%'],
    }),
  ),
  delay_ms: z.optional(
    about(
      z.number('a number, in milliseconds'),
      'No fault in this many milliseconds after the process started',
    ),
  ),
  ...everyField,
}

const outcomeExamples = outcomeKinds.map(({ example }) => example)

const syscallRule = z.strictObject(
  {
    ...common,
    syscall: about(
      z.union([z.string(), z.array(z.string())], 'the name of a system call, or a list of them'),
      'System calls: names, %families and globs, as a list or joined by +',
      { examples: ['openat', 'open+openat', '%file', 'sched_*', ['read', 'write']] },
    ),
    ret_code: z.optional(
      about(
        scalar('an error, such as ENOENT or -2, or a value to return'),
        'Without being run the call fails with this error (ENOENT, or -1 to -4095), or returns this value (0 and more)',
        { examples: [-2, 'ENOENT', 0] },
      ),
    ),
    outcome: z.optional(
      about(
        scalar(`an outcome, such as ${listNames(outcomeExamples, 'or')}`),
        `What happens to the call, in place of ret_code: ${listNames(
          outcomeKinds.map(({ syntax }) => syntax),
          'or',
        )}`,
        { examples: outcomeExamples },
      ),
    ),
    ...ownFields('syscall'),
  },
  { error: 'a rule' },
)

const packets = { ...common, ...ownFields('drop-net') }

const outgoingRule = z.strictObject(
  {
    ...packets,
    outcome: z.optional(
      about(
        z.string('drop or refuse'),
        'drop: packets are lost silently. refuse: connect() fails with ECONNREFUSED (default: drop)',
        {
          enum: ['drop', 'refuse'],
        },
      ),
    ),
  },
  { error: 'a rule' },
)

const incomingRule = z.strictObject(
  {
    ...packets,
    outcome: z.optional(
      about(z.string('drop'), 'drop: packets are lost silently (default: drop)', {
        enum: ['drop'],
      }),
    ),
  },
  { error: 'a rule' },
)

/** May be left empty, to have all of its rules commented out. */
function section<Rule extends z.ZodMiniType>(rule: Rule, description: string) {
  return z.optional(about(z.nullable(list(rule)), description))
}

export const sections = {
  syscall: section(
    syscallRule,
    `System calls that ${listNames(
      outcomeKinds.map(({ gist }) => gist),
      'or',
    )}`,
  ),
  outgoing_network: section(
    outgoingRule,
    'Packets that are lost on their way out, and refused connections',
  ),
  incoming_network: section(incomingRule, 'Packets that are lost on their way in'),
}

export const configSchema = z.strictObject(
  {
    agents_of_chaos: about(
      z.strictObject(sections, {
        error: 'the lists syscall, outgoing_network and incoming_network',
      }),
      'What goes wrong. If several rules match, they are tried in order, and the first that fires wins',
    ),
  },
  { error: 'a map with the key agents_of_chaos' },
)

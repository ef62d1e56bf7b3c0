/** The schema of the configuration file for editors: docs/minderbinder.schema.json. */
import { toJSONSchema } from 'zod/v4/core'
import { configSchema } from './schema.ts'

export function jsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = toJSONSchema(configSchema)
  return {
    $schema,
    title: 'minderbinder',
    description: 'Configuration file of minderbinder: see minderbinder.yaml(5)',
    ...schema,
  }
}

// Writes docs/minderbinder.schema.json, which editors read, from the schema that checks configuration files.
import { writeFileSync } from 'node:fs'
import { jsonSchema } from '../src/config/json-schema.ts'

const file = new URL('../docs/minderbinder.schema.json', import.meta.url)
writeFileSync(file, `${JSON.stringify(jsonSchema(), null, 2)}\n`)

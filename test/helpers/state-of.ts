/** Prints what stateOf() says of the identities in its arguments (JSON), for a test that starts it somewhere else. */
import { stateOf } from '../../src/kernel/process/identity.ts'

const states = process.argv.slice(2).map((identity) => stateOf(JSON.parse(identity)))
process.stdout.write(JSON.stringify(states))

/**
 * The spelling that programs use for what a configuration file has: `{ outgoingNetwork: [{ protocol: 'TCP', destPort: 443,
 * failureRate: 100 }] }`. Pure.
 */
import { MinderbinderError } from '../errors.ts'

/** Names that the file has other words for, by their list. What goes out has its port at the other side. */
const otherNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  outgoing_network: { protocol: 'proto', dest_port: 'port', dest_address: 'to' },
}

/**
 * The same JSON value with the file's keys. Other values stay, but for the name of a protocol: the file has it in lower
 * case.
 *
 * @throws {MinderbinderError} MB_CONFIG: two spellings of one key
 */
export function asInFile(fault: unknown, names: Readonly<Record<string, string>> = {}): unknown {
  if (Array.isArray(fault)) return fault.map((each) => asInFile(each, names))
  if (typeof fault !== 'object' || fault === null) return fault
  const written = new Map<string, string>()
  const entries = Object.entries(fault).map(([name, value]) => {
    const key = keyInFile(name, names)
    const twin = written.get(key)
    if (twin !== undefined)
      throw new MinderbinderError(
        'MB_CONFIG',
        `${twin} and ${name} say the same: write one of them`,
      )
    written.set(key, name)
    return [key, name === 'protocol' ? inLowerCase(value) : asInFile(value, otherNames[key])]
  })
  return Object.fromEntries(entries)
}

function keyInFile(name: string, names: Readonly<Record<string, string>>): string {
  const key = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return names[key] ?? key
}

function inLowerCase(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value
}

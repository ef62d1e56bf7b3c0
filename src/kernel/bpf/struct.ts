/** Structures that a BPF program and node share: C's names of their fields, in C's order, and their places. Pure. */

/** A number, or how many bytes a structure in it has, which is aligned as u64. */
type Field = 'u32' | 'u64' | number
type Fields = Readonly<Record<string, Field>>

type Value<F extends Field> = F extends 'u32' ? number : F extends 'u64' ? bigint : Buffer
type Values<F extends Fields> = { readonly [Name in keyof F]: Value<F[Name]> }

export interface Struct<F extends Fields> {
  readonly size: number
  readonly offsets: { readonly [Name in keyof F]: number }
  /** Every field but `padding`. */
  encode(values: Omit<Values<F>, 'padding'>): Buffer
  /** Changes some fields of its bytes. */
  write(bytes: Buffer, values: Partial<Values<F>>): void
  read<Name extends keyof F>(bytes: Buffer, name: Name): Value<F[Name]>
}

const sizeOf = (field: Field) => (field === 'u32' ? 4 : field === 'u64' ? 8 : field)

export function struct<F extends Fields>(fields: F): Struct<F> {
  const offsets: Record<string, number> = {}
  let end = 0
  for (const [name, field] of Object.entries(fields)) {
    const alignment = field === 'u32' ? 4 : 8
    offsets[name] = Math.ceil(end / alignment) * alignment
    end = offsets[name] + sizeOf(field)
  }
  const size = Math.ceil(end / 8) * 8

  function write(bytes: Buffer, values: Partial<Values<F>>): void {
    for (const [name, value] of Object.entries(values)) {
      const at = offsets[name]!
      const field = fields[name]!
      if (field === 'u32') bytes.writeUInt32LE(value as number, at)
      else if (field === 'u64') bytes.writeBigUInt64LE(value as bigint, at)
      else if ((value as Buffer).length === field) (value as Buffer).copy(bytes, at)
      else throw new RangeError(`${name} has ${(value as Buffer).length} bytes of ${field}`)
    }
  }

  function read(bytes: Buffer, name: keyof F): number | bigint | Buffer {
    const at = offsets[name as string]!
    const field = fields[name as string]!
    if (field === 'u32') return bytes.readUInt32LE(at)
    return field === 'u64' ? bytes.readBigUInt64LE(at) : bytes.subarray(at, at + field)
  }

  return {
    size,
    offsets: offsets as Struct<F>['offsets'],
    encode(values) {
      const bytes = Buffer.alloc(size)
      write(bytes, values as unknown as Partial<Values<F>>)
      return bytes
    },
    write,
    read: read as Struct<F>['read'],
  }
}

/** What a BPF object says of its own variables and structures: BTF, as bpftool reads it. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

interface Type {
  readonly id: number
  readonly kind: string
  readonly name: string
  readonly size?: number
  readonly type_id?: number
  readonly nr_elems?: number
  readonly members?: readonly { name: string; type_id: number; bits_offset: number }[]
}

export interface Layout {
  readonly size: number
  readonly offsets: Readonly<Record<string, number>>
  /** In bytes. */
  readonly sizes: Readonly<Record<string, number>>
}

export class Btf {
  readonly #types: ReadonlyMap<number, Type>

  /** @param object such as `network`: of bpf/network.bpf.o */
  constructor(object: string) {
    const file = fileURLToPath(new URL(`../../bpf/${object}.bpf.o`, import.meta.url))
    const text = execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', file], { encoding: 'utf8' })
    const { types } = JSON.parse(text) as { types: Type[] }
    this.#types = new Map(types.map((type) => [type.id, type]))
  }

  /** Of `struct NAME`, or of the structure that a variable of this name is. */
  layout(name: string): Layout {
    const all = [...this.#types.values()]
    const found =
      all.find((type) => type.kind === 'STRUCT' && type.name === name) ??
      all.find((type) => type.kind === 'VAR' && type.name === name)
    if (!found) throw new Error(`no struct or variable ${name}`)
    const { size, members = [] } = this.#plain(found)
    return {
      size: size ?? 0,
      offsets: Object.fromEntries(members.map((each) => [each.name, each.bits_offset / 8])),
      sizes: Object.fromEntries(members.map((each) => [each.name, this.#size(each.type_id)])),
    }
  }

  /** How many functions have a name that begins so. */
  functions(start: string): number {
    const all = [...this.#types.values()]
    return all.filter(({ kind, name }) => kind === 'FUNC' && name.startsWith(start)).length
  }

  /** Without typedef, const, volatile, and the variable. */
  #plain(type: Type): Type {
    const qualifies = ['VAR', 'TYPEDEF', 'CONST', 'VOLATILE'].includes(type.kind)
    return qualifies ? this.#plain(this.#types.get(type.type_id!)!) : type
  }

  #size(id: number): number {
    const type = this.#plain(this.#types.get(id)!)
    return type.kind === 'ARRAY' ? type.nr_elems! * this.#size(type.type_id!) : (type.size ?? 0)
  }
}

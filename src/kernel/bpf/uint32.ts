/** A number as the kernel's u32: a key of a map, an attribute of a netlink message. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}

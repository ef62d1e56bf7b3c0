/** A stream of bytes to another process of ours, both ways: an inherited descriptor in exec, a socket in the library. */
export interface Channel {
  /** Once: calls onBytes with what comes, then onEnd once, at end of file or when the other side is gone. */
  read(onBytes: (bytes: Buffer) => void, onEnd: () => void): void
  /** A reader that is gone is not an error here: the next read reports it. */
  write(bytes: Uint8Array): void
}

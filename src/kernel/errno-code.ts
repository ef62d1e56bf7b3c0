/** `ENOENT` of an error that node made of an errno, by node's names (ENOTSUP for EOPNOTSUPP); else empty. */
export function errnoCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

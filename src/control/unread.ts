/** How far a server of ours waits for a client that does not read. */

/** Bytes of answers that it has not read. */
export const UNREAD_MAX = 4 << 20
/** For the last answers: a client that reads them no more does not keep its connection. */
export const PATIENCE_MS = 2_000

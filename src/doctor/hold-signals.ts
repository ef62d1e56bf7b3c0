/** Work that cleans up after itself is not torn by ^C: the signal waits until it has. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** A second signal does not wait. */
export async function holdingSignals<Result>(work: () => Promise<Result>): Promise<Result> {
  let held: NodeJS.Signals | undefined
  const hold = (signal: NodeJS.Signals) => {
    held = signal
    release()
  }
  const release = () => {
    for (const signal of signals) process.off(signal, hold)
  }
  for (const signal of signals) process.on(signal, hold)
  try {
    return await work()
  } finally {
    release()
    if (held) process.kill(process.pid, held)
  }
}

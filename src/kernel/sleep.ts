/** As node:timers/promises has it, without the milliseconds that loading that takes of every start. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

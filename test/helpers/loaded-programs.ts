/** The BPF programs that a process holds by descriptors. */
import { readdirSync, readFileSync } from 'node:fs'

/** Their numbers in the kernel, each once. */
export function loadedPrograms(pid: number | 'self'): string[] {
  const folder = `/proc/${pid}/fdinfo`
  const numbers = readdirSync(folder).flatMap((fd) => {
    try {
      return readFileSync(`${folder}/${fd}`, 'utf8').match(/^prog_id:.*$/m) ?? []
    } catch {
      return [] // the one that the folder was read by
    }
  })
  return [...new Set(numbers)].sort()
}

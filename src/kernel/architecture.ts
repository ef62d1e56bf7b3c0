import type { Architecture } from '../rules/architecture.ts'

/** Whose system call numbers hold here: node runs natively, and so does the launcher. */
export const architecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64'

/**
 * What the test kernel that this runs on can do with programs at its functions. By its version, so that what the
 * product finds out for itself is held to something.
 */
import { has } from './requires.ts'

const arm64 = process.arch === 'arm64'

/** Room for two on one call (src/kernel/tracing/ftrace-jump.ts): of the test kernels, the newest has not. */
export const secondProgram = arm64 || !has('linux:6.13')
/** fentry and fmod_ret (src/kernel/tracing/direct-calls.ts). */
export const directCalls = !arm64 || has('linux:6.4')

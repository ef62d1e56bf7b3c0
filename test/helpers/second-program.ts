/**
 * Whether the test kernel that this runs on has room for two programs on one call. By its version, so that what the
 * product finds out for itself (src/kernel/ftrace-jump.ts) is held to something: of the test kernels, the newest has not.
 */
import { has } from './requires.ts'

export const secondProgram = !has('linux:6.13')

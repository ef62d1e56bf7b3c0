/** Processes that are followed at one time. */
export const TARGETS_MAX = 32_768

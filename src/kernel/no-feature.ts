/**
 * MINDERBINDER_NO_FEATURE=tcx,cgroup.kill: mechanisms to do without, so that the way round them can be
 * tested on a kernel that has them.
 */
export type Feature = 'tcx' | 'cgroup.kill'

export function isTurnedOff(feature: Feature): boolean {
  return (process.env.MINDERBINDER_NO_FEATURE ?? '').split(',').includes(feature)
}

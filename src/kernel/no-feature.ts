/**
 * MINDERBINDER_NO_FEATURE=tcx,fmod_ret: mechanisms to do without, so that the way round them can be
 * tested on a kernel that has them.
 */
export type Feature = 'tcx' | 'cgroup.kill' | 'fmod_ret' | 'kprobe'

export function isTurnedOff(feature: Feature): boolean {
  return (process.env.MINDERBINDER_NO_FEATURE ?? '').split(',').includes(feature)
}

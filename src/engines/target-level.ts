/**
 * How deep the target's cgroup lies below the real root, which a cgroup namespace hides from us. Its parent is our
 * own, and how deep that is the kernel tells a BPF program of ours that is run once.
 */
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { TargetCgroup } from './engine.ts'

/** LEVEL_MAX of bpf/self.bpf.h and bpf/network.bpf.c: what those programs answer where they do not find it. */
const LEVEL_MAX = 64

/** Which cgroup to ask for. */
export function parentId({ path }: TargetCgroup): bigint {
  return statSync(dirname(path), { bigint: true }).ino
}

/** @param parent what was answered; undefined: the program could not be run. Then what we can see must do. */
export function levelBelow(parent: number | undefined, { level }: TargetCgroup): number {
  return parent === undefined || parent >= LEVEL_MAX ? level : parent + 1
}

/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Where we ourselves are: namespaces hide it from everything but helpers. */
#ifndef MINDERBINDER_SELF_BPF_H
#define MINDERBINDER_SELF_BPF_H

/* Deepest cgroup that is looked at; systemd and Kubernetes together stay below 16. */
#define LEVEL_MAX 64

/* How deep the cgroup `id` is, one that the caller is in; LEVEL_MAX where it is not. */
static __always_inline u32 level_of(u64 id)
{
	u32 level;

	for (level = 0; level < LEVEL_MAX; level++)
		if (bpf_get_current_ancestor_cgroup_id((int)level) == id)
			break;
	return level;
}

#endif

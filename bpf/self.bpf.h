/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Where we ourselves are: namespaces hide it from everything but helpers. */
#ifndef MINDERBINDER_SELF_BPF_H
#define MINDERBINDER_SELF_BPF_H

/* Deepest cgroup that is looked at; systemd and Kubernetes together stay below 16. */
#define LEVEL_MAX 64

/* How deep the cgroup `id` is, where ancestor_id(level) gives its ancestors and itself; LEVEL_MAX where it does not. */
#define FIND_LEVEL(id, ancestor_id)                                                                          \
	({                                                                                                   \
		u32 level_;                                                                                  \
                                                                                                             \
		for (level_ = 0; level_ < LEVEL_MAX; level_++)                                               \
			if (ancestor_id((int)level_) == (id))                                                \
				break;                                                                       \
		level_;                                                                                      \
	})

/* One that the caller is in. */
static __always_inline u32 level_of(u64 id)
{
	return FIND_LEVEL(id, bpf_get_current_ancestor_cgroup_id);
}

#endif

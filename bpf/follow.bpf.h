/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The programs that follow processes under rules: at fork, exec and exit. */
#ifndef MINDERBINDER_FOLLOW_BPF_H
#define MINDERBINDER_FOLLOW_BPF_H

#include "image.bpf.h"

#define EI_CLASS 4
#define ELFCLASS32 1

SEC("raw_tp")
int mb_exec(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	struct linux_binprm *program = (struct linux_binprm *)ctx[2];
	u32 tgid = (u32)(bpf_get_current_pid_tgid() >> 32);
	struct process process = {}, *before;
	u32 *settled_tid;
	char class = 0;

	/* process.bpf.c has seen this exec before us: it was attached before us. */
	if (settings.machine) {
		if (!current_target(0) && !current_target(1)) {
			bpf_map_delete_elem(&processes, &tgid);
			return 0;
		}
	} else if (bpf_get_current_ancestor_cgroup_id(session.level) == session.cgroup) {
		if (session.spared != SPARED_ALL)
			session.armed = session.cgroup;
	} else {
		return 0;
	}
	bpf_probe_read_kernel(&class, 1, (void *)program + bpf_core_field_offset(struct linux_binprm, buf) +
						EI_CLASS);
	if (class == ELFCLASS32)
		LOSE(foreign_programs);
	if (!settings.tracks_processes)
		return 0;
	process.birth = birth_of(task);
	process.exec_ns = bpf_ktime_get_boot_ns();
	if (settings.spares) {
		before = bpf_map_lookup_elem(&processes, &tgid);
		process.spared = before && before->spared && before->birth == process.birth &&
				 holds_more_rights(task, settings.user, settings.group);
		if (!process.spared && gained_privileges(task, program)) {
			process.spared = 1;
			if (session.spared == SPARED_NONE)
				session.spared = SPARED_SOME;
			LOSE(spared);
		}
	}
	if (settings.exempts_loader && class != ELFCLASS32)
		describe_image(&process, task);
	remember(tgid, &process);
	settled_tid = place_among_settled(tgid);
	if (settled_tid && *settled_tid == tgid)
		*settled_tid = 0;
	return 0;
}

/* Attached where settings.spares says so. */
SEC("raw_tp")
int mb_fork(u64 *ctx)
{
	struct task_struct *child = (struct task_struct *)ctx[1];
	u32 parent = (u32)(bpf_get_current_pid_tgid() >> 32);
	u32 tgid, tid, *settled_tid;
	struct process process = {}, *of_parent;

	if (session.spared == SPARED_NONE)
		return 0;
	of_parent = bpf_map_lookup_elem(&processes, &parent);
	if (!of_parent || !of_parent->spared)
		return 0;
	tid = (u32)BPF_CORE_READ(child, pid);
	tgid = (u32)BPF_CORE_READ(child, tgid);
	settled_tid = place_among_settled(tid);
	if (settled_tid && *settled_tid == tid)
		*settled_tid = 0;
	if (tgid == parent) /* a thread */
		return 0;
	process.birth = birth_of(child);
	process.spared = 1;
	remember(tgid, &process);
	return 0;
}

static long forget_count(u32 i, void *context)
{
	struct process_rule *key = context;
	u32 *index = bpf_map_lookup_elem(&process_rules, &i);

	if (!index)
		return 1;
	key->rule = *index;
	bpf_map_delete_elem(&process_counts, key);
	return 0;
}

SEC("raw_tp")
int mb_exit(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	u32 tgid = (u32)(bpf_get_current_pid_tgid() >> 32);

	/* The targets' own program may have forgotten it already. */
	if ((!settings.machine && !is_watched()) || BPF_CORE_READ(task, signal, live.counter) > 0)
		return 0;
	bpf_map_delete_elem(&processes, &tgid);
	if (settings.process_rules) {
		struct process_rule key = { birth_of(task), tgid, 0 };

		bpf_loop(settings.process_rules, forget_count, &key, 0);
	}
	return 0;
}

#endif

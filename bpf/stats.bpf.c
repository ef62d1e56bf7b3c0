// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the graphs and the metrics show of the target processes: system calls that succeeded and failed, and
 * context switches. Changes nothing, and is loaded only where somebody looks: while sys_exit is traced, every
 * system call of the machine takes the kernel's slow way out.
 *
 * Needs Linux 6.1, as bpf/syscall.bpf.c does. src/observe/target-statistics.ts writes `settings` before it loads
 * this, `session` after.
 */
#include "types.bpf.h"
#include "rule.h"
#include "task.bpf.h"
#include "self.bpf.h"
#include "target.bpf.h"

#define MAX_ERRNO 4095 /* include/linux/err.h */

/*
 * include/linux/errno.h: what user space never sees. The call is made again, and counted then, or a signal
 * handler makes it fail with EINTR, which is decided later than sys_exit.
 */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516

/* Set before this is loaded. */
volatile const struct {
	u32 by_cgroup; /* else a target is who is in the map `targets` */
	u32 padding;
} settings;

struct session {
	u64 cgroup; /* id of the target's cgroup; with those below it */
	u32 level;  /* its depth below the real root of the hierarchy */
	u32 padding;
};

struct session session;

struct statistics {
	u64 succeeded;
	u64 failed;
	u64 context_switches;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct statistics);
} statistics SEC(".maps");

static __always_inline int is_target(void)
{
	u32 process;

	if (settings.by_cgroup)
		return bpf_get_current_ancestor_cgroup_id(session.level) == session.cgroup;
	process = bpf_get_current_pid_tgid() >> 32;
	return target_of(process, side_in_force()) != 0;
}

static __always_inline struct statistics *here(void)
{
	const u32 zero = 0;

	return bpf_map_lookup_elem(&statistics, &zero);
}

/* Atomic for all that a CPU has counters of its own: a newer kernel's tracepoints can be preempted. */
#define COUNT(counter) ((void)__sync_fetch_and_add(&(counter), 1))

/* struct pt_regs *regs, long ret */
SEC("raw_tp/sys_exit")
int mb_sys_exit(u64 *ctx)
{
	const s64 result = (s64)ctx[1];
	struct statistics *counters;

	if (!is_target())
		return 0;
	counters = here();
	if (!counters)
		return 0;
	switch (-result) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
	case ERESTART_RESTARTBLOCK:
		return 0;
	}
	if (result < 0 && result >= -MAX_ERRNO)
		COUNT(counters->failed);
	else
		COUNT(counters->succeeded);
	return 0;
}

/* Current is who leaves the CPU. */
SEC("raw_tp/sched_switch")
int mb_sched_switch(void *ctx)
{
	struct statistics *counters;

	(void)ctx;
	if (!is_target())
		return 0;
	counters = here();
	if (counters)
		COUNT(counters->context_switches);
	return 0;
}

/* Test run by ourselves: how deep session.cgroup, which is our own, lies; LEVEL_MAX where it is not found. */
SEC("raw_tp")
int mb_level(void *ctx)
{
	(void)ctx;
	return (int)level_of(session.cgroup);
}

char LICENSE[] SEC("license") = "GPL";

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the graphs and the metrics show of the target processes: system calls that succeeded and failed, each by its
 * number, and context switches. Changes nothing, and is loaded only where somebody looks: while sys_exit is traced, every
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
#include "skipped-call.h"

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
	u32 arm64;     /* as in bpf/call.bpf.h; else x86_64 */
} settings;

struct session {
	u64 cgroup; /* id of the target's cgroup; with those below it */
	u32 level;  /* its depth below the real root of the hierarchy */
	u32 padding;
};

struct session session;

struct call_counts {
	u64 succeeded;
	u64 failed;
};

/* Calls that have no number of their own here. */
enum {
	FOREIGN_CALL = CALL_NUMBERS, /* of 32-bit programs and x32's, whose numbers mean other calls */
	UNKNOWN_CALL, /* numbers beyond the table */
	CALL_PLACES,
};

/* All calls have a place, whether a rule names them or not: that costs no more than two counts for all of them. */
struct calls {
	struct call_counts by_number[CALL_PLACES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct calls);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} context_switches SEC(".maps");

static __always_inline int is_target(void)
{
	u32 process;

	if (settings.by_cgroup)
		return bpf_get_current_ancestor_cgroup_id(session.level) == session.cgroup;
	process = bpf_get_current_pid_tgid() >> 32;
	return target_of(process, side_in_force()) != 0;
}

/* Atomic for all that a CPU has counters of its own: a newer kernel's tracepoints can be preempted. */
#define COUNT(counter) ((void)__sync_fetch_and_add(&(counter), 1))

/* Where things are in struct pt_regs (asm/ptrace.h), beyond what user space is told of arm64's. */
#define X86_64_ORIG_RAX 120
#define ARM64_PSTATE 264
#define ARM64_SYSCALLNO 280

#define ARM64_MODE32 0x10
#define X86_64_TS_COMPAT 2 /* asm/thread_info.h: it came in by the way of 32-bit calls, whatever made it */
#define X32_BIT 0x40000000u

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct thread_info___x86_64 {
	u32 status;
};

struct task_struct___x86_64 {
	struct thread_info___x86_64 thread_info;
};

#pragma clang attribute pop

static __always_inline int is_32_bit(const void *regs)
{
	struct task_struct___x86_64 *task;
	u64 pstate = 0;

	if (settings.arm64)
		return bpf_probe_read_kernel(&pstate, sizeof(pstate), regs + ARM64_PSTATE) == 0 && pstate & ARM64_MODE32;
	task = (void *)bpf_get_current_task();
	return BPF_CORE_READ(task, thread_info.status) & X86_64_TS_COMPAT;
}

/* Where it is counted; CALL_PLACES: nowhere. */
static __always_inline u32 place_of(const void *regs)
{
	const u32 at = settings.arm64 ? ARM64_SYSCALLNO : X86_64_ORIG_RAX;
	u32 number;

	if (bpf_probe_read_kernel(&number, sizeof(number), regs + at))
		return UNKNOWN_CALL;
	if (is_skipped_call(number))
		return SKIPPED_CALL_NUMBER(number);
	/* It has no number: sigreturn(2) does not return, and what is in the register is not its result. */
	if (number == ~0u)
		return CALL_PLACES;
	if (number & X32_BIT || is_32_bit(regs))
		return FOREIGN_CALL;
	return number < CALL_NUMBERS ? number : UNKNOWN_CALL;
}

/* struct pt_regs *regs, long ret */
SEC("raw_tp/sys_exit")
int mb_sys_exit(u64 *ctx)
{
	const s64 result = (s64)ctx[1];
	const u32 zero = 0;
	struct calls *counts;
	u32 place;

	if (!is_target())
		return 0;
	switch (-result) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
	case ERESTART_RESTARTBLOCK:
		return 0;
	}
	counts = bpf_map_lookup_elem(&calls, &zero);
	place = place_of((const void *)ctx[0]);
	if (!counts || place >= CALL_PLACES)
		return 0;
	if (result < 0 && result >= -MAX_ERRNO)
		COUNT(counts->by_number[place].failed);
	else
		COUNT(counts->by_number[place].succeeded);
	return 0;
}

/* Current leaves the CPU. */
SEC("raw_tp/sched_switch")
int mb_sched_switch(void *ctx)
{
	const u32 zero = 0;
	u64 *count;

	(void)ctx;
	if (!is_target())
		return 0;
	count = bpf_map_lookup_elem(&context_switches, &zero);
	if (count)
		COUNT(*count);
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

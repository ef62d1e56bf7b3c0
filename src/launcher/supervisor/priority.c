/* SPDX-License-Identifier: MIT */
#include "priority.h"
#include "../shared/clock.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NICE_BEST -20
/* Preferred over what would run longer (a slice of its own: Linux 6.12; older kernels take no notice). */
#define SLICE_NS 100000u

#define ALONE_CALLS 64
#define SOON_NS 50000

static int nice_value;

static int set_nice(int nice, u64 slice_ns)
{
	struct {
		u32 size, policy;
		u64 flags;
		s32 nice;
		u32 priority;
		u64 runtime, deadline, period;
	} attributes = { .size = sizeof(attributes), .policy = SCHED_OTHER, .nice = nice, .runtime = slice_ns };

	return (int)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void priority_init(void)
{
	nice_value = getpriority(PRIO_PROCESS, 0);
}

/* What RLIMIT_NICE allows (getrlimit(2)), or what there is. */
static int allowed_nice(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NICE, &limit) < 0 || limit.rlim_cur > 40)
		return nice_value;

	const int allowed = 20 - (int)limit.rlim_cur;

	return allowed < nice_value ? allowed : nice_value;
}

void priority_raise(void)
{
	if (set_nice(NICE_BEST, SLICE_NS) < 0)
		(void)set_nice(allowed_nice(), SLICE_NS);
}

void priority_follow(struct priority *priority, u32 caller)
{
	const s64 now = monotonic_ns();

	if (caller == priority->caller && now - priority->at_ns < SOON_NS) {
		if (priority->alone < ALONE_CALLS && ++priority->alone == ALONE_CALLS) {
			priority->lowered = 1;
			(void)set_nice(nice_value, 0);
		}
	} else {
		priority->alone = 0;
		if (priority->lowered)
			priority_raise();
		priority->lowered = 0;
	}
	priority->caller = caller;
	priority->at_ns = now;
}

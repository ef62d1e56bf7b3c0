/* SPDX-License-Identifier: MIT */
/*
 * A call at which a signal ends its process must not have run (strace(1) ensures that for SIGKILL only), and a handler
 * runs before the call. If we let the call run with the signal pending, the kernel would carry it out first. So:
 *
 * - Where the signal kills, the kernel has sent SIGKILL to each thread of the process by the time tkill(2) returns
 *   (kernel/signal.c, complete_signal()), which ends the wait for our answer: none is given.
 * - Where it is pending and not blocked (a handler, a core dump, a stop, a tracer), the call is sent back with
 *   ERESTARTNOINTR. On its way back the thread deals with the signal, and makes the call again, whatever
 *   SA_RESTART says. Without a signal to handle, the thread would see this error: so, after sending it, we look
 *   whether it is pending. From then on only the thread itself can change that; and if another thread makes the
 *   process ignore it meanwhile, the thread looks for signals all the same (TIF_SIGPENDING stays).
 * - Else it is blocked, or ignored: the call runs.
 */
#include "signals.h"
#include "deciding.h"
#include "restarts.h"
#include "../shared/target.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STACK_TRIES 20
#define STACK_PAUSE_NS 50000L

/* For a moment the caller may still be on its way to sleep. */
static u64 stack_of(pid_t tid)
{
	const struct timespec pause = { 0, STACK_PAUSE_NS };
	u64 stack;

	for (int i = 0; i < STACK_TRIES; i++) {
		if (target_stack(tid, &stack) == 0)
			return stack;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int is_waiting(int listener, const struct seccomp_notif *call)
{
	u64 id = call->id;
	int result;

	do
		result = ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
	while (result < 0 && errno == EINTR);
	return result == 0;
}

static int has(u64 signals, int signal)
{
	return (int)(signals >> (signal - 1) & 1);
}

static enum call_end end_of(int listener, const struct seccomp_notif *call, int signal)
{
	struct rights now;

	if (!is_waiting(listener, call))
		return CALL_IS_OVER; /* or, before Linux 5.19, interrupted by it, and perhaps restarted */
	if (target_rights((pid_t)call->pid, &now) < 0)
		return CALL_RUNS;
	if (has(now.pending, SIGKILL))
		return CALL_IS_OVER;
	return has(now.pending, signal) && !has(now.blocked, signal) ? CALL_RESTARTS : CALL_RUNS;
}

void signal_answered(int listener, const struct seccomp_notif *call, int signal, int *sent)
{
	*sent = !is_waiting(listener, call) || syscall(SYS_tkill, (pid_t)call->pid, signal) == 0 || errno == ESRCH;
}

enum call_end signal_caller(int listener, const struct seccomp_notif *call, int signal, int *sent)
{
	const pid_t tid = (pid_t)call->pid;
	const u64 stack = signal == SIGKILL ? 0 : stack_of(tid);
	int expected = 0;
	enum call_end end;

	*sent = 1;
	if (signal != SIGKILL) {
		lock(&deciding);
		expected = restarts_expect(call, stack, (struct verdict){ 0 }) == 0;
		unlock(&deciding);
	}
	/* The thread is blocked in the call, so its tid is its own, unless it was killed: asked right before. */
	if (!is_waiting(listener, call)) {
		end = CALL_IS_OVER;
	} else if (syscall(SYS_tkill, tid, signal) == 0) {
		if (signal == SIGKILL)
			return CALL_IS_OVER;
		end = end_of(listener, call, signal);
		if (end == CALL_RESTARTS && expected)
			return CALL_RESTARTS;
		if (end == CALL_IS_OVER)
			return CALL_IS_OVER;
		end = CALL_RUNS;
	} else if (errno == ESRCH) {
		end = CALL_IS_OVER;
	} else {
		*sent = 0;
		end = CALL_RUNS;
	}
	if (expected) {
		lock(&deciding);
		restarts_forget(call, stack);
		unlock(&deciding);
	}
	return end;
}

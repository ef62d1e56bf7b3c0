/* SPDX-License-Identifier: MIT */
#include "notify.h"
#include "deciding.h"
#include "delays.h"
#include "receivers.h"
#include "restarts.h"
#include "../shared/clock.h"
#include "../shared/seccomp-flags.h"
#include "../shared/target.h"
#include "signals.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int listener = -1, wakeup = -1;
static struct faults *plan;

/*
 * ENOENT: the caller died or was interrupted meanwhile, and needs no answer. EINTR: we were stopped and continued
 * while another thread held the listener's lock. Anything else is a bug of ours.
 */
static void respond(struct seccomp_notif_resp *response)
{
	while (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, response) < 0) {
		if (errno == ENOENT)
			return;
		if (errno != EINTR)
			abort();
	}
}

/*
 * Ends a pause as the signal would end the call. Whether the program sees EINTR then, or the kernel makes the call again, is
 * between these two: what comes from the same place with the same arguments is taken for the call made again.
 */
static int end_pause(const struct delayed *delayed, enum target_signal signal)
{
	const s32 error = delays_error(&plan->shapes[delayed->call.data.nr]);
	struct seccomp_notif_resp answer = { .id = delayed->id, .error = -error };
	u64 stack = 0;
	int is_expected = 0;

	if (signal == TARGET_SIGNAL_OTHER || error != ERESTART_UNLESS_HANDLED) {
		(void)target_stack((pid_t)delayed->call.pid, &stack);
		lock(&deciding);
		is_expected = restarts_expect(&delayed->call, stack, delays_rest(delayed)) == 0;
		unlock(&deciding);
		if (!is_expected)
			return 0;
	}
	respond(&answer);
	return 1;
}

/*
 * Once a call has been received, only a deadly signal interrupts it (Linux 5.19). So this looks now and then whether another
 * signal has come. It skips signals that another thread of the process may take: if it did, the program would see our
 * error.
 */
static int interrupt(const struct delayed *delayed)
{
	enum target_signal signal;

	/* Any other signal has its turn when the call returns. */
	if (delayed->returns)
		return 0;
	signal = target_signal((pid_t)delayed->call.pid, 0);
	return signal != TARGET_SIGNAL_NONE && end_pause(delayed, signal);
}

/* Does what is left to do when its time has come. */
static int wait_for(const struct seccomp_notif *call, s64 ns, int returns, const struct verdict *rest)
{
	const struct delayed delayed = { .due_ns = (u64)(monotonic_ns() + ns),
					 .id = call->id,
					 .returns = returns,
					 .rest = *rest,
					 .call = *call };
	const u64 one = 1;

	const int failed = delays_add(delayed);

	if (!failed && write(wakeup, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
	return !failed;
}

/* 0: the call is over. Where it runs, the signal comes before it (signals.h). */
static int bring_signal(const struct seccomp_notif *call, const struct verdict *verdict,
			struct seccomp_notif_resp *answer)
{
	const int signal = (int)verdict->signal;
	enum call_end end = CALL_RUNS;
	int sent;

	if (is_answered(verdict))
		signal_answered(listener, call, signal, &sent);
	else
		end = signal_caller(listener, call, signal, &sent);
	if (!sent)
		__sync_fetch_and_add(&plan->unsent_signals, 1);
	if (end == CALL_RESTARTS) {
		answer->flags = 0;
		answer->error = RESTART;
	}
	return end != CALL_IS_OVER;
}

/*
 * Step by step: each step done is gone from what is left. `receiver`: the thread that received the call, which lets
 * another thread receive before it does anything slow; or NULL.
 */
static void carry_out(struct receiver *receiver, const struct seccomp_notif *call, struct verdict rest)
{
	struct seccomp_notif_resp answer = { .id = call->id };
	s64 pause = rest.enter_ns;

	rest.enter_ns = 0;
	if (pause > 0 && wait_for(call, pause, 0, &rest))
		return;
	if (rest.outcome == OUTCOME_ERRNO)
		answer.error = -(s32)rest.error;
	else if (rest.outcome == OUTCOME_RETURN)
		answer.val = rest.value;
	else
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	if (rest.signal) {
		if (receiver)
			receiver_pass_on(receiver);
		if (!bring_signal(call, &rest, &answer))
			return;
		rest.signal = 0;
	}
	pause = rest.exit_ns;
	rest.exit_ns = 0;
	if (pause > 0 && is_answered(&rest) && wait_for(call, pause, 1, &rest))
		return;
	respond(&answer);
}

static void answer(struct receiver *receiver)
{
	carry_out(receiver, receiver->request, faults_decide(plan, receiver));
}

static int start(const struct staged *staged, struct faults *faults)
{
	wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wakeup < 0)
		return -1;
	listener = staged->listener;
	plan = faults;
	/* Wakes us on the caller's CPU: a fifth of the time of a round trip. Before Linux 6.6: EINVAL. */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) < 0 &&
	    errno != EINVAL && errno != ENOTTY)
		return -1;
	return receivers_start(listener, answer, faults_may_wait(faults));
}

static int wakeup_end(void)
{
	return wakeup;
}

static void go_on(const struct delayed *delayed)
{
	carry_out(NULL, &delayed->call, delayed->rest);
}

static s64 attend(void)
{
	static const struct delay_way way = { .interrupt = interrupt, .go_on = go_on };
	u64 ignored;

	if (read(wakeup, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN)
		abort();

	const u64 next = delays_attend(&way, plan);
	const s64 left = (s64)next - monotonic_ns();

	if (!next)
		return -1;
	return left > 0 ? left : 0;
}

static void lifted(void)
{
	(void)attend();
}

const struct way way_notify = {
	.action = SECCOMP_RET_USER_NOTIF,
	.start_step = STEP_THREAD,
	.start = start,
	.wakeup = wakeup_end,
	.attend = attend,
	.lifted = lifted,
};

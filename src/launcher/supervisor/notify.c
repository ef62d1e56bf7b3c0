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
static pthread_mutex_t delaying = PTHREAD_MUTEX_INITIALIZER;

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
 * From the moment on that a call has been received, only a deadly signal interrupts it (Linux 5.19), so it is looked now and
 * then whether another one has come. Not for one that another thread of the process may take: if it did, the program would
 * see our error.
 */
static int interrupt(const struct delayed *delayed)
{
	const enum target_signal signal = target_signal((pid_t)delayed->call.pid, 0);

	return signal != TARGET_SIGNAL_NONE && end_pause(delayed, signal);
}

static void end_delay(const struct delayed *delayed)
{
	struct seccomp_notif_resp answer = { .id = delayed->id, .error = -(s32)delayed->error };

	if (!delayed->error)
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	respond(&answer);
}

/*
 * What each outcome does to a call. The answer is zeroed but for its id, and is sent afterwards if 1 is returned; 0:
 * none is due, or another thread sends it later. What takes long lets another thread receive: receiver_pass_on().
 */
static int fail(struct receiver *receiver, const struct verdict *verdict)
{
	receiver->response->error = -(s32)verdict->error;
	return 1;
}

static int give(struct receiver *receiver, const struct verdict *verdict)
{
	receiver->response->val = verdict->value;
	return 1;
}

static int delay(struct receiver *receiver, const struct verdict *verdict)
{
	const struct delayed delayed = { .due_ns = (u64)(monotonic_ns() + verdict->value),
					 .id = receiver->response->id,
					 .error = verdict->error,
					 .call = *receiver->request };
	const u64 one = 1;

	lock(&delaying);

	const int failed = delays_add(delayed);

	unlock(&delaying);
	if (failed)
		end_delay(&delayed);
	else if (write(wakeup, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
	return 0;
}

static int send_signal(struct receiver *receiver, const struct verdict *verdict)
{
	int sent;
	enum call_end end;

	receiver_pass_on(receiver);
	end = signal_caller(listener, receiver->request, (int)verdict->value, &sent);
	if (!sent)
		__sync_fetch_and_add(&plan->unsent_signals, 1);
	if (end == CALL_RESTARTS)
		receiver->response->error = RESTART;
	else
		receiver->response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	return end != CALL_IS_OVER;
}

static int (*const actions[])(struct receiver *, const struct verdict *) = {
	[OUTCOME_ERRNO] = fail,
	[OUTCOME_RETURN] = give,
	[OUTCOME_DELAY] = delay,
	[OUTCOME_SIGNAL] = send_signal,
};

static void answer(struct receiver *receiver)
{
	struct verdict verdict = faults_decide(plan, receiver);
	struct seccomp_notif_resp *response = receiver->response;
	const int acts = verdict.outcome < sizeof(actions) / sizeof(*actions) &&
			 actions[verdict.outcome];

	response->id = receiver->request->id;
	response->val = 0;
	response->error = 0;
	response->flags = acts ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	if (!acts || actions[verdict.outcome](receiver, &verdict))
		respond(response);
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

/* Lets the calls go whose delay is over, all of them where the faults are lifted. */
static s64 let_due_go(void)
{
	const struct delayed *first;
	u64 ignored;
	s64 next = -1;

	if (read(wakeup, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN)
		abort();
	lock(&delaying);
	while ((first = delays_first())) {
		if (first->id && first->due_ns > (u64)monotonic_ns() && !faults_are_lifted(plan))
			break;
		if (first->id)
			end_delay(first);
		delays_remove_first();
	}
	if (first) {
		const u64 look = delays_look((u64)monotonic_ns(), interrupt);
		const s64 left = (s64)(first->due_ns < look ? first->due_ns : look) - monotonic_ns();

		next = left > 0 ? left : 0;
	}
	unlock(&delaying);
	return next;
}

static void lifted(void)
{
	(void)let_due_go();
}

const struct way way_notify = {
	.action = SECCOMP_RET_USER_NOTIF,
	.start_step = STEP_THREAD,
	.start = start,
	.wakeup = wakeup_end,
	.attend = let_due_go,
	.lifted = lifted,
};

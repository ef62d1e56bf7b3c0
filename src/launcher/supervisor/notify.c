/* SPDX-License-Identifier: MIT */
#include "notify.h"
#include "deciding.h"
#include "delays.h"
#include "receivers.h"
#include "../shared/clock.h"
#include "../shared/seccomp-flags.h"
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

static void let_run(u64 id)
{
	struct seccomp_notif_resp answer = { .id = id,
					     .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	respond(&answer);
}

/*
 * What each outcome does to a call. The answer is zeroed but for its id, and is sent afterwards if 1 is returned; 0:
 * none is due, or another thread sends it later. What takes long lets another thread receive: receiver_pass_on().
 */
static int fail(struct receiver *receiver, s64 error)
{
	receiver->response->error = -(s32)error;
	return 1;
}

static int give(struct receiver *receiver, s64 value)
{
	receiver->response->val = value;
	return 1;
}

static int delay(struct receiver *receiver, s64 ns)
{
	const u64 id = receiver->response->id, one = 1;

	lock(&delaying);

	const int failed = delays_add((struct delayed){ (u64)(monotonic_ns() + ns), id });

	unlock(&delaying);
	if (failed)
		let_run(id);
	else if (write(wakeup, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
	return 0;
}

static int send_signal(struct receiver *receiver, s64 signal)
{
	int sent;
	enum call_end end;

	receiver_pass_on(receiver);
	end = signal_caller(listener, receiver->request, (int)signal, &sent);
	if (!sent)
		__sync_fetch_and_add(&plan->unsent_signals, 1);
	if (end == CALL_RESTARTS)
		receiver->response->error = RESTART;
	else
		receiver->response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	return end != CALL_IS_OVER;
}

static int (*const actions[])(struct receiver *, s64) = {
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
	if (!acts || actions[verdict.outcome](receiver, verdict.value))
		respond(response);
}

int notify_start(int fd, struct faults *faults)
{
	wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wakeup < 0)
		return -1;
	listener = fd;
	plan = faults;
	/* Wakes us on the caller's CPU: a fifth of the time of a round trip. Before Linux 6.6: EINVAL. */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) < 0 &&
	    errno != EINVAL && errno != ENOTTY)
		return -1;
	return receivers_start(listener, answer, faults_may_wait(faults));
}

int notify_wakeup(void)
{
	return wakeup;
}

s64 notify_delays(void)
{
	const struct delayed *first;
	u64 ignored;
	s64 next = -1;

	if (wakeup < 0)
		return -1;
	if (read(wakeup, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN)
		abort();
	lock(&delaying);
	while ((first = delays_first())) {
		const u64 now = (u64)monotonic_ns();

		if (first->due_ns > now && !faults_are_lifted(plan)) {
			next = (s64)(first->due_ns - now);
			break;
		}
		let_run(first->id);
		delays_remove_first();
	}
	unlock(&delaying);
	return next;
}

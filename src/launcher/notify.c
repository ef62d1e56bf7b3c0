/* SPDX-License-Identifier: MIT */
#include "notify.h"
#include "seccomp-flags.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct delayed {
	u64 due_ns; /* CLOCK_MONOTONIC */
	u64 id;
};

static int listener = -1, wakeup = -1;
static struct faults *plan;
static struct seccomp_notif *request;
static struct seccomp_notif_resp *response;
static size_t request_size;

/* A binary heap, earliest first; one entry for each waiting thread of the tree at most. */
static pthread_mutex_t heap_lock = PTHREAD_MUTEX_INITIALIZER;
static struct delayed *heap;
static size_t heap_count, heap_capacity;

static u64 now_ns(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		return 0; /* cannot happen */
	return (u64)now.tv_sec * 1000000000u + (u64)now.tv_nsec;
}

static int heap_push(struct delayed item)
{
	if (heap_count == heap_capacity) {
		size_t capacity = heap_capacity ? heap_capacity * 2 : 64;
		struct delayed *grown = realloc(heap, capacity * sizeof(*grown));

		if (!grown)
			return -1;
		heap = grown;
		heap_capacity = capacity;
	}

	size_t at = heap_count++;

	while (at > 0 && heap[(at - 1) / 2].due_ns > item.due_ns) {
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = item;
	return 0;
}

static struct delayed heap_pop(void)
{
	struct delayed first = heap[0], last = heap[--heap_count];
	size_t at = 0;

	for (size_t child = 1; child < heap_count; child = at * 2 + 1) {
		if (child + 1 < heap_count && heap[child + 1].due_ns < heap[child].due_ns)
			child++;
		if (last.due_ns <= heap[child].due_ns)
			break;
		heap[at] = heap[child];
		at = child;
	}
	if (heap_count > 0)
		heap[at] = last;
	return first;
}

/* ENOENT: the caller died or was interrupted meanwhile, and needs no answer. */
static void let_run(u64 id)
{
	struct seccomp_notif_resp answer = { .id = id,
					     .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0 && errno != ENOENT)
		abort();
}

static void delay(u64 id, s64 ns)
{
	const u64 one = 1;

	if (pthread_mutex_lock(&heap_lock) != 0)
		abort();

	int failed = heap_push((struct delayed){ now_ns() + (u64)ns, id });

	if (pthread_mutex_unlock(&heap_lock) != 0)
		abort();
	if (failed)
		let_run(id);
	else if (write(wakeup, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
}

static void answer(void)
{
	struct verdict verdict = faults_decide(plan, request);

	response->id = request->id;
	response->val = 0;
	response->error = 0;
	response->flags = 0;
	switch (verdict.outcome) {
	case OUTCOME_ERRNO:
		response->error = -(s32)verdict.value;
		break;
	case OUTCOME_RETURN:
		response->val = verdict.value;
		break;
	case OUTCOME_DELAY:
		delay(request->id, verdict.value);
		return;
	case OUTCOME_SIGNAL:
		/* As strace does: the signal is pending when the call runs. The thread is blocked in the
		 * call, so its tid is its own, unless somebody has killed it: asked right before. */
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &request->id) < 0)
			return;
		if (syscall(SYS_tkill, request->pid, (int)verdict.value) < 0 && errno != ESRCH)
			abort();
		response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		break;
	default:
		response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	}
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, response) < 0 && errno != ENOENT)
		abort();
}

static void *serve(void *unused)
{
	for (;;) {
		memset(request, 0, request_size); /* the kernel insists: seccomp_unotify(2) */
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, request) == 0) {
			answer();
			continue;
		}
		if (errno != EINTR && errno != ENOENT)
			abort();

		/* ENOENT: the caller is gone; or, with the last of the tree, every caller is. */
		struct pollfd hangup = { .fd = listener };

		if (poll(&hangup, 1, 0) > 0 && hangup.revents & POLLHUP)
			return unused;
	}
}

int notify_start(int fd, struct faults *faults)
{
	struct seccomp_notif_sizes sizes;
	pthread_t thread;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return -1;
	/* A newer kernel may write more than these headers know (seccomp_unotify(2)). */
	request_size = sizes.seccomp_notif > sizeof(*request) ? sizes.seccomp_notif : sizeof(*request);
	request = calloc(1, request_size);
	response = calloc(1, sizes.seccomp_notif_resp > sizeof(*response) ? sizes.seccomp_notif_resp :
									     sizeof(*response));
	wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!request || !response || wakeup < 0)
		return -1;
	listener = fd;
	plan = faults;
	/* Wakes us on the caller's CPU: a fifth of the time of a round trip. Before Linux 6.6: EINVAL. */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) < 0 &&
	    errno != EINVAL && errno != ENOTTY)
		return -1;
	errno = pthread_create(&thread, NULL, serve, NULL);
	return errno ? -1 : 0;
}

int notify_wakeup(void)
{
	return wakeup;
}

s64 notify_delays(void)
{
	u64 ignored;
	s64 next = -1;

	if (wakeup < 0)
		return -1;
	if (read(wakeup, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN)
		abort();
	if (pthread_mutex_lock(&heap_lock) != 0)
		abort();
	while (heap_count > 0) {
		u64 now = now_ns();

		if (heap[0].due_ns > now && !__atomic_load_n(&plan->lifted, __ATOMIC_RELAXED)) {
			next = (s64)(heap[0].due_ns - now);
			break;
		}
		let_run(heap_pop().id);
	}
	if (pthread_mutex_unlock(&heap_lock) != 0)
		abort();
	return next;
}

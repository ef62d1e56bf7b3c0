/* SPDX-License-Identifier: MIT */
#include "keeper.h"
#include "helper.h"
#include "notifications.h"
#include "own-filter.h"
#include "state.h"
#include "../launcher/shared/filter.h"
#include "../launcher/shared/joining.h"
#include "../launcher/stage/raw.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__GLIBC__) && defined(__x86_64__)
/* Else the library would need glibc 2.34, which node does not. */
#define OLD "GLIBC_2.2.5"
#elif defined(__GLIBC__)
#define OLD "GLIBC_2.17"
#endif
#ifdef OLD
__asm__(".symver pthread_create, pthread_create@" OLD);
__asm__(".symver pthread_attr_setstacksize, pthread_attr_setstacksize@" OLD);
#endif

#ifndef PR_SET_PTRACER
#define PR_SET_PTRACER 0x59616d61
#endif

#define STACK (256u << 10)

static struct join_request *request;
static int ends[2] = { -1, -1 }; /* ours, the supervisor's */
static int listener = -1;
static int has_prober; /* from an attempt before: it has not been asked for anything */
static struct join_offer offer;
static struct call_set named;

/*
 * A second thread, which makes a named call of no effect when it is asked to: its id is the newest one. When it is asked for
 * the second time, it then lets all go on that have older ones.
 */
static struct {
	pid_t tid;
	int asked; /* how often */
	u64 first, newest;
} prober;

static void ask(void)
{
	__atomic_add_fetch(&prober.asked, 1, __ATOMIC_RELEASE);
	(void)raw_call(SYS_futex, (long)&prober.asked, FUTEX_WAKE_PRIVATE, 1, 0, 0);
}

static void await_ask(int before)
{
	while (__atomic_load_n(&prober.asked, __ATOMIC_ACQUIRE) == before)
		(void)raw_call(SYS_futex, (long)&prober.asked, FUTEX_WAIT_PRIVATE, before, 0, 0);
}

static u32 any_named(void)
{
	u32 number = 0;

	while (number < SYSCALLS_MAX - 1 && !call_set_has(&named, number))
		number++;
	return number;
}

static void *probe(void *unused)
{
	prober.tid = (pid_t)syscall(SYS_gettid);
	await_ask(0);
	/* Not by raw_call(): the filter has to catch it. It is never run. */
	(void)syscall(any_named(), -1, -1, -1, -1, -1, -1);
	await_ask(1);
	(void)syscall(any_named(), -1, -1, -1, -1, -1, -1);
	for (u64 id = __atomic_load_n(&prober.newest, __ATOMIC_ACQUIRE); id-- != prober.first;)
		notification_pass(listener, id);
	/* A thread's end may make calls of its own, and this one has nothing to free. */
	for (;;)
		await_ask(2);
	return unused;
}

static int is_probe(const struct seccomp_notif *call)
{
	return (pid_t)call->pid == prober.tid;
}

/* Of all that this filter will ever have. */
static void learn_first(void)
{
	struct seccomp_notif call;
	int known = 0;

	ask();
	for (;;) {
		notification_receive(listener, &call);
		if (!known)
			prober.first = call.id;
		known = 1;
		if (is_probe(&call))
			break;
		notification_pass(listener, call.id);
	}
	notification_fail(listener, call.id, EPERM);
}

static _Noreturn void answer_all(void)
{
	struct seccomp_notif call;

	ask();
	for (;;) {
		notification_receive(listener, &call);
		if (is_probe(&call)) {
			__atomic_store_n(&prober.newest, call.id, __ATOMIC_RELEASE);
			notification_fail(listener, call.id, EPERM);
		} else {
			notification_pass(listener, call.id);
		}
	}
}

/* Never longer than `size`: 0 where the other end is closed. */
static long hear(void *message, size_t size)
{
	long n;

	do
		n = raw_call(SYS_read, ends[0], (long)message, (long)size, 0, 0);
	while (n == -EINTR);
	return n;
}

static int hand_over(void)
{
	u32 type = JOIN_LISTENER;
	struct iovec part = { &type, sizeof(type) };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	memset(&control, 0, sizeof(control));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &listener, sizeof(int));
	return raw_call(SYS_sendmsg, ends[0], (long)&message, MSG_NOSIGNAL, 0, 0) < 0 ? -1 : 0;
}

/* Taken first, then closed: a process that is forked in between may keep a copy, but closes no descriptor that is not ours. */
static void drop(int *place)
{
	const int fd = __atomic_exchange_n(place, -1, __ATOMIC_ACQ_REL);

	if (fd >= 0)
		(void)raw_call(SYS_close, fd, 0, 0, 0, 0);
}

/* 0, or there will be no filter, and the next one that asks has new ends: ours are closed before it may. */
static int hear_offer(void)
{
	union {
		struct join_offer offer;
		struct {
			u32 type;
			char text[JOIN_TEXT_MAX + 1];
		} refusal;
	} heard;
	const long n = hear(&heard, sizeof(heard) - 1);

	if (n == (long)sizeof(heard.offer) && heard.offer.type == JOIN_OFFER) {
		offer = heard.offer;
		offer.control[sizeof(offer.control) - 1] = 0;
		memcpy(named.bits, offer.named, sizeof(named.bits));
		return 0;
	}
	drop(&ends[0]);
	if (n > (long)sizeof(heard.refusal.type) && heard.refusal.type == JOIN_REFUSED) {
		((char *)&heard)[n] = 0;
		state_fail(OWN_FILTER_REFUSED, 0, heard.refusal.text);
	} else {
		state_fail(OWN_FILTER_ENDED, 0, "");
	}
	return -1;
}

/* Where Yama lets only ancestors read a process's memory. A child does not inherit this. EINVAL: there is no Yama. */
static void let_supervisor_read(void)
{
	(void)raw_call(SYS_prctl, PR_SET_PTRACER, offer.supervisor, 0, 0, 0);
}

static void *keep(void *unused)
{
	u32 type = 0;
	const int error = helper_start(request, ends[1]);

	drop(&ends[1]);
	if (error) {
		drop(&ends[0]);
		state_fail(OWN_FILTER_HELPER, error, "");
		return unused;
	}
	if (hear_offer() < 0)
		return unused;
	let_supervisor_read();

	const int installed = filter_install_on_process(&named);

	if (installed < 0) {
		drop(&ends[0]);
		state_fail(OWN_FILTER_SECCOMP, -installed, "");
		return unused;
	}
	/* From here on raw_call() only. */
	__atomic_store_n(&listener, installed, __ATOMIC_RELEASE);
	learn_first();
	if (hand_over() == 0 && hear(&type, sizeof(type)) == (long)sizeof(type) && type == JOIN_READY) {
		state_ready(offer.control);
		/* It says no more than that node has died: until it dies itself, it goes on answering. */
		while (hear(&type, sizeof(type)) > 0)
			state_lose();
	}
	state_lose();
	answer_all();
}

static int start_thread(void *(*run)(void *))
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, before;
	int error = pthread_attr_init(&attributes);

	if (error)
		return error;
	/* What comes for the process is for the program's own threads. */
	sigfillset(&all);
	error = pthread_attr_setstacksize(&attributes, STACK);
	if (!error)
		error = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	if (!error)
		error = sigprocmask(SIG_SETMASK, &all, &before) < 0 ? errno : 0; /* of this thread only */
	if (!error) {
		error = pthread_create(&thread, &attributes, run, NULL);
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
	}
	(void)pthread_attr_destroy(&attributes);
	return error;
}

int keeper_start(struct join_request *asked)
{
	int error = 0;

	request = asked;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return errno;
	/* Both before there is a filter, for they are made by calls that may be named. */
	if (!has_prober)
		error = start_thread(probe);
	has_prober |= !error;
	if (!error)
		error = start_thread(keep);
	if (error) {
		drop(&ends[0]);
		drop(&ends[1]);
	}
	return error;
}

void keeper_forget(void)
{
	drop(&listener);
	drop(&ends[0]);
	drop(&ends[1]);
	has_prober = 0;
	memset(&prober, 0, sizeof(prober));
	if (state_now() == OWN_FILTER_READY)
		let_supervisor_read();
}

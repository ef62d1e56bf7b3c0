/* SPDX-License-Identifier: MIT */
#include "passing.h"
#include "../shared/clock.h"
#include "../shared/inherited.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#define WAIT_NS 20000000 /* for the twin: systemd walks a control group in well under a millisecond */
#define AGAIN_NS 10000000000ll
#define WAITING_MAX 64
#define NAME "mb-supervisor"

struct heard {
	u32 pid;
	u32 uid;
	s32 code;
	s64 at; /* 0: never */
	s64 taken_at; /* the one that was last taken for COMMAND's */
};

struct waiting {
	struct wire_signal signal;
	s64 due;
};

static struct heard heard[SIGNALS_MAX + 1]; /* the newest of each number */
static struct waiting waiting[WAITING_MAX]; /* the oldest first */
static int count;

static int same_sender(const struct heard *twin, const struct wire_signal *signal)
{
	return twin->at > 0 && twin->pid == signal->pid && twin->uid == signal->uid &&
	       twin->code == signal->code;
}

/* COMMAND has it already. A terminal's is certain, and so is one that comes to the front twice (timeout(1)). */
static int is_twin(const struct wire_signal *signal)
{
	struct heard *twin = &heard[signal->signal];

	if (!same_sender(twin, signal))
		return 0;
	if (signal->code != SI_KERNEL && twin->taken_at > 0 && twin->taken_at != twin->at &&
	    twin->at - twin->taken_at < AGAIN_NS)
		return 0;
	twin->taken_at = twin->at;
	return 1;
}

static void forget(int index)
{
	count--;
	memmove(&waiting[index], &waiting[index + 1], (size_t)(count - index) * sizeof(*waiting));
}

void passing_rename(void)
{
	/* argv[0]: this process's own copy, which nothing reads any more. */
	strncpy(program_invocation_name, NAME, strlen(program_invocation_name));
	prctl(PR_SET_NAME, NAME);
}

void passing_heard(const struct signalfd_siginfo *info)
{
	if (info->ssi_signo > SIGNALS_MAX)
		return;
	heard[info->ssi_signo].pid = info->ssi_pid;
	heard[info->ssi_signo].uid = info->ssi_uid;
	heard[info->ssi_signo].code = info->ssi_code;
	heard[info->ssi_signo].at = monotonic_ns();
	for (int i = count - 1; i >= 0; i--) {
		if (waiting[i].signal.signal == (s32)info->ssi_signo && is_twin(&waiting[i].signal))
			forget(i);
	}
}

/* ESRCH, EPERM, EAGAIN: no child to tell. */
static void send(pid_t child, const struct wire_signal *signal)
{
	const union sigval value = { .sival_ptr = (void *)(uintptr_t)signal->value };

	if (!child)
		return;
	if (signal->code == SI_QUEUE)
		sigqueue(child, signal->signal, value);
	else
		kill(child, signal->signal);
}

static void send_oldest(pid_t child)
{
	send(child, &waiting[0].signal);
	forget(0);
}

void passing_add(const struct wire_signal *signal, pid_t child)
{
	const s64 now = monotonic_ns();

	if (signal->signal < 1 || signal->signal > SIGNALS_MAX)
		return;
	if (now - heard[signal->signal].at < WAIT_NS && is_twin(signal))
		return;
	if (count == WAITING_MAX)
		send_oldest(child);
	waiting[count++] = (struct waiting){ *signal, now + WAIT_NS };
}

s64 passing_send(pid_t child)
{
	while (count > 0) {
		const s64 left = waiting[0].due - monotonic_ns();

		if (left > 0)
			return left;
		send_oldest(child);
	}
	return -1;
}

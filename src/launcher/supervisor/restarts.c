/* SPDX-License-Identifier: MIT */
#include "restarts.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPECTED_MAX 256

/*
 * What tells a restarted call from another of the same thread: the same place in the program, the same arguments, and
 * the same stack pointer, for the handler that runs in between may make the same call from a deeper one. A handler
 * that leaves by siglongjmp(3) makes none of it; then the next call that is the same in all of these passes once.
 */
struct expected {
	pid_t tid;
	int number;
	u64 place;
	u64 stack; /* 0: unknown */
	u64 arguments[6];
	struct verdict rest;
};

/* Packed: those in use come first. */
static struct expected table[EXPECTED_MAX];
static u32 count;

static int is_for(const struct expected *expected, const struct seccomp_notif *call)
{
	return expected->tid == (pid_t)call->pid && expected->number == call->data.nr &&
	       expected->place == call->data.instruction_pointer &&
	       memcmp(expected->arguments, call->data.args, sizeof(expected->arguments)) == 0;
}

static struct expected *find(const struct seccomp_notif *call, u64 stack, int exactly)
{
	for (u32 i = 0; i < count; i++) {
		struct expected *it = &table[i];

		if (is_for(it, call) &&
		    (it->stack == stack || (!exactly && (it->stack == 0 || stack == 0))))
			return it;
	}
	return NULL;
}

static void drop(struct expected *expected)
{
	*expected = table[--count];
}

/* Of threads that have ended. */
static void clean(void)
{
	for (u32 i = count; i-- > 0;) {
		if (syscall(SYS_tkill, table[i].tid, 0) < 0 && errno == ESRCH)
			drop(&table[i]);
	}
}

int restarts_expect(const struct seccomp_notif *call, u64 stack, struct verdict rest)
{
	struct expected *it = find(call, stack, 1);

	if (it) {
		it->rest = rest; /* left over from a handler that never returned */
		return 0;
	}
	if (count == EXPECTED_MAX)
		clean();
	if (count == EXPECTED_MAX)
		return -1;

	it = &table[count++];
	*it = (struct expected){ .tid = (pid_t)call->pid,
				 .number = call->data.nr,
				 .place = call->data.instruction_pointer,
				 .stack = stack,
				 .rest = rest };
	memcpy(it->arguments, call->data.args, sizeof(it->arguments));
	return 0;
}

void restarts_forget(const struct seccomp_notif *call, u64 stack)
{
	struct expected *it = find(call, stack, 1);

	if (it)
		drop(it);
}

void restarts_forget_all(pid_t tid)
{
	for (u32 i = count; i-- > 0;) {
		if (table[i].tid == tid)
			drop(&table[i]);
	}
}

int restarts_have(const struct seccomp_notif *call)
{
	for (u32 i = 0; i < count; i++) {
		if (is_for(&table[i], call))
			return 1;
	}
	return 0;
}

int restarts_take(const struct seccomp_notif *call, u64 stack, struct verdict *rest)
{
	struct expected *it = find(call, stack, 0);

	if (!it)
		return 0;
	*rest = it->rest;
	drop(it);
	return 1;
}

/* SPDX-License-Identifier: MIT */
#include "state.h"
#include "own-filter.h"
#include "../launcher/stage/raw.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/syscall.h>

static int state = OWN_FILTER_NONE;
static const char *text = "";

int state_now(void)
{
	return __atomic_load_n(&state, __ATOMIC_ACQUIRE);
}

const char *state_text(void)
{
	return __atomic_load_n(&text, __ATOMIC_ACQUIRE);
}

int state_begin(int from)
{
	return __atomic_compare_exchange_n(&state, &from, OWN_FILTER_STARTING, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* A process's mutexes would not do: their own calls may be named, at a moment at which nothing answers yet. */
void state_await(void)
{
	while (state_now() == OWN_FILTER_STARTING)
		(void)raw_call(SYS_futex, (long)&state, FUTEX_WAIT_PRIVATE, OWN_FILTER_STARTING, 0, 0);
}

static void set(int next)
{
	__atomic_store_n(&state, next, __ATOMIC_RELEASE);
	(void)raw_call(SYS_futex, (long)&state, FUTEX_WAKE_PRIVATE, INT_MAX, 0, 0);
}

void state_ready(const char *control)
{
	__atomic_store_n(&text, control, __ATOMIC_RELEASE);
	set(OWN_FILTER_READY);
}

void state_fail(int failure, int error, const char *why)
{
	char *whole;

	if (asprintf(&whole, "%d %d %s", failure, error, why) >= 0)
		__atomic_store_n(&text, whole, __ATOMIC_RELEASE);
	set(OWN_FILTER_FAILED);
}

void state_lose(void)
{
	set(OWN_FILTER_LOST);
}

void state_forget(void)
{
	if (state_now() == OWN_FILTER_STARTING)
		set(OWN_FILTER_NONE);
}

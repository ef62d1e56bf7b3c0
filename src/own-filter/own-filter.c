/* SPDX-License-Identifier: MIT */
#include "own-filter.h"
#include "forked.h"
#include "keeper.h"
#include "state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_request(struct join_request *request)
{
	if (!request)
		return;
	free(request->launcher);
	free(request->path);
	free(request->reach);
	free(request->seed);
	free(request);
}

static struct join_request *copy_request(const char *launcher, const char *path, const char *reach,
					 const char *seed)
{
	struct join_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->launcher = strdup(launcher);
	request->reach = strdup(reach);
	request->seed = strdup(seed);
	if (asprintf(&request->path, "PATH=%s", path) < 0)
		request->path = NULL;
	if (request->launcher && request->path && request->reach && request->seed)
		return request;
	free_request(request);
	return NULL;
}

/* This thread has the state OWN_FILTER_STARTING to itself, until another one is set. */
static void start(const char *launcher, const char *path, const char *reach, const char *seed)
{
	struct join_request *request = copy_request(launcher, path, reach, seed);
	int error = request ? forked_prepare() : ENOMEM;

	if (!error)
		error = keeper_start(request);
	if (error) {
		state_fail(OWN_FILTER_THREADS, error, "");
		free_request(request);
	}
}

int own_filter_state(void)
{
	return state_now();
}

u32 own_filter_seed(u32 proposed)
{
	static u32 seed;
	u32 before = 0;

	return __atomic_compare_exchange_n(&seed, &before, proposed, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED) ? proposed :
													      before;
}

int own_filter_start(const char *launcher, const char *path, const char *reach, const char *seed, char *text, u32 size)
{
	int asked = 0;

	for (;;) {
		const int now = state_now();

		if (now == OWN_FILTER_STARTING) {
			asked = 1; /* what becomes of it is our answer, too */
			state_await();
		} else if (now == OWN_FILTER_READY || now == OWN_FILTER_LOST || (now == OWN_FILTER_FAILED && asked)) {
			(void)snprintf(text, size, "%s", state_text());
			return now;
		} else if (state_begin(now)) {
			asked = 1;
			start(launcher, path, reach, seed);
		}
	}
}

/* SPDX-License-Identifier: MIT */
#include "forked.h"
#include "keeper.h"
#include "state.h"

#include <pthread.h>

/* fork(2) calls it in the child, whose calls are named already: by raw_call() only. */
static void forget(void)
{
	keeper_forget();
	state_forget();
}

int forked_prepare(void)
{
	static int is_prepared;
	const int error = is_prepared ? 0 : pthread_atfork(NULL, NULL, forget);

	is_prepared |= !error;
	return error;
}

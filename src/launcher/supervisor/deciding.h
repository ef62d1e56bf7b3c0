/* SPDX-License-Identifier: MIT */
/*
 * The one lock under which calls are decided: it orders the occurrences of a rule, and guards what is known of
 * processes, loaders and restarted calls. A thread that holds it waits for nothing else: no file of /proc, no memory of a
 * target, no pipe.
 */
#ifndef MINDERBINDER_DECIDING_H
#define MINDERBINDER_DECIDING_H

#include <pthread.h>
#include <stdlib.h>

extern pthread_mutex_t deciding;

static inline void lock(pthread_mutex_t *mutex)
{
	if (pthread_mutex_lock(mutex) != 0)
		abort(); /* a bug: it is held already */
}

static inline void unlock(pthread_mutex_t *mutex)
{
	if (pthread_mutex_unlock(mutex) != 0)
		abort();
}

#endif

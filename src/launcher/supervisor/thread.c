/* SPDX-License-Identifier: MIT */
#include "thread.h"

#include <errno.h>
#include <pthread.h>

#define STACK_BYTES (256u << 10)

int thread_start(void *(*run)(void *), void *argument)
{
	pthread_attr_t attributes;
	pthread_t thread;

	errno = pthread_attr_init(&attributes);
	if (errno)
		return -1;
	errno = pthread_attr_setstacksize(&attributes, STACK_BYTES);
	if (errno == 0)
		errno = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	if (errno == 0)
		errno = pthread_create(&thread, &attributes, run, argument);

	const int error = errno;

	(void)pthread_attr_destroy(&attributes);
	errno = error;
	return error ? -1 : 0;
}

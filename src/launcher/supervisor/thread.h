/* SPDX-License-Identifier: MIT */
#ifndef MINDERBINDER_THREAD_H
#define MINDERBINDER_THREAD_H

/* Starts a detached thread with a small stack. 0, or -1 with errno. */
int thread_start(void *(*run)(void *), void *argument);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Threads that called exec and were last seen in the dynamic loader, or not yet seen since. All of it is called under
 * the lock `deciding`.
 */
#ifndef MINDERBINDER_LOADING_H
#define MINDERBINDER_LOADING_H

#include <sys/types.h>

void loading_add(pid_t tid);
int loading_has(pid_t tid);
void loading_remove(pid_t tid);

#endif

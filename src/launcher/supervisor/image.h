/* SPDX-License-Identifier: MIT */
#ifndef MINDERBINDER_IMAGE_H
#define MINDERBINDER_IMAGE_H

#include "../shared/types.h"

#include <sys/types.h>

/*
 * A number for the program that thread tid runs: another one after each exec, the same after a fork. Never 0. Made
 * of where the parts of the program lie, and of the 16 bytes that are random for each exec (AT_RANDOM, getauxval(3));
 * where neither can be read (ptrace(2), PTRACE_MODE_READ_FSCREDS), of the name and the arguments.
 */
u64 image_of(pid_t tid);

#endif

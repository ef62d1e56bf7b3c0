/* SPDX-License-Identifier: MIT */
/* The end of a launcher that cannot start or go on. */
#ifndef MINDERBINDER_FAIL_H
#define MINDERBINDER_FAIL_H

#define EXIT_FAILED 125 /* our own failure: section EXIT STATUS of the man page */

/* Says what failed, and errno's reason. */
_Noreturn void fail(const char *what);

#endif

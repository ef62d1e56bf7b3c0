/* SPDX-License-Identifier: MIT */
/* How far this process is with its filter (enum own_filter_state). By any thread, and by calls that the filter lets pass. */
#ifndef MINDERBINDER_STATE_H
#define MINDERBINDER_STATE_H

int state_now(void);

/* What own_filter_start() says of it: never freed, for another thread may read it. */
const char *state_text(void);

/* From a state in which there is none to OWN_FILTER_STARTING: 1, or 0 if another thread was faster. */
int state_begin(int from);

/* Until it is not OWN_FILTER_STARTING any more. */
void state_await(void);

void state_ready(const char *control);

/* There is no filter. enum own_filter_failure */
void state_fail(int failure, int error, const char *text);

/* There is one, and no supervisor. */
void state_lose(void);

/* In a process that was forked from this one: what another thread was about to do will not be done here. */
void state_forget(void);

#endif

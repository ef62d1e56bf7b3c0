/* SPDX-License-Identifier: MIT */
/*
 * Seccomp's notifications without a supervisor: every call goes on. What a supervisor had received when it died waits for an
 * answer to its id, which died with it. But ids are consecutive (kernel/seccomp.c, seccomp_next_notify_id()), so all that
 * there may be are known by the first and the newest one.
 */
#ifndef MINDERBINDER_NOTIFICATIONS_H
#define MINDERBINDER_NOTIFICATIONS_H

#include "../launcher/shared/types.h"

#include <linux/seccomp.h>
#include <sys/types.h>

/* Receives one, by raw_call(). */
void notification_receive(int listener, struct seccomp_notif *call);

/* Lets a call that waits go on. One that does not, or not yet, is left as it is. */
void notification_pass(int listener, u64 id);

/* It fails instead. */
void notification_fail(int listener, u64 id, int error);

#endif

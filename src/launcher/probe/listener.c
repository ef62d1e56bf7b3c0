/* SPDX-License-Identifier: MIT */
#include "probe.h"
#include "say.h"
#include "../shared/filter.h"

int probe_listener(void)
{
	static const struct call_set none;
	const int listener = filter_install(&none, SECCOMP_RET_USER_NOTIF);

	probe_say("listener", listener < 0 ? -listener : 0);
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "privilege.h"
#include "../shared/target.h"

#include <elf.h>

static int is_of(const struct owner *owner, u32 gid)
{
	for (u32 i = 0; i < owner->group_count; i++) {
		if (owner->groups[i] == gid)
			return 1;
	}
	return gid == owner->gid;
}

/* AT_SECURE: the program that runs was started with more rights than its starter's, and may have dropped them since. */
static int started_with_more(pid_t pid)
{
	Elf64_auxv_t auxv[64];
	ssize_t n = target_file(pid, "auxv", auxv, sizeof(auxv));

	for (ssize_t i = 0; i < n / (ssize_t)sizeof(auxv[0]); i++) {
		if (auxv[i].a_type == AT_SECURE)
			return auxv[i].a_un.a_val != 0;
	}
	return 0;
}

int holds_more_rights(pid_t pid, const struct owner *owner)
{
	struct rights now;

	if (started_with_more(pid))
		return 1;
	if (target_rights(pid, &now) < 0)
		return 0;
	for (int i = 0; i < 4; i++) {
		if (now.uids[i] != owner->uid || !is_of(owner, now.gids[i]))
			return 1;
	}
	/* In a user namespace of its own (unshare -r) a process has all capabilities, and none outside of it. */
	return now.permitted != 0 && target_shares_namespace(pid, "user");
}

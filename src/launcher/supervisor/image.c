/* SPDX-License-Identifier: MIT */
#include "image.h"
#include "../shared/target.h"

#include <elf.h>
#include <string.h>

static u64 hash_file(pid_t tid, const char *name, u64 hash)
{
	char text[4096];
	ssize_t n = target_file(tid, name, text, sizeof(text));

	for (ssize_t i = 0; i < n; i++)
		hash = mix64(hash ^ (u8)text[i]) + 1;
	return hash;
}

u64 image_of(pid_t tid)
{
	Elf64_auxv_t auxv[64];
	u64 hash = 1, random[2];
	ssize_t n = target_file(tid, "auxv", auxv, sizeof(auxv));

	if (n <= 0)
		return hash_file(tid, "cmdline", hash_file(tid, "comm", hash)) | 1;
	for (size_t i = 0; i < (size_t)n / sizeof(auxv[0]); i++) {
		hash = mix64(hash ^ auxv[i].a_un.a_val);
		if (auxv[i].a_type == AT_RANDOM &&
		    target_read(tid, auxv[i].a_un.a_val, random, sizeof(random)) == 0)
			hash = mix64(mix64(hash ^ random[0]) ^ random[1]);
	}
	return hash | 1;
}

/* SPDX-License-Identifier: MIT */
#include "near.h"
#include "../../../bpf/glob.h"
#include "deciding.h"

#include <string.h>
#include <strings.h>

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static struct near_path kept[NEAR_MAX];
static u32 count;
static u8 of_rule[RULES_MAX]; /* by slot % RULES_MAX: those that share one have less room */

int near_wanted(u32 slot)
{
	return __atomic_load_n(&of_rule[slot % RULES_MAX], __ATOMIC_RELAXED) < NEAR_OF_RULE &&
	       __atomic_load_n(&count, __ATOMIC_RELAXED) < NEAR_MAX;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* One character more, less, or another, or two neighbours swapped; or capital and small letters. */
static int is_typo(const char *meant, const char *seen)
{
	size_t length = strlen(meant), other = strlen(seen), same = 0;

	if (strcasecmp(meant, seen) == 0)
		return 1;
	if (length < 3 || length + 1 < other || other + 1 < length)
		return 0;
	while (meant[same] && meant[same] == seen[same])
		same++;
	meant += same;
	seen += same;
	if (length > other)
		return strcmp(meant + 1, seen) == 0;
	if (length < other)
		return strcmp(meant, seen + 1) == 0;
	return strcmp(meant + 1, seen + 1) == 0 ||
	       (meant[0] == seen[1] && meant[1] == seen[0] && strcmp(meant + 2, seen + 2) == 0);
}

/* Written another way: relative and absolute, too. */
int is_near(const char *glob, const char *path)
{
	const char *meant = last_part(glob), *seen = last_part(path);

	if (!*meant || !*seen || strspn(meant, "*?") == strlen(meant))
		return 0; /* any name would do */
	return strpbrk(meant, "*?[\\") ? glob_matches(meant, seen) : is_typo(meant, seen);
}

void near_consider(u32 slot, const char *glob, const char *path)
{
	if (!is_near(glob, path))
		return;

	const u32 length = (u32)strnlen(path, RULE_PATH_MAX);
	u8 *const of = &of_rule[slot % RULES_MAX];

	lock(&guard);
	int is_new = near_wanted(slot);

	for (u32 i = 0; i < count && is_new; i++) {
		is_new = kept[i].slot != slot || kept[i].length != length ||
			 memcmp(kept[i].path, path, length) != 0;
	}
	if (is_new) {
		kept[count] = (struct near_path){ .slot = slot, .length = length };
		memcpy(kept[count].path, path, length);
		__atomic_store_n(&count, count + 1, __ATOMIC_RELAXED);
		__atomic_store_n(of, *of + 1, __ATOMIC_RELAXED);
	}
	unlock(&guard);
}

u32 near_all(struct near_path *all)
{
	lock(&guard);

	const u32 taken = count;

	memcpy(all, kept, taken * sizeof(*all));
	unlock(&guard);
	return taken;
}

u32 near_forget(struct near_path *all, int (*are_there)(const struct faults *faults, u32 slot), const struct faults *faults)
{
	u32 left = 0, forgotten = 0;

	lock(&guard);
	for (u32 i = 0; i < count; i++) {
		u8 *const of = &of_rule[kept[i].slot % RULES_MAX];

		if (are_there(faults, kept[i].slot)) {
			kept[left++] = kept[i];
		} else {
			all[forgotten++] = kept[i];
			__atomic_store_n(of, *of - 1, __ATOMIC_RELAXED);
		}
	}
	__atomic_store_n(&count, left, __ATOMIC_RELAXED);
	unlock(&guard);
	return forgotten;
}

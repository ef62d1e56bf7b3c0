/* SPDX-License-Identifier: MIT */
#include "loading.h"
#include "../shared/types.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#define FIRST_CAPACITY 64 /* a power of two */

/* Open addressing, linear probing, 0 for free; at most half full. */
static pid_t *table;
static size_t capacity, used;

static size_t home(pid_t tid)
{
	return mix64((u64)tid) & (capacity - 1);
}

static size_t slot_of(pid_t tid)
{
	size_t at = home(tid);

	while (table[at] && table[at] != tid)
		at = (at + 1) & (capacity - 1);
	return at;
}

int loading_has(pid_t tid)
{
	return used > 0 && table[slot_of(tid)] == tid;
}

/* A process may end without a call that is named: those are forgotten when the room is needed. */
static int make_room(void)
{
	pid_t *const old = table;
	const size_t old_capacity = capacity;
	size_t living = 0;

	for (size_t i = 0; i < old_capacity; i++) {
		if (old[i] && kill(old[i], 0) < 0 && errno == ESRCH)
			old[i] = 0;
		living += old[i] != 0;
	}

	size_t size = FIRST_CAPACITY;

	while (size < living * 4)
		size *= 2;

	pid_t *fresh = calloc(size, sizeof(*fresh));

	if (!fresh)
		return -1;
	table = fresh;
	capacity = size;
	used = living;
	for (size_t i = 0; i < old_capacity; i++) {
		if (old[i])
			table[slot_of(old[i])] = old[i];
	}
	free(old);
	return 0;
}

void loading_add(pid_t tid)
{
	if (used * 2 >= capacity && make_room() < 0)
		return; /* then its loader is faulted, too: better than not to fault */

	const size_t at = slot_of(tid);

	used += table[at] == 0;
	table[at] = tid;
}

/* What lies behind it moves up, unless it would get before its home. */
void loading_remove(pid_t tid)
{
	if (!loading_has(tid))
		return;

	size_t hole = slot_of(tid);

	for (size_t at = hole;;) {
		at = (at + 1) & (capacity - 1);
		if (!table[at])
			break;
		if (((at - home(table[at])) & (capacity - 1)) >= ((at - hole) & (capacity - 1))) {
			table[hole] = table[at];
			hole = at;
		}
	}
	table[hole] = 0;
	used--;
}

/* SPDX-License-Identifier: MIT */
/*
 * What is kept by process or thread id, in a table that grows: open addressing, linear probing, rebuilt without the dead when
 * it is half full. One thread at a time changes it, under a lock of the caller's. That thread may look things up any time,
 * others under `deciding`.
 */
#ifndef MINDERBINDER_PID_TABLE_H
#define MINDERBINDER_PID_TABLE_H

#include "../shared/types.h"

#include <sys/types.h>

struct pid_table {
	void **entries; /* each begins with its id, a pid_t; NULL if there is none */
	size_t capacity; /* a power of two */
	size_t used;
	int (*is_alive)(const void *entry);
	void (*retire)(void *entry); /* it is out of the table; under `deciding` */
};

/* Empty, but for its functions. 0, or -1 with errno. */
int pid_table_init(struct pid_table *table);

/*
 * Entries may hold a file each: the limit is raised to the most that it may be, for the command gets its own from what the
 * caller had (inherited.h). The number that a file of an entry must be below, so that some are left to everything else; or -1
 * with errno.
 */
int pid_table_files(void);

static inline size_t pid_table_place(const struct pid_table *table, pid_t id)
{
	size_t at = mix64((u64)id) & (table->capacity - 1);

	while (table->entries[at] && *(const pid_t *)table->entries[at] != id)
		at = (at + 1) & (table->capacity - 1);
	return at;
}

/* NULL: there is none; else perhaps a dead one. */
static inline void *pid_table_get(const struct pid_table *table, pid_t id)
{
	return table->entries[pid_table_place(table, id)];
}

/* For one more entry. Not under `deciding`, as the next. 0, or -1: no memory. */
int pid_table_make_room(struct pid_table *table);

/* There is room. One that had its id retires. */
void pid_table_put(struct pid_table *table, void *entry);

#endif

/* SPDX-License-Identifier: MIT */
#include "pid-table.h"
#include "deciding.h"

#include <stdlib.h>
#include <sys/resource.h>

#define FIRST_CAPACITY 256 /* a power of two */
#define SPARE_FILES 64 /* descriptors that are left to everything else */

int pid_table_init(struct pid_table *table)
{
	table->capacity = FIRST_CAPACITY;
	table->used = 0;
	table->entries = calloc(table->capacity, sizeof(*table->entries));
	return table->entries ? 0 : -1;
}

int pid_table_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return -1;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		return -1;

	const int most = files.rlim_cur > INT32_MAX ? INT32_MAX : (int)files.rlim_cur;

	return most > SPARE_FILES ? most - SPARE_FILES : 0;
}

/* Those of `table` that are alive: how many there are, and which. */
static size_t count_living(const struct pid_table *table, u8 *alive)
{
	size_t living = 0;

	for (size_t i = 0; i < table->capacity; i++) {
		alive[i] = table->entries[i] && table->is_alive(table->entries[i]);
		living += alive[i];
	}
	return living;
}

/* `fresh` takes the living over, and the others retire. */
static void replace(struct pid_table *table, const struct pid_table *fresh, const u8 *alive)
{
	void **const old = table->entries;
	const size_t old_capacity = table->capacity;

	lock(&deciding);
	*table = *fresh;
	for (size_t i = 0; i < old_capacity; i++) {
		if (old[i] && !alive[i])
			table->retire(old[i]);
	}
	unlock(&deciding);
	free(old);
}

static int rebuild(struct pid_table *table)
{
	struct pid_table fresh = *table;
	u8 *alive = calloc(table->capacity, 1);

	if (!alive)
		return -1;
	fresh.used = count_living(table, alive);
	fresh.capacity = FIRST_CAPACITY;
	while (fresh.capacity < fresh.used * 4)
		fresh.capacity *= 2;
	fresh.entries = calloc(fresh.capacity, sizeof(*fresh.entries));
	if (!fresh.entries) {
		free(alive);
		return -1;
	}
	for (size_t i = 0; i < table->capacity; i++) {
		void *entry = table->entries[i];

		if (alive[i])
			fresh.entries[pid_table_place(&fresh, *(const pid_t *)entry)] = entry;
	}
	replace(table, &fresh, alive);
	free(alive);
	return 0;
}

int pid_table_make_room(struct pid_table *table)
{
	return table->used * 2 < table->capacity ? 0 : rebuild(table);
}

void pid_table_put(struct pid_table *table, void *entry)
{
	const size_t at = pid_table_place(table, *(const pid_t *)entry);

	lock(&deciding);
	if (table->entries[at])
		table->retire(table->entries[at]);
	else
		table->used++;
	table->entries[at] = entry;
	unlock(&deciding);
}

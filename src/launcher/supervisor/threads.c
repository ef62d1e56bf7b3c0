/* SPDX-License-Identifier: MIT */
#include "threads.h"
#include "deciding.h"
#include "pid-table.h"
#include "../shared/target.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct thread {
	pid_t tid;
	int file;  /* /proc/TID/comm; -1: there are too many */
	u64 birth; /* starttime in /proc/TID/stat, for want of a file */
	struct rule_counts counts[];
};

/* One thread at a time meets another one. */
static pthread_mutex_t meeting = PTHREAD_MUTEX_INITIALIZER;

static u32 rules;
static int files_max;

/* ESRCH once the thread is gone, even if another has its tid then (fs/proc/array.c, comm_show()). Waits for nothing. */
static int is_alive(const void *entry)
{
	const struct thread *thread = entry;
	char first;

	if (thread->file < 0)
		return target_stat(thread->tid, STAT_STARTTIME) == thread->birth;
	return pread(thread->file, &first, 1, 0) >= 0;
}

static void free_thread(void *entry)
{
	struct thread *thread = entry;

	if (thread->file >= 0)
		close(thread->file);
	free(thread);
}

static struct pid_table table = { .is_alive = is_alive, .retire = free_thread };

int threads_init(u32 rows)
{
	rules = rows;
	files_max = pid_table_files();
	return files_max < 0 ? -1 : pid_table_init(&table);
}

static struct thread *new_thread(pid_t tid)
{
	char path[64];
	struct thread *thread = calloc(1, sizeof(*thread) + rules * sizeof(thread->counts[0]));

	if (!thread)
		return NULL;
	thread->tid = tid;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)tid);
	thread->file = open(path, O_RDONLY | O_CLOEXEC);
	if (thread->file >= files_max) {
		close(thread->file);
		thread->file = -1;
	}
	thread->birth = target_stat(tid, STAT_STARTTIME);
	if (thread->birth != 0)
		return thread;
	free_thread(thread);
	return NULL;
}

struct rule_counts *threads_counts(pid_t tid)
{
	struct thread *thread = pid_table_get(&table, tid);

	return thread && is_alive(thread) ? thread->counts : NULL;
}

/* It is known now, unless there is no memory or it is gone. Under `meeting`. */
static struct thread *meet(pid_t tid)
{
	struct thread *known = pid_table_get(&table, tid);
	struct thread *thread;

	if (known && is_alive(known))
		return known;
	if (pid_table_make_room(&table) < 0)
		return NULL;
	thread = new_thread(tid);
	if (thread)
		pid_table_put(&table, thread);
	return thread;
}

void threads_meet(pid_t tid)
{
	lock(&meeting);
	(void)meet(tid);
	unlock(&meeting);
}

void threads_exec(pid_t leader, pid_t by)
{
	struct thread *from, *to;

	if (!table.entries)
		return; /* no rule counts in threads */
	lock(&meeting);
	to = meet(leader);
	/* By its old tid it has ended: what is dead stays in the table until there is no room. */
	from = pid_table_get(&table, by);
	lock(&deciding);
	if (to && from)
		memcpy(to->counts, from->counts, rules * sizeof(to->counts[0]));
	else if (to)
		memset(to->counts, 0, rules * sizeof(to->counts[0]));
	unlock(&deciding);
	unlock(&meeting);
}

void threads_begin_counts(u32 row)
{
	for (size_t i = 0; i < table.capacity; i++) {
		struct thread *thread = table.entries[i];

		if (thread)
			memset(&thread->counts[row], 0, sizeof(thread->counts[row]));
	}
}

/* SPDX-License-Identifier: MIT */
#include "processes.h"
#include "image.h"
#include "lineage.h"
#include "target.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_CAPACITY 256 /* a power of two */
#define STAT_STARTTIME 22

/* Open addressing, linear probing; rebuilt without the dead when it is half full. */
static struct process **table;
static size_t capacity, used;
static u32 rules;
static size_t words; /* of each set of rules; 0: there are no targets */

int processes_init(u32 rule_count, int with_targets)
{
	rules = rule_count;
	words = with_targets ? (rule_count + 63) / 64 : 0;
	capacity = FIRST_CAPACITY;
	table = calloc(capacity, sizeof(*table));
	return table ? 0 : -1;
}

static size_t slot_of(struct process **in, size_t size, pid_t pid)
{
	size_t at = mix64((u64)pid) & (size - 1);

	while (in[at] && in[at]->pid != pid)
		at = (at + 1) & (size - 1);
	return at;
}

static int is_alive(const struct process *process)
{
	return target_stat(process->pid, STAT_STARTTIME) == process->birth;
}

static int rebuild(void)
{
	size_t living = 0;

	for (size_t i = 0; i < capacity; i++) {
		if (table[i] && !is_alive(table[i])) {
			free(table[i]);
			table[i] = NULL;
		}
		living += table[i] != NULL;
	}

	size_t size = FIRST_CAPACITY;

	while (size < living * 4)
		size *= 2;

	struct process **fresh = calloc(size, sizeof(*fresh));

	if (!fresh)
		return -1;
	for (size_t i = 0; i < capacity; i++) {
		if (table[i])
			fresh[slot_of(fresh, size, table[i]->pid)] = table[i];
	}
	free(table);
	table = fresh;
	capacity = size;
	used = living;
	return 0;
}

void processes_living(void (*visit)(const struct process *process))
{
	for (size_t i = 0; i < capacity; i++) {
		if (table[i] && is_alive(table[i]))
			visit(table[i]);
	}
}

struct process *process_known(pid_t pid)
{
	struct process *process = table[slot_of(table, capacity, pid)];

	return process && is_alive(process) ? process : NULL;
}

static struct process *new_process(pid_t pid)
{
	struct process *process = calloc(1, sizeof(*process) + rules * sizeof(process->counts[0]) +
						    2 * words * sizeof(u64));

	if (!process)
		return NULL;
	process->pid = pid;
	process->own = (u64 *)(process->counts + rules);
	process->kept = process->own + words;
	return process;
}

struct process *process_of(pid_t tid)
{
	pid_t pid = target_process(tid);

	if (pid == 0)
		return NULL;

	u64 birth = target_stat(pid, STAT_STARTTIME);
	size_t at = slot_of(table, capacity, pid);

	if (table[at] && table[at]->birth != birth) { /* the pid was used again */
		memset(table[at]->counts, 0, rules * sizeof(table[at]->counts[0]));
		table[at]->birth = 0;
	}
	if (!table[at]) {
		if (used * 2 >= capacity) {
			if (rebuild() < 0)
				return NULL;
			at = slot_of(table, capacity, pid);
		}
		table[at] = new_process(pid);
		if (!table[at])
			return NULL;
		used++;
	}

	struct process *process = table[at];

	if (process->birth == 0) {
		u64 tick = (u64)sysconf(_SC_CLK_TCK);

		process->birth = birth;
		process->start_ns = birth / tick * 1000000000 + birth % tick * 1000000000 / tick;
		process->exec_image = 0;
		if (words) {
			process->image = image_of(pid);
			lineage_forked(process);
		}
	}
	return process;
}

void process_execs(struct process *process, pid_t tid, u64 now_ns)
{
	process->exec_image = image_of(tid);
	process->exec_ns = now_ns;
	process->exec_tid = tid;
}

void process_settle(struct process *process, pid_t tid)
{
	if (!process->exec_image)
		return;

	const u64 image = image_of(process->pid);

	if (image != process->exec_image) {
		process->exec_image = 0;
		process->start_ns = process->exec_ns;
		if (words) {
			process->image = image;
			lineage_execed(process);
		}
	} else if (tid == process->exec_tid) {
		process->exec_image = 0; /* it failed and has returned; other threads' calls tell nothing */
	}
}

u64 process_age(const struct process *process, u64 now_ns)
{
	return now_ns > process->start_ns ? now_ns - process->start_ns : 0;
}

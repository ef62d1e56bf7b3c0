/* SPDX-License-Identifier: MIT */
#include "processes.h"
#include "target.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_CAPACITY 256 /* a power of two */
#define STAT_STARTTIME 22

/* Open addressing, linear probing; rebuilt without the dead when it is half full. */
static struct process **table;
static size_t capacity, used;
static u32 rules;

int processes_init(u32 rule_count)
{
	rules = rule_count;
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
		table[at] = calloc(1, sizeof(**table) + rules * sizeof(table[at]->counts[0]));
		if (!table[at])
			return NULL;
		table[at]->pid = pid;
		used++;
	}

	struct process *process = table[at];

	if (process->birth == 0) {
		u64 tick = (u64)sysconf(_SC_CLK_TCK);

		process->birth = birth;
		process->start_ns = birth / tick * 1000000000 + birth % tick * 1000000000 / tick;
		process->exec_image = 0;
	}
	return process;
}

/* Differs between two images of one process: where its parts lie, and 16 bytes that are random for each exec. */
static u64 image_of(pid_t tid)
{
	Elf64_auxv_t auxv[64];
	u64 hash = 1, random[2];
	ssize_t n = target_file(tid, "auxv", auxv, sizeof(auxv));

	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(auxv[0]); i++) {
		hash = mix64(hash ^ auxv[i].a_un.a_val);
		if (auxv[i].a_type == AT_RANDOM &&
		    target_read(tid, auxv[i].a_un.a_val, random, sizeof(random)) == 0)
			hash = mix64(mix64(hash ^ random[0]) ^ random[1]);
	}
	return hash | 1;
}

void process_execs(struct process *process, pid_t tid, u64 now_ns)
{
	process->exec_image = image_of(tid);
	process->exec_ns = now_ns;
}

u64 process_age(struct process *process, pid_t tid, u64 now_ns)
{
	if (process->exec_image) {
		if (image_of(tid) != process->exec_image)
			process->start_ns = process->exec_ns;
		process->exec_image = 0;
	}
	return now_ns > process->start_ns ? now_ns - process->start_ns : 0;
}

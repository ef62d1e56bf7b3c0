/* SPDX-License-Identifier: MIT */
#include "processes.h"
#include "deciding.h"
#include "image.h"
#include "lineage.h"
#include "../shared/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* Linux 5.3 */
#define SYS_pidfd_send_signal 424
#endif

#define FIRST_CAPACITY 256 /* a power of two */
#define THREADS 4096       /* a power of two */
#define SPARE_FILES 64 /* descriptors that are left to everything else */

/* One thread at a time looks into /proc, and changes the table. */
static pthread_mutex_t books = PTHREAD_MUTEX_INITIALIZER;

/* Open addressing, linear probing; rebuilt without the dead when it is half full. */
static struct process **table;
static size_t capacity, used;

/* The process of a thread that is not its leader, as it was last time: what collides is found out anew. */
static struct {
	pid_t tid, pid;
} threads[THREADS];

static u32 rules;
static size_t words; /* of each set of rules; 0: there are no targets */
static const struct owner *spared_owner;
static u64 *scratch; /* a set of rules */
static int files_max;

static size_t slot_of(struct process **in, size_t size, pid_t pid)
{
	size_t at = mix64((u64)pid) & (size - 1);

	while (in[at] && in[at]->pid != pid)
		at = (at + 1) & (size - 1);
	return at;
}

/* It is not reaped yet: so its pid is no other's. */
static int is_there(int pidfd)
{
	return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0 || errno == EPERM;
}

static int is_alive(const struct process *process)
{
	return process->pidfd >= 0 ? is_there(process->pidfd) :
				     target_stat(process->pid, STAT_STARTTIME) == process->birth;
}

/* -1 where there is none; also where signals are filtered (a container's seccomp), for it would tell nothing. */
static int open_pidfd(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return -1;
	if (fd < files_max - SPARE_FILES && syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0)
		return fd;
	close(fd);
	return -1;
}

static void free_process(struct process *process)
{
	if (process->pidfd >= 0)
		close(process->pidfd);
	free(process);
}

/* Out of the table. Under `deciding`. */
static void retire(struct process *process)
{
	process->retired = 1;
	if (process->users == 0)
		free_process(process);
}

void process_release(struct process *process)
{
	if (--process->users == 0 && process->retired)
		free_process(process);
}

struct process *process_at_hand(pid_t tid)
{
	const size_t at = mix64((u64)tid) & (THREADS - 1);
	const pid_t pid = threads[at].tid == tid ? threads[at].pid : tid;
	struct process *process = table[slot_of(table, capacity, pid)];

	if (!process || process->exec_image || process->pidfd < 0 || !is_there(process->pidfd))
		return NULL;
	if (pid != tid && syscall(SYS_tgkill, pid, tid, 0) < 0 && errno != EPERM)
		return NULL;
	process->users++;
	return process;
}

static int rebuild(void)
{
	size_t living = 0, size = FIRST_CAPACITY;
	struct process **old = table;
	const size_t old_capacity = capacity;
	u8 *alive = calloc(old_capacity, 1);

	if (!alive)
		return -1;
	for (size_t i = 0; i < old_capacity; i++) {
		alive[i] = old[i] && is_alive(old[i]);
		living += alive[i];
	}
	while (size < living * 4)
		size *= 2;

	struct process **fresh = calloc(size, sizeof(*fresh));

	if (!fresh) {
		free(alive);
		return -1;
	}
	for (size_t i = 0; i < old_capacity; i++) {
		if (alive[i])
			fresh[slot_of(fresh, size, old[i]->pid)] = old[i];
	}
	lock(&deciding);
	for (size_t i = 0; i < old_capacity; i++) {
		if (old[i] && !alive[i])
			retire(old[i]);
	}
	table = fresh;
	capacity = size;
	used = living;
	unlock(&deciding);
	free(old);
	free(alive);
	return 0;
}

static void for_each_living(void (*visit)(const struct process *process))
{
	for (size_t i = 0; i < capacity; i++) {
		if (table[i] && is_alive(table[i]))
			visit(table[i]);
	}
}

static struct process *new_process(pid_t pid)
{
	struct process *process = calloc(1, sizeof(*process) + rules * sizeof(process->counts[0]) +
						    2 * words * sizeof(u64));
	const u64 tick = (u64)sysconf(_SC_CLK_TCK);

	if (!process)
		return NULL;
	process->pid = pid;
	process->pidfd = open_pidfd(pid); /* before the birth: it vouches for it */
	process->birth = target_stat(pid, STAT_STARTTIME);
	process->own = (u64 *)(process->counts + rules);
	process->kept = process->own + words;
	process->start_ns = process->birth / tick * 1000000000 + process->birth % tick * 1000000000 / tick;
	if (words) {
		process->image = image_of(pid);
		lineage_forked(process);
	}
	process->spared = spared_owner && holds_more_rights(pid, spared_owner);
	if (process->birth == 0 || !is_alive(process)) {
		free_process(process);
		return NULL;
	}
	return process;
}

static struct process *meet(pid_t pid)
{
	size_t at = slot_of(table, capacity, pid);
	struct process *known = table[at];

	if (known && is_alive(known))
		return known;
	if (!known && used * 2 >= capacity && rebuild() < 0)
		return NULL;

	struct process *process = new_process(pid);

	if (!process)
		return NULL;
	/* lineage_forked() may have introduced others meanwhile. */
	if (used * 2 >= capacity && rebuild() < 0) {
		free_process(process);
		return NULL;
	}
	lock(&deciding);
	at = slot_of(table, capacity, pid);
	if (table[at])
		retire(table[at]); /* the pid was used again */
	else
		used++;
	table[at] = process;
	unlock(&deciding);
	return process;
}

/* Has an exec that was pending succeeded? Called at a call of thread tid; 0: at none. */
static void settle(struct process *process, pid_t tid)
{
	if (!process->exec_image)
		return;

	const u64 image = image_of(process->pid);
	const int succeeded = image != process->exec_image;
	const int spared = succeeded && spared_owner && holds_more_rights(process->pid, spared_owner);

	if (!succeeded && tid != process->exec_tid)
		return; /* another thread's call tells nothing */
	if (succeeded && words)
		lineage_execed(process, scratch);
	lock(&deciding);
	process->exec_image = 0; /* or it failed, and has returned */
	if (succeeded) {
		process->start_ns = process->exec_ns;
		process->spared = spared;
		process->image = words ? image : 0;
		memcpy(process->own, scratch, words * sizeof(*scratch));
	}
	unlock(&deciding);
	if (succeeded && words)
		lineage_keep(process);
}

/* A process that has been met and lives, settled. */
static struct process *parent(pid_t pid)
{
	struct process *process = table[slot_of(table, capacity, pid)];

	if (!process || !is_alive(process))
		return NULL;
	settle(process, 0);
	return process;
}

static void introduce(pid_t pid)
{
	(void)meet(pid);
}

int processes_init(const struct rule *all_rules, u32 rule_count, const struct targets *targets,
		   const struct owner *owner)
{
	static const struct relatives relatives = { parent, introduce, for_each_living };
	struct rlimit files;

	rules = rule_count;
	words = targets ? (rule_count + 63) / 64 : 0;
	spared_owner = owner;
	capacity = FIRST_CAPACITY;
	table = calloc(capacity, sizeof(*table));
	scratch = calloc(words + 1, sizeof(*scratch));
	if (!table || !scratch || getrlimit(RLIMIT_NOFILE, &files) < 0)
		return -1;
	if (targets && lineage_init(targets, all_rules, rule_count, &relatives) < 0)
		return -1;
	/* A pidfd for each process; the command gets its limits from what the caller had (inherited.h). */
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		return -1;
	files_max = files.rlim_cur > INT32_MAX ? INT32_MAX : (int)files.rlim_cur;
	return 0;
}

struct process *process_meet(pid_t tid)
{
	struct process *process = NULL;

	lock(&books);

	const pid_t pid = target_process(tid);

	if (pid)
		process = meet(pid);
	if (process) {
		settle(process, tid);
		lock(&deciding);
		process->users++;
		if (pid != tid) {
			const size_t at = mix64((u64)tid) & (THREADS - 1);

			threads[at].tid = tid;
			threads[at].pid = pid;
		}
		unlock(&deciding);
	}
	unlock(&books);
	return process;
}

void process_execs(struct process *process, pid_t tid, u64 now_ns)
{
	const u64 image = image_of(tid);

	lock(&books);
	lock(&deciding);
	process->exec_image = image;
	process->exec_ns = now_ns;
	process->exec_tid = tid;
	unlock(&deciding);
	unlock(&books);
}

u64 process_age(const struct process *process, u64 now_ns)
{
	return now_ns > process->start_ns ? now_ns - process->start_ns : 0;
}

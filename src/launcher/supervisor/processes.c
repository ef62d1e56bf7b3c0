/* SPDX-License-Identifier: MIT */
#include "processes.h"
#include "deciding.h"
#include "image.h"
#include "lineage.h"
#include "pid-table.h"
#include "threads.h"
#include "../shared/target.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* Linux 5.3 */
#define SYS_pidfd_send_signal 424
#endif

#define THREADS 4096 /* a power of two */

/* One thread at a time looks into /proc, and changes the table. */
static pthread_mutex_t books = PTHREAD_MUTEX_INITIALIZER;

/* The process of a thread that is not its leader, as it was last time: what collides is looked up again. */
static struct {
	pid_t tid, pid;
} threads[THREADS];

static u32 rules;
static size_t words; /* of each set of rules; 0: there are no targets */
static const struct owner *spared_owner;
static int has_clients;
static u64 *scratch; /* a set of rules */
static int files_max;
static u64 met; /* how many processes were */
static pid_t root; /* 0: this process. All that have our filter descend from it, but for those that have lost a parent */

/* It is not reaped yet, so no other process has its pid. */
static int is_there(int pidfd)
{
	return syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0 || errno == EPERM;
}

static int is_alive(const void *entry)
{
	const struct process *process = entry;

	return process->pidfd >= 0 ? is_there(process->pidfd) :
				     target_stat(process->pid, STAT_STARTTIME) == process->birth;
}

/* -1 where there is none; also where signals are filtered (a container's seccomp), for it would tell nothing. */
static int open_pidfd(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return -1;
	if (fd < files_max && syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0)
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

static void retire(void *entry)
{
	struct process *process = entry;

	process->retired = 1;
	if (process->users == 0)
		free_process(process);
}

static struct pid_table table = { .is_alive = is_alive, .retire = retire };

void process_release(struct process *process)
{
	if (--process->users == 0 && process->retired)
		free_process(process);
}

struct process *process_at_hand(pid_t tid)
{
	const size_t at = mix64((u64)tid) & (THREADS - 1);
	const pid_t pid = threads[at].tid == tid ? threads[at].pid : tid;
	struct process *process = pid_table_get(&table, pid);

	if (!process || process->exec_image || process->pidfd < 0 || !is_there(process->pidfd))
		return NULL;
	if (pid != tid && syscall(SYS_tgkill, pid, tid, 0) < 0 && errno != EPERM)
		return NULL;
	process->users++;
	return process;
}

static void for_each_living(void (*visit)(const struct process *process))
{
	for (size_t i = 0; i < table.capacity; i++) {
		if (table.entries[i] && is_alive(table.entries[i]))
			visit(table.entries[i]);
	}
}

static struct process *meet(pid_t pid);

/* Bits of another's image: what all that are known of it have in common. */
static void take_from_kin(struct process *process)
{
	int found = 0;

	for (size_t i = 0; i < table.capacity; i++) {
		const struct process *kin = table.entries[i];

		if (!kin || kin->image != process->image)
			continue;
		for (u32 word = 0; word < CLIENTS_MAX / 64; word++)
			process->under[word] = found ? process->under[word] & kin->under[word] : kin->under[word];
		found = 1;
	}
}

static int has_lost_parent(pid_t parent)
{
	return root ? !process_descends(parent, root) : parent == getpid();
}

/* Its parent may have been met before a client came, so that its bits are right; or it is met now, and is. */
static void take_from_parent(struct process *process)
{
	const pid_t pid = (pid_t)target_stat(process->pid, STAT_PARENT);
	const struct process *parent;

	if (has_lost_parent(pid)) {
		take_from_kin(process);
		return;
	}
	parent = pid > 1 ? meet(pid) : NULL;
	if (parent)
		memcpy(process->under, parent->under, sizeof(process->under));
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
	if (words || has_clients)
		process->image = image_of(pid);
	if (words)
		lineage_forked(process);
	if (has_clients)
		take_from_parent(process);
	process->spared = spared_owner && holds_more_rights(pid, spared_owner);
	if (process->birth == 0 || !is_alive(process)) {
		free_process(process);
		return NULL;
	}
	return process;
}

static struct process *meet(pid_t pid)
{
	struct process *known = pid_table_get(&table, pid);

	if (known && is_alive(known))
		return known;
	if (!known && pid_table_make_room(&table) < 0)
		return NULL;

	struct process *process = new_process(pid);

	if (!process)
		return NULL;
	/* Others may have been met meanwhile: its parent, or those that lineage_forked() has introduced. */
	if (pid_table_make_room(&table) < 0) {
		free_process(process);
		return NULL;
	}
	process->serial = ++met;
	pid_table_put(&table, process);
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
		process->image = words || has_clients ? image : 0;
		memcpy(process->own, scratch, words * sizeof(*scratch));
	}
	unlock(&deciding);
	if (succeeded && words)
		lineage_keep(process);
	if (succeeded && process->exec_tid != process->pid)
		threads_exec(process->pid, process->exec_tid);
}

/* A process that has been met and lives, settled. */
static struct process *parent(pid_t pid)
{
	struct process *process = pid_table_get(&table, pid);

	if (!process || !is_alive(process))
		return NULL;
	settle(process, 0);
	return process;
}

static void introduce(pid_t pid)
{
	(void)meet(pid);
}

int processes_init(const struct rule *all_rules, u32 rows, const struct targets *targets,
		   const struct owner *owner, int clients)
{
	static const struct relatives relatives = { parent, introduce, for_each_living };

	rules = rows;
	words = targets ? (rows + 63) / 64 : 0;
	spared_owner = owner;
	has_clients = clients;
	files_max = pid_table_files();
	scratch = calloc(words + 1, sizeof(*scratch));
	if (files_max < 0 || !scratch || pid_table_init(&table) < 0)
		return -1;
	if (targets && lineage_init(targets, all_rules, rows, &relatives) < 0)
		return -1;
	return 0;
}

void processes_descend_from(pid_t pid)
{
	root = pid;
}

int process_is_in_tree(pid_t pid)
{
	return process_descends(pid, root ? root : getpid());
}

void processes_begin_counts(u32 row)
{
	for (size_t i = 0; i < table.capacity; i++) {
		struct process *process = table.entries[i];

		if (process)
			memset(&process->counts[row], 0, sizeof(process->counts[row]));
	}
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

int process_descends(pid_t pid, pid_t from)
{
	while (pid > 1 && pid != from)
		pid = (pid_t)target_stat(pid, STAT_PARENT);
	return pid == from;
}

void processes_add_client(u32 place, pid_t pid)
{
	struct process *client;

	if (!has_clients)
		return; /* no call comes to us, so none needs its process */
	lock(&books);
	client = meet(pid);
	if (client)
		settle(client, pid);
	for (size_t i = 0; i < table.capacity; i++) {
		struct process *process = table.entries[i];

		if (!process || !is_alive(process) || !process_descends(process->pid, pid))
			continue;
		lock(&deciding);
		process->under[place / 64] |= 1ull << (place % 64);
		unlock(&deciding);
	}
	unlock(&books);
}

void processes_remove_client(u32 place)
{
	lock(&books);
	lock(&deciding);
	for (size_t i = 0; i < table.capacity; i++) {
		struct process *process = table.entries[i];

		if (process)
			process->under[place / 64] &= ~(1ull << (place % 64));
	}
	unlock(&deciding);
	unlock(&books);
}

u64 processes_meet_all(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	u64 newest;

	lock(&books);
	while (proc && (entry = readdir(proc))) {
		const pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 1 && process_is_in_tree(pid) && pid != getpid())
			(void)meet(pid);
	}
	newest = met;
	unlock(&books);
	if (proc)
		(void)closedir(proc);
	return newest;
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

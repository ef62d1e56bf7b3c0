/* SPDX-License-Identifier: MIT */
#include "lineage.h"
#include "image.h"
#include "../shared/target.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#ifndef IMAGES_CAPACITY /* a test of what happens when it is full has a small one */
#define IMAGES_CAPACITY 32768u /* a power of two */
#endif

static const struct targets *targets;
static const struct relatives *relatives;
static u32 words;      /* of a set of rules */
static u64 *inherited; /* the rules that also hit what a target starts */

/* Open addressing, linear probing: image number, and the rules that a process forked from it has from it. */
static u64 *images;
static u64 *heritage;
static u32 capacity, image_count;

/* Empty; without memory the old one stays. */
static int new_table(u32 size)
{
	u64 *fresh_images = calloc(size, sizeof(*images));
	u64 *fresh_heritage = calloc((size_t)size * words, sizeof(*heritage));

	if (!fresh_images || !fresh_heritage) {
		free(fresh_images);
		free(fresh_heritage);
		return -1;
	}
	free(images);
	free(heritage);
	images = fresh_images;
	heritage = fresh_heritage;
	capacity = size;
	image_count = 0;
	return 0;
}

int lineage_init(const struct targets *all, const struct rule *rules, u32 rows,
		 const struct relatives *known)
{
	relatives = known;
	targets = all;
	words = (rows + 63) / 64;
	inherited = calloc(words, sizeof(*inherited));
	if (!inherited || new_table(IMAGES_CAPACITY) < 0)
		return -1;
	for (u32 i = 0; i < rows; i++) {
		if (rules[i].flags & RULE_HAS_TARGETS && !(rules[i].flags & RULE_NOT_INHERITED))
			inherited[i / 64] |= 1ull << (i % 64);
	}
	return 0;
}

static u32 slot_of(u64 image)
{
	u32 at = (u32)mix64(image) & (capacity - 1);

	while (images[at] && images[at] != image)
		at = (at + 1) & (capacity - 1);
	return at;
}

static const u64 *heritage_of(u64 image)
{
	const u32 at = slot_of(image);

	return images[at] ? heritage + (size_t)at * words : NULL;
}

static void set_heritage(const struct process *process)
{
	const u32 at = slot_of(process->image);

	if (!images[at] && image_count == capacity - 1)
		return; /* no memory for more: a child whose parent has exited inherits nothing */
	image_count += images[at] == 0;
	images[at] = process->image;
	for (u32 i = 0; i < words; i++)
		heritage[(size_t)at * words + i] = process->own[i] & inherited[i];
}

/* Those that have not made a call yet get what is theirs while it is known. */
static void meet_all(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && heritage_of(image_of(pid)))
			relatives->introduce(pid);
	}
	if (proc)
		(void)closedir(proc);
}

static u32 living;

static void count(const struct process *process)
{
	(void)process;
	living++;
}

/* Room for one more: images that no process runs any more are forgotten. */
static void make_room(void)
{
	u32 size = IMAGES_CAPACITY;

	if (image_count < capacity / 2)
		return;
	meet_all();
	living = 0;
	relatives->for_each_living(count);
	while (size < living * 4)
		size *= 2;
	if (new_table(size) == 0)
		relatives->for_each_living(set_heritage);
}

void lineage_forked(struct process *process)
{
	const u64 *from = heritage_of(process->image);
	struct process *parent = NULL;

	if (!from) {
		/* The parent has exec'd without a call since, or, as programs in Go do, erased what tells its image. */
		parent = relatives->parent((pid_t)target_stat(process->pid, STAT_PARENT));
		from = heritage_of(process->image);
	}
	for (u32 i = 0; i < words; i++) {
		if (from)
			process->kept[i] = from[i];
		else
			process->kept[i] = parent ? parent->own[i] & inherited[i] : 0;
		process->own[i] = process->kept[i];
	}
}

void lineage_execed(const struct process *process, u64 *own)
{
	memcpy(own, process->kept, words * sizeof(*own));
	targets_match(targets, process->pid, own);
}

void lineage_keep(const struct process *process)
{
	make_room();
	set_heritage(process);
}

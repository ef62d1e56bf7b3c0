/* SPDX-License-Identifier: MIT */
#include "delays.h"
#include "../shared/clock.h"
#include "deciding.h"

#include <stdlib.h>

/* How often to look for signals: at this interval, and at least this many times as long as a look takes. */
#define LOOK_NS 20000000u
#define LOOK_SHARE 16

/* A binary heap; one entry for each waiting thread of the tree at most. */
static struct delayed *heap;
static size_t count, capacity;
static pthread_mutex_t queueing = PTHREAD_MUTEX_INITIALIZER;

static int add(struct delayed item)
{
	if (count == capacity) {
		size_t size = capacity ? capacity * 2 : 64;
		struct delayed *grown = realloc(heap, size * sizeof(*grown));

		if (!grown)
			return -1;
		heap = grown;
		capacity = size;
	}

	size_t at = count++;

	while (at > 0 && heap[(at - 1) / 2].due_ns > item.due_ns) {
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = item;
	return 0;
}

int delays_add(struct delayed item)
{
	lock(&queueing);

	const int failed = add(item);

	unlock(&queueing);
	return failed;
}

int delays_are_none(void)
{
	lock(&queueing);

	const int none = count == 0;

	unlock(&queueing);
	return none;
}

static void remove_first(void)
{
	struct delayed last = heap[--count];
	size_t at = 0;

	for (size_t child = 1; child < count; child = at * 2 + 1) {
		if (child + 1 < count && heap[child + 1].due_ns < heap[child].due_ns)
			child++;
		if (last.due_ns <= heap[child].due_ns)
			break;
		heap[at] = heap[child];
		at = child;
	}
	if (count > 0)
		heap[at] = last;
}

static void forget(u64 id)
{
	for (size_t i = 0; i < count; i++) {
		if (heap[i].id == id)
			heap[i].id = 0;
	}
}

void delays_forget(u64 id)
{
	lock(&queueing);
	forget(id);
	unlock(&queueing);
}

/* Returns when to look again. */
static u64 look(u64 now, int (*interrupt)(const struct delayed *delayed))
{
	static u64 next;

	if (now < next)
		return next;
	for (size_t i = 0; i < count; i++) {
		if (heap[i].id && interrupt(&heap[i]))
			forget(heap[i].id);
	}

	const u64 after = (u64)monotonic_ns();
	const u64 took = LOOK_SHARE * (after - now);

	next = after + (took > LOOK_NS ? took : LOOK_NS);
	return next;
}

u64 delays_attend(const struct delay_way *way, const struct faults *faults)
{
	u64 next = 0;

	lock(&queueing);
	while (count > 0) {
		const struct delayed due = heap[0];

		if (due.id && due.due_ns > (u64)monotonic_ns() && !faults_are_lifted(faults))
			break;
		remove_first();
		unlock(&queueing);
		if (due.id)
			way->go_on(&due);
		lock(&queueing);
	}
	if (count > 0) {
		const u64 again = look((u64)monotonic_ns(), way->interrupt);

		next = heap[0].due_ns < again ? heap[0].due_ns : again;
	}
	unlock(&queueing);
	return next;
}

struct verdict delays_rest(const struct delayed *delayed)
{
	const s64 left = (s64)delayed->due_ns - monotonic_ns();
	struct verdict rest = delayed->rest;

	rest.enter_ns = left > 0 ? left : 0;
	return rest;
}

s32 delays_error(const struct call_shape *shape)
{
	switch (shape->length >> SIGNALLED_SHIFT) {
	case SIGNALLED_RESTARTS:
		return ERESTART_IF_ASKED;
	case SIGNALLED_FAILS:
		return ERESTART_UNLESS_HANDLED;
	default:
		return ERESTART_ALWAYS;
	}
}

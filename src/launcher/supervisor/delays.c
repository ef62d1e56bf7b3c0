/* SPDX-License-Identifier: MIT */
#include "delays.h"

#include <stdlib.h>

/* A binary heap; one entry for each waiting thread of the tree at most. */
static struct delayed *heap;
static size_t count, capacity;

int delays_add(struct delayed item)
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

const struct delayed *delays_first(void)
{
	return count > 0 ? &heap[0] : NULL;
}

void delays_remove_first(void)
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

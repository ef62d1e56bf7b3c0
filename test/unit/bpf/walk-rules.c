/* SPDX-License-Identifier: MIT */
/*
 * bpf/rule-set.h at the other end of a pipe: two lines, each the indices of a set; in answer what a walk over both
 * finds, in its order, or what is wrong with the walk.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"
#include "rule.h"
#include "rule-set.h"

static int read_set(struct rule_set *set)
{
	static char line[8 * RULES_MAX];
	char *rest = line;

	memset(set, 0, sizeof(*set));
	if (!fgets(line, sizeof(line), stdin))
		return -1;
	for (;;) {
		char *end;
		unsigned long index = strtoul(rest, &end, 10);

		if (end == rest)
			return 0;
		set->bits[index / 64] |= 1ull << index % 64;
		set->words |= 1ull << index / 64;
		rest = end;
	}
}

static void walk_both(const struct rule_set *a, const struct rule_set *b)
{
	struct rule_walk walk = { .words = a->words & b->words };
	int over = 0;

	for (u32 steps = 0; steps < RULE_WALK_STEPS; steps++) {
		enum walked walked = rule_walk_step(&walk, a, b);

		if (walked == WALK_OVER)
			break;
		if (over)
			printf("(%u after the end) ", walk.index);
		if (walked == WALK_FOUND)
			printf("%u ", walk.index);
		over = rule_walk_is_over(&walk);
	}
	puts(walk.words || walk.bits ? "(too many steps)" : "");
}

int main(void)
{
	static struct rule_set a, b;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (read_set(&a) == 0 && read_set(&b) == 0)
		walk_both(&a, &b);
	return 0;
}

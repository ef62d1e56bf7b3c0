/* SPDX-License-Identifier: MIT */
/*
 * decide() of bpf/rule.h at the other end of a pipe. One command a line, one line in answer:
 *
 *   rule HEX                          the rule under test, as bytes; forgets all counters
 *   matched N                         the tree has already seen N matches
 *   calls SLOT SEED SCOPE AGE PREDICATES COUNT
 *       COUNT calls; SCOPE 0 is the tree, others a process each. Answer: a 1 for each that fired and a 0
 *       for each that did not, the last n, and seen, matched, fired of the tree
 *   draw SEED SLOT FIRST COUNT        chance_draw() for n from FIRST on
 *   effects SEED SLOT FIRST COUNT     ENTER/ERROR/EXIT that are drawn for n from FIRST on
 *   threads SLOT SEED THREADS COUNT   COUNT calls in each thread. Answer: a 1 or 0 for each n from 1 on, the
 *       number of n that were given twice, and matched and fired of the tree
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"

#define SCOPES 64

static struct rule rule;
static struct rule_counts scopes[SCOPES]; /* 0: the tree */

static int hex_digit(char c)
{
	return c >= 'a' ? c - 'a' + 10 : c - '0';
}

static void set_rule(const char *hex)
{
	u8 *bytes = (u8 *)&rule;

	for (size_t i = 0; i < sizeof(rule); i++)
		bytes[i] = (u8)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
	memset(scopes, 0, sizeof(scopes));
}

static void calls(u32 slot, u64 seed, u32 scope, u64 age, int predicates, u64 count)
{
	u64 n = 0;

	rule.slot = slot;
	for (u64 i = 0; i < count; i++) {
		int fired = decide(&rule, seed, age, predicates, &scopes[0], &scopes[scope], &n);

		putchar(fired ? '1' : '0');
	}
	printf(" %llu %llu %llu %llu\n", (unsigned long long)n, (unsigned long long)scopes[0].seen,
	       (unsigned long long)scopes[0].matched, (unsigned long long)scopes[0].fired);
}

struct work {
	u64 seed;
	u64 count;
	u64 *n;
	char *fired;
	pthread_barrier_t *start;
};

static void *work(void *argument)
{
	struct work *w = argument;

	pthread_barrier_wait(w->start);
	for (u64 i = 0; i < w->count; i++)
		w->fired[i] = (char)decide(&rule, w->seed, 0, 1, &scopes[0], &scopes[0], &w->n[i]);
	return NULL;
}

static int threads(u32 slot, u64 seed, u32 number, u64 count)
{
	u64 all = number * count, twice = 0;
	struct work *works = calloc(number, sizeof(*works));
	pthread_t *ids = calloc(number, sizeof(*ids));
	u64 *n = calloc(all, sizeof(*n));
	char *fired = calloc(all, 1), *by_n = calloc(all + 1, 1);
	pthread_barrier_t start;

	if (!works || !ids || !n || !fired || !by_n || pthread_barrier_init(&start, NULL, number))
		return 1;
	rule.slot = slot;
	for (u32 i = 0; i < number; i++) {
		works[i] = (struct work){ seed, count, n + i * count, fired + i * count, &start };
		if (pthread_create(&ids[i], NULL, work, &works[i]))
			return 1;
	}
	for (u32 i = 0; i < number; i++)
		if (pthread_join(ids[i], NULL))
			return 1;
	memset(by_n, '-', all);
	for (u64 i = 0; i < all; i++) {
		if (n[i] < 1 || n[i] > all)
			return 1;
		twice += by_n[n[i] - 1] != '-';
		by_n[n[i] - 1] = fired[i] ? '1' : '0';
	}
	printf("%s %llu %llu %llu\n", by_n, (unsigned long long)twice,
	       (unsigned long long)scopes[0].matched, (unsigned long long)scopes[0].fired);
	pthread_barrier_destroy(&start);
	free(works);
	free(ids);
	free(n);
	free(fired);
	free(by_n);
	return 0;
}

int main(void)
{
	static char line[4096];

	while (fgets(line, sizeof(line), stdin)) {
		unsigned long long a, b, c, d, e, f;

		if (!strncmp(line, "rule ", 5) && strlen(line) >= 5 + 2 * sizeof(rule)) {
			set_rule(line + 5);
			printf("ok\n");
		} else if (sscanf(line, "matched %llu", &a) == 1) {
			scopes[0].matched = a;
			scopes[0].turns = a & TURN_N;
			printf("ok\n");
		} else if (sscanf(line, "calls %llu %llu %llu %llu %llu %llu", &a, &b, &c, &d, &e, &f) == 6 &&
			   c < SCOPES) {
			calls((u32)a, b, (u32)c, d, (int)e, f);
		} else if (sscanf(line, "draw %llu %llu %llu %llu", &a, &b, &c, &d) == 4) {
			for (u64 i = 0; i < d; i++)
				printf("%s%u", i ? " " : "", chance_draw(a, (u32)b, c + i));
			printf("\n");
		} else if (sscanf(line, "effects %llu %llu %llu %llu", &a, &b, &c, &d) == 4) {
			rule.slot = (u32)b;
			for (u64 i = 0; i < d; i++)
				printf("%s%lld/%u/%lld", i ? " " : "", (long long)drawn_enter(&rule, a, c + i),
				       drawn_error(&rule, a, c + i), (long long)drawn_exit(&rule, a, c + i));
			printf("\n");
		} else if (sscanf(line, "threads %llu %llu %llu %llu", &a, &b, &c, &d) == 4) {
			if (threads((u32)a, b, (u32)c, d))
				return 1;
		} else {
			fprintf(stderr, "what is %s", line);
			return 1;
		}
		if (fflush(stdout))
			return 1;
	}
	return 0;
}

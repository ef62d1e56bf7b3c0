/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Does a whole text match a pattern: * (any run, slashes too, as in the shell's `case`), ?, [a-z], [!a], \c.
 *
 * Written as a machine that takes one small step at a time, over indices and not pointers: the BPF verifier
 * follows a step, not a loop over loops (bpf/paths.bpf.h runs the steps by bpf_loop()).
 */
#ifndef MINDERBINDER_GLOB_H
#define MINDERBINDER_GLOB_H

/* Powers of two, the NUL included: the masks below change no index of a text that keeps to them. */
#define GLOB_PATTERN_MAX 256u
#define GLOB_TEXT_MAX 4096u /* PATH_MAX */

/* Each step consumes pattern, text, or a retry of the last *; a retry consumes less than the pattern again. */
#define GLOB_STEPS_MAX (GLOB_TEXT_MAX * GLOB_PATTERN_MAX)

#define GLOB_NO_STAR 0xffffffffu

struct glob {
	/* All 0 at the start, but for star. */
	u32 pattern;  /* where in the pattern, */
	u32 text;     /* and where in the text */
	u32 star;     /* behind the last *, or GLOB_NO_STAR */
	u32 retry;    /* where the text after that * was last tried from */
	u32 set;      /* where in the [set] that starts at `pattern`; 0: in none */
	u32 negated;
	u32 found;
	u32 literal;  /* the [ at `pattern` has no ]: an ordinary character */
	u32 matches;  /* the answer, when it is over */
};

/* The pattern before `next` did (agreed) or did not match one character. Returns 1: it is over. */
static inline int glob_advance(struct glob *g, int agreed, u32 next)
{
	g->set = 0;
	g->literal = 0;
	if (agreed) {
		g->pattern = next;
		g->text++;
		return 0;
	}
	/* Linear in the text for each *: only the last * is ever tried again. */
	if (g->star == GLOB_NO_STAR)
		return 1;
	g->pattern = g->star;
	g->text = ++g->retry;
	return 0;
}

/* One member of a set, or its end. */
static inline int glob_set_step(struct glob *g, const char *pattern, unsigned char c)
{
	const u32 mask = GLOB_PATTERN_MAX - 1;
	unsigned char at = pattern[g->set & mask], dash = pattern[(g->set + 1) & mask];
	unsigned char end = pattern[(g->set + 2) & mask];

	if (!at) {
		g->set = 0;
		g->literal = 1;
		return 0;
	}
	/* A ] that comes first stands for itself (glob(7)). */
	if (at == ']' && g->set != g->pattern + 1 + g->negated)
		return glob_advance(g, g->found != g->negated, g->set + 1);
	if (dash == '-' && end && end != ']') {
		g->found |= c >= at && c <= end;
		g->set += 3;
	} else {
		g->found |= c == at;
		g->set += 1;
	}
	return 0;
}

/* Returns 1 when it is over. Both strings end in NUL within their limits. */
static inline int glob_step(struct glob *g, const char *pattern, const char *text)
{
	const u32 mask = GLOB_PATTERN_MAX - 1;
	unsigned char c = text[g->text & (GLOB_TEXT_MAX - 1)];
	unsigned char at = pattern[g->pattern & mask], next = pattern[(g->pattern + 1) & mask];

	if (g->set)
		return glob_set_step(g, pattern, c);
	if (at == '*') {
		g->star = ++g->pattern;
		g->retry = g->text;
		return 0;
	}
	if (!c) {
		g->matches = !at;
		return 1;
	}
	if (at == '\\' && next)
		return glob_advance(g, next == c, g->pattern + 2);
	if (at == '[' && !g->literal) {
		g->negated = next == '!' || next == '^';
		g->found = 0;
		g->set = g->pattern + 1 + g->negated;
		return 0;
	}
	return glob_advance(g, at && (at == '?' || at == c), g->pattern + 1);
}

static inline int glob_matches(const char *pattern, const char *text)
{
	struct glob g = { .star = GLOB_NO_STAR };

	while (!glob_step(&g, pattern, text))
		;
	return (int)g.matches;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Sets of rules: membership, union, and a walk over what two of them have in common, lowest index first. */
#ifndef MINDERBINDER_RULE_SET_H
#define MINDERBINDER_RULE_SET_H

static inline int rule_set_has(const struct rule_set *set, u32 index)
{
	return set->bits[index / 64 & (RULE_SET_WORDS - 1)] >> (index % 64) & 1;
}

static inline void rule_set_add_all(struct rule_set *to, const struct rule_set *from)
{
	to->words |= from->words;
	for (u32 i = 0; i < RULE_SET_WORDS; i++)
		to->bits[i] |= from->bits[i];
}

/*
 * What both sets have. Without a branch: where one set is a constant to the BPF verifier, it would go along each
 * combination of its words that are left and that are not.
 */
static inline void rule_set_keep(struct rule_set *to, const struct rule_set *set, const struct rule_set *kept)
{
	u64 words = 0;

	for (u32 i = 0; i < RULE_SET_WORDS; i++) {
		u64 bits = set->bits[i] & kept->bits[i], some = bits | -bits;

		/* Hidden from the compiler, which knows `some >> 63` for `bits != 0`, and makes a branch of that. */
		asm volatile("" : "+r"(some));
		to->bits[i] = bits;
		words |= some >> 63 << i;
	}
	to->words = words;
}

/*
 * Index of the lowest bit; `word` is not 0. The BPF instruction set of -mcpu=v3 has no instruction for it: the bits
 * below the lowest are counted, two, four and eight at a time (Hacker's Delight, 5-1 and 5-4).
 */
static inline u32 lowest_bit(u64 word)
{
	u64 below = ~word & (word - 1);

	below -= below >> 1 & 0x5555555555555555ull;
	below = (below & 0x3333333333333333ull) + (below >> 2 & 0x3333333333333333ull);
	below = (below + (below >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (u32)(below * 0x0101010101010101ull >> 56);
}

/* A walk over `a` and `b`. `words`: what is left of a->words & b->words; the rest starts at 0. */
struct rule_walk {
	u64 words;
	u64 bits; /* what is left of the word */
	u32 word;
	u32 index; /* of the rule that the last step found */
};

/* Each step finds a rule, or a word without one. */
#define RULE_WALK_STEPS (RULES_MAX + RULE_SET_WORDS)

enum walked { WALK_OVER, WALK_ON, WALK_FOUND };

static inline enum walked rule_walk_step(struct rule_walk *walk, const struct rule_set *a, const struct rule_set *b)
{
	if (!walk->bits) {
		if (!walk->words)
			return WALK_OVER;
		walk->word = lowest_bit(walk->words) & (RULE_SET_WORDS - 1);
		walk->words &= walk->words - 1;
		walk->bits = a->bits[walk->word] & b->bits[walk->word];
		if (!walk->bits)
			return WALK_ON;
	}
	walk->index = walk->word * 64 + lowest_bit(walk->bits);
	walk->bits &= walk->bits - 1;
	return WALK_FOUND;
}

/* Has the walk nothing left to look at? So that the last rule needs no step more to be known as the last. */
static inline int rule_walk_is_over(const struct rule_walk *walk)
{
	return !(walk->bits | walk->words);
}

#endif

/* SPDX-License-Identifier: MIT */
/* Bits, of which there may be more than in a word: of rules by row, of calls by number. */
#ifndef MINDERBINDER_BITS_H
#define MINDERBINDER_BITS_H

#include "../shared/types.h"

static inline void set_bit(u64 *bits, u32 row, int value)
{
	const u64 bit = 1ull << (row % 64);

	bits[row / 64] = value ? bits[row / 64] | bit : bits[row / 64] & ~bit;
}

static inline int has_bit(const u64 *bits, u32 row)
{
	return (int)(bits[row / 64] >> (row % 64) & 1);
}

#endif

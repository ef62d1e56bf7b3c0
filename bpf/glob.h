/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef MINDERBINDER_GLOB_H
#define MINDERBINDER_GLOB_H

/* One pattern character or [set] against c; *next is where the pattern goes on. */
static inline int glob_one(const char *pattern, char c, const char **next)
{
	if (*pattern == '\\' && pattern[1]) {
		*next = pattern + 2;
		return pattern[1] == c;
	}
	if (*pattern == '[') {
		const char *at = pattern + 1;
		int negated = *at == '!' || *at == '^';
		int found = 0;

		at += negated;
		/* A ] that comes first stands for itself (glob(7)). */
		for (const char *first = at; *at && (*at != ']' || at == first); at++) {
			if (at[1] == '-' && at[2] && at[2] != ']') {
				found |= (unsigned char)c >= (unsigned char)at[0] &&
					 (unsigned char)c <= (unsigned char)at[2];
				at += 2;
			} else {
				found |= *at == c;
			}
		}
		if (*at == ']') {
			*next = at + 1;
			return found != negated;
		}
		/* No closing bracket: an ordinary character. */
	}
	*next = pattern + 1;
	return *pattern == '?' || *pattern == c;
}

/*
 * Does the whole text match the pattern: * (any run, slashes too, as in the shell's `case`), ?, [a-z], [!a],
 * \c. Linear in the text for each *: only the last * is ever tried again.
 */
static inline int glob_matches(const char *pattern, const char *text)
{
	const char *star = 0, *retry = 0, *next;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = text;
		} else if (*pattern && glob_one(pattern, *text, &next)) {
			pattern = next;
			text++;
		} else if (star) {
			pattern = star;
			text = ++retry;
		} else {
			return 0;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

#endif

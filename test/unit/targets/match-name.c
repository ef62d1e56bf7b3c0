/* SPDX-License-Identifier: MIT */
/* bpf/glob.h at the other end of a pipe: two lines, pattern and text in hexadecimal; one in answer, 1 or 0. */
#include <stdio.h>
#include <string.h>

#include "types.h"
#include "../../../bpf/glob.h"

static char pattern[GLOB_PATTERN_MAX], text[GLOB_TEXT_MAX];

static int read_hex(char *to, size_t size)
{
	static char line[2 * GLOB_TEXT_MAX + 2];
	unsigned int byte;
	size_t length;

	if (!fgets(line, sizeof(line), stdin))
		return -1;
	length = strcspn(line, "\n") / 2;
	memset(to, 0, size);
	for (size_t i = 0; i < length && i < size - 1; i++) {
		if (sscanf(line + 2 * i, "%2x", &byte) != 1)
			return -1;
		to[i] = (char)byte;
	}
	return 0;
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (read_hex(pattern, sizeof(pattern)) == 0 && read_hex(text, sizeof(text)) == 0)
		puts(glob_matches(pattern, text) ? "1" : "0");
	return 0;
}

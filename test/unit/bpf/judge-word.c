/* SPDX-License-Identifier: MIT */
/*
 * bpf/loader.h at the other end of a pipe. A line for each question, numbers in hexadecimal, an answer for each:
 *   arm64 STACK LOADER_ENTRY TEXT_START TEXT_END WORD    whose word on arm64's stack? loader, program or neither
 *   calls INSTRUCTION                                    does arm64 call by it? 1 or 0
 */
#include <stdio.h>

#include "types.h"
#include "../../../bpf/loader.h"

static const char *whose(const struct image *image, u64 word)
{
	if (is_loader_return(image, word))
		return "loader";
	return may_be_program_return(image, word) ? "program" : "neither";
}

int main(void)
{
	static char line[256];

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		unsigned long long stack, loader, start, end, word;

		if (sscanf(line, "arm64 %llx %llx %llx %llx %llx", &stack, &loader, &start, &end, &word) == 5) {
			const struct image image = {
				.entry = start, .text_start = start, .text_end = end, .loader_entry = loader
			};

			puts(whose(&image, without_signature_arm64(word, address_bits_arm64(stack))));
		} else if (sscanf(line, "calls %llx", &word) == 1) {
			puts(ends_call_arm64((u32)word) ? "1" : "0");
		} else {
			fprintf(stderr, "what is %s", line);
			return 1;
		}
	}
	return 0;
}

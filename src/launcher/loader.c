/* SPDX-License-Identifier: MIT */
/*
 * How to tell, from outside and at no cost to the target, whether ld.so has handed over to the program.
 *
 * The kernel starts the loader with the stack pointer at `start_stack`, and the loader jumps to the program's
 * entry point with the stack pointer at the same place. So the words right below it belong to whichever of
 * the two runs: as long as it is the loader, a return address into the loader's own start code lies there
 * (glibc sysdeps/x86_64/dl-machine.h RTLD_START calls _dl_start and _dl_init; musl's _dlstart likewise); once
 * it is the program, its start code has called something, and a return address into the program lies there.
 * The program's evidence wins: start code that leaves holes (Go's rt0_go) leaves the loader's words standing.
 */
#include "loader.h"
#include "target.h"

#include <elf.h>
#include <string.h>

#define START_CODE_BYTES 512 /* the loader's _start up to its jump to the program: 100 to 200 in practice */
#define SEGMENTS_MAX 32

#if defined(__x86_64__)
#define WINDOW_WORDS 32
#else
/* arm64's calls push nothing: the address lies in the callee's frame, below its locals. Not yet seen run. */
#define WINDOW_WORDS 512
#endif

struct image {
	u64 entry;        /* of the program */
	u64 text_start;   /* the executable segment that holds it */
	u64 text_end;
	u64 loader_entry; /* 0: no loader */
};

static u64 auxv_value(const Elf64_auxv_t *auxv, size_t count, u64 type)
{
	for (size_t i = 0; i < count && auxv[i].a_type != AT_NULL; i++) {
		if (auxv[i].a_type == type)
			return auxv[i].a_un.a_val;
	}
	return 0;
}

static int read_image(pid_t tid, struct image *image)
{
	Elf64_auxv_t auxv[64];
	Elf64_Phdr segments[SEGMENTS_MAX];
	u64 loader_offset, bias = 0;
	ssize_t n = target_file(tid, "auxv", auxv, sizeof(auxv));

	if (n <= 0)
		return -1;

	size_t count = (size_t)n / sizeof(auxv[0]);
	u64 base = auxv_value(auxv, count, AT_BASE);
	u64 headers = auxv_value(auxv, count, AT_PHDR);
	u64 header_count = auxv_value(auxv, count, AT_PHNUM);

	image->entry = auxv_value(auxv, count, AT_ENTRY);
	image->loader_entry = 0;
	if (base == 0)
		return 0;
	if (header_count > SEGMENTS_MAX ||
	    target_read(tid, headers, segments, header_count * sizeof(segments[0])) < 0 ||
	    target_read(tid, base + offsetof(Elf64_Ehdr, e_entry), &loader_offset,
			sizeof(loader_offset)) < 0)
		return -1;
	for (u64 i = 0; i < header_count; i++) {
		if (segments[i].p_type == PT_PHDR)
			bias = headers - segments[i].p_vaddr;
	}
	image->text_start = image->text_end = 0;
	for (u64 i = 0; i < header_count; i++) {
		u64 start = bias + segments[i].p_vaddr;
		u64 end = start + segments[i].p_memsz;

		if (segments[i].p_type == PT_LOAD && image->entry >= start && image->entry < end) {
			image->text_start = start;
			image->text_end = end;
		}
	}
	image->loader_entry = base + loader_offset;
	return 0;
}

/* Is there a call instruction right before this address? Tells a return address from other pointers to code. */
static int follows_call(pid_t tid, u64 address)
{
#if defined(__x86_64__)
	u8 code[7]; /* FF /2 is 2 to 7 bytes long, E8 rel32 is 5 */

	if (target_read(tid, address - sizeof(code), code, sizeof(code)) < 0)
		return 0;
	if (code[2] == 0xe8)
		return 1;
	for (int i = 0; i <= 5; i++) {
		if (code[i] == 0xff && (code[i + 1] & 0x38) == 0x10)
			return 1;
	}
	return 0;
#else
	u32 instruction;

	if (address % 4 || target_read(tid, address - 4, &instruction, sizeof(instruction)) < 0)
		return 0;
	return (instruction & 0xfc000000) == 0x94000000 || /* BL */
	       (instruction & 0xfffffc1f) == 0xd63f0000;   /* BLR */
#endif
}

int loader_is_running(pid_t tid)
{
	struct image image;
	u64 words[WINDOW_WORDS];
	u64 top = target_stat(tid, 28); /* start_stack; 0 without permission */
	int loader_seen = 0;

	if (top == 0 || read_image(tid, &image) < 0 || image.loader_entry == 0)
		return 0;
	if (target_read(tid, top - sizeof(words), words, sizeof(words)) < 0)
		return 0;
	for (int i = WINDOW_WORDS - 1; i >= 0; i--) {
		if (words[i] > image.loader_entry &&
		    words[i] < image.loader_entry + START_CODE_BYTES)
			loader_seen = 1;
		else if (words[i] > image.text_start && words[i] < image.text_end &&
			 words[i] != image.entry && follows_call(tid, words[i]))
			return 0;
#if defined(__x86_64__)
		/* Both loaders call with the stack pointer at its start: nothing there, nothing elsewhere. */
		if (i == WINDOW_WORDS - 1 && !loader_seen)
			return 0;
#endif
	}
	return loader_seen;
}

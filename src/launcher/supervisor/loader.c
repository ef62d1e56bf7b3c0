/* SPDX-License-Identifier: MIT */
/* Reads what bpf/loader.h judges: the auxiliary vector, the program headers, the stack. */
#include "loader.h"
#include "../shared/target.h"
#include "../shared/types.h"
#include "../../../bpf/loader.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define SEGMENTS_MAX 32

#if defined(__x86_64__)
#define WINDOW_WORDS WINDOW_WORDS_X86_64
#else
#define WINDOW_WORDS WINDOW_WORDS_ARM64
#endif

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
	u8 code[CALL_BYTES_X86_64];

	return target_read(tid, address - sizeof(code), code, sizeof(code)) == 0 && ends_call_x86_64(code);
#else
	u32 instruction;

	return address % 4 == 0 &&
	       target_read(tid, address - sizeof(instruction), &instruction, sizeof(instruction)) == 0 &&
	       ends_call_arm64(instruction);
#endif
}

static enum loader_state unread(void)
{
	return errno == EPERM || errno == EACCES ? LOADER_UNKNOWN : LOADER_DONE;
}

enum loader_state loader_state(pid_t tid)
{
	struct image image;
	u64 words[WINDOW_WORDS];
	int loader_seen = 0;

	errno = 0;
	if (read_image(tid, &image) < 0)
		return unread();

	const u64 top = target_stat(tid, STAT_STACK);

	if (top == 0 || image.loader_entry == 0)
		return LOADER_DONE;
	if (target_read(tid, top - sizeof(words), words, sizeof(words)) < 0)
		return unread();
#if defined(__aarch64__)
	const u64 address_bits = address_bits_arm64(top);
#endif
	for (u32 i = WINDOW_WORDS; i-- > 0;) {
		u64 word = words[i];

#if defined(__aarch64__)
		word = without_signature_arm64(word, address_bits);
#endif
		if (is_loader_return(&image, word))
			loader_seen = 1;
		else if (may_be_program_return(&image, word) && follows_call(tid, word))
			return LOADER_DONE;
#if defined(__x86_64__)
		/* Both loaders call with the stack pointer at its start: nothing there, nothing elsewhere. */
		if (i == WINDOW_WORDS - 1 && !loader_seen)
			return LOADER_DONE;
#endif
	}
	return loader_seen ? LOADER_RUNS : LOADER_DONE;
}

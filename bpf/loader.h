/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How to tell, from outside and at no cost to the target, whether ld.so has handed over to the program: the
 * part that is pure. src/launcher/supervisor/loader.c and bpf/image.bpf.h do the reading, each by its own means.
 *
 * The kernel starts the loader with the stack pointer at `start_stack`, and the loader jumps to the program's
 * entry point with the stack pointer at the same place. So the words right below it belong to whichever of
 * the two runs: as long as it is the loader, a return address into the loader's own start code lies there
 * (glibc sysdeps/x86_64/dl-machine.h RTLD_START calls _dl_start and _dl_init; musl's _dlstart likewise); once
 * it is the program, its start code has called something, and a return address into the program lies there.
 * The program's evidence wins: start code that leaves holes (Go's rt0_go) leaves the loader's words standing.
 */
#ifndef MINDERBINDER_BPF_LOADER_H
#define MINDERBINDER_BPF_LOADER_H

#define START_CODE_BYTES 512 /* the loader's _start up to its jump to the program: 100 to 200 in practice */

/* How many words below start_stack are looked at. */
#define WINDOW_WORDS_X86_64 32u
/* arm64's calls push nothing: the address lies in the callee's frame, below its locals. */
#define WINDOW_WORDS_ARM64 512u

/* FF /2 is 2 to 7 bytes long, E8 rel32 is 5. */
#define CALL_BYTES_X86_64 7u

struct image {
	u64 entry;        /* of the program */
	u64 text_start;   /* the executable segment that holds it */
	u64 text_end;
	u64 loader_entry; /* 0: no loader */
};

/*
 * On arm64 the address may be signed (paciasp, as of gcc's -mbranch-protection=standard, which Debian builds with
 * since 13): the signature lies between an address's own bits and bit 55 (Documentation/arch/arm64/
 * pointer-authentication.rst). Of how many bits addresses are, the stack tells, which is at their upper end.
 */
static inline u64 address_bits_arm64(u64 stack)
{
	u64 bits = stack;

	for (u32 shift = 1; shift < 64; shift *= 2)
		bits |= bits >> shift;
	return bits;
}

static inline u64 without_signature_arm64(u64 word, u64 address_bits)
{
	return word >> 55 ? word : word & address_bits;
}

static inline int is_loader_return(const struct image *image, u64 word)
{
	return word > image->loader_entry && word < image->loader_entry + START_CODE_BYTES;
}

/* Only where a call instruction ends there too: see ends_call_*(). */
static inline int may_be_program_return(const struct image *image, u64 word)
{
	return word > image->text_start && word < image->text_end && word != image->entry;
}

/* Is the last instruction in these bytes, those right before an address, a call? */
static inline int ends_call_x86_64(const u8 code[CALL_BYTES_X86_64])
{
	if (code[2] == 0xe8)
		return 1;
	for (int i = 0; i <= 5; i++) {
		if (code[i] == 0xff && (code[i + 1] & 0x38) == 0x10)
			return 1;
	}
	return 0;
}

static inline int ends_call_arm64(u32 instruction)
{
	return (instruction & 0xfc000000) == 0x94000000 || /* BL */
	       (instruction & 0xfffffc1f) == 0xd63f0000;   /* BLR */
}

#endif

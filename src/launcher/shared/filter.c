/* SPDX-License-Identifier: MIT */
#include "filter.h"
#include "../stage/raw.h"
#include "seccomp-flags.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
const u32 filter_native_arch = AUDIT_ARCH_X86_64;
const u32 filter_foreign_bit = 0x40000000;
#else
const u32 filter_native_arch = AUDIT_ARCH_AARCH64;
const u32 filter_foreign_bit = 0;
#endif

/* asm/unistd_32.h, asm/unistd_x32.h, and arm's asm/unistd.h. */
int filter_is_foreign_exec(const struct seccomp_notif *call)
{
	const int number = call->data.nr;

#if defined(__x86_64__)
	if (call->data.arch == AUDIT_ARCH_I386)
		return number == 11 || number == 358;
	return number == (0x40000000 | 520) || number == (0x40000000 | 545);
#else
	return call->data.arch == AUDIT_ARCH_ARM && (number == 11 || number == 387);
#endif
}

/* A load and a comparison for each descriptor, twice, and two ends: of each kind of call that differs in these. */
#define BLOCK_MAX (6 * (1 + FILTER_FDS_MAX) + 2)
#define BLOCKS_MAX 32
#define INSTRUCTIONS_MAX (20 + 2 * SYSCALLS_MAX + BLOCKS_MAX * BLOCK_MAX)
_Static_assert(INSTRUCTIONS_MAX <= BPF_MAXINSNS, "the kernel takes no longer filter");

struct program {
	struct sock_filter code[INSTRUCTIONS_MAX];
	unsigned short length;
};

/* Where a call that is named goes on: its descriptors are compared, or it comes to the last block at once. */
struct blocks {
	const struct descriptors *of[BLOCKS_MAX];
	u32 count;
	unsigned short start[BLOCKS_MAX + 1];
};

#define NAMED BLOCKS_MAX /* the last block; jumps lead forward only */

static void emit(struct program *program, struct sock_filter instruction)
{
	program->code[program->length++] = instruction;
}

static void load(struct program *program, size_t offset)
{
	emit(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (u32)offset));
}

static void return_action(struct program *program, u32 action)
{
	emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* BPF's conditional jumps reach 255 instructions, JA reaches them all. Patched when it is known where blocks are. */
static void jump_to(struct program *program, u32 block)
{
	emit(program, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, block));
}

/* Goes `yes` or `no` instructions further. */
static void compare(struct program *program, u16 how, u32 value, u8 yes, u8 no)
{
	emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | how | BPF_K, value, yes, no));
}

/* Calls that compare the same share a block; beyond BLOCKS_MAX all of them are seen, and compared later. */
static u32 block_for(struct blocks *blocks, const struct descriptors *only)
{
	if (only->count == 0)
		return NAMED;
	for (u32 i = 0; i < blocks->count; i++) {
		if (memcmp(blocks->of[i], only, sizeof(*only)) == 0)
			return i;
	}
	if (blocks->count == BLOCKS_MAX)
		return NAMED;
	blocks->of[blocks->count] = only;
	return blocks->count++;
}

/* As the kernel takes a descriptor: its lower half. Little-endian. */
static void build_block(struct program *program, const struct descriptors *only)
{
	for (u32 argument = 0; argument < 6; argument++) {
		if (!(only->arguments >> argument & 1))
			continue;
		load(program, offsetof(struct seccomp_data, args[argument]));
		for (u32 i = 0; i < only->count; i++) {
			const u32 left = only->count - 1 - i;
			u32 blocks_left = 0;

			for (u32 later = argument + 1; later < 6; later++)
				blocks_left += only->arguments >> later & 1;
			/* Over what is left, and the end that allows. */
			compare(program, BPF_JEQ, (u32)only->fds[i],
				(u8)(left + blocks_left * (1 + only->count) + 1), 0);
		}
	}
	return_action(program, SECCOMP_RET_ALLOW);
	jump_to(program, NAMED);
}

/* All that are named: pass where the call comes from `passing`, else act. Little-endian halves. */
static void build_last_block(struct program *program, u32 action, u64 passing)
{
	const size_t pointer = offsetof(struct seccomp_data, instruction_pointer);

	load(program, pointer);
	compare(program, BPF_JEQ, (u32)passing, 0, 3);
	load(program, pointer + 4);
	compare(program, BPF_JEQ, (u32)(passing >> 32), 0, 1);
	return_action(program, SECCOMP_RET_ALLOW);
	return_action(program, action);
}

/*
 * Unnamed calls must be told by the number alone: then the kernel sees that the filter always allows them and
 * skips it altogether (the bitmap cache of Linux 5.11, commit f9d480b6ffbe).
 */
static void build(struct program *program, const struct call_set *named, u32 action, u64 passing)
{
	struct blocks blocks = { .count = 0 };

	program->length = 0;
	load(program, offsetof(struct seccomp_data, arch));
	compare(program, BPF_JEQ, filter_native_arch, 1, 0);
	return_action(program, action);
	load(program, offsetof(struct seccomp_data, nr));
	if (filter_foreign_bit) {
		compare(program, BPF_JGE, filter_foreign_bit, 0, 2);
		/* A negative number is not a call: a tracer skips one so (-1), and x32 has none of these. */
		compare(program, BPF_JGE, 0x80000000, 1, 0);
		return_action(program, action);
	}
	for (u32 number = 0; number < SYSCALLS_MAX; number++) {
		if (!call_set_has(named, number))
			continue;
		compare(program, BPF_JEQ, number, 0, 1);
		jump_to(program, block_for(&blocks, &named->only[number]));
	}
	return_action(program, SECCOMP_RET_ALLOW);
	for (u32 i = 0; i < blocks.count; i++) {
		blocks.start[i] = program->length;
		build_block(program, blocks.of[i]);
	}
	blocks.start[NAMED] = program->length;
	build_last_block(program, action, passing);
	for (unsigned short at = 0; at < program->length; at++) {
		struct sock_filter *jump = &program->code[at];

		if (jump->code == (BPF_JMP | BPF_JA))
			jump->k = (u32)(blocks.start[jump->k] - at - 1);
	}
}

static long install(unsigned long flags, struct sock_fprog *prog)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);
}

static int install_listener(const struct call_set *named, u32 action, unsigned long more)
{
	static struct program program; /* no allocation between fork and exec */
	unsigned long flags =
		SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | more;

	build(&program, named, action, (uintptr_t)raw_call_address);

	struct sock_fprog prog = { .len = program.length, .filter = program.code };
	long fd = install(flags, &prog);

	if (fd < 0 && errno == EINVAL) { /* before Linux 5.19 */
		flags &= ~SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
		fd = install(flags, &prog);
	}
	/* Only without CAP_SYS_ADMIN: with it, setuid programs go on working in the child. */
	if (fd < 0 && errno == EACCES) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return -errno;
		fd = install(flags, &prog);
	}
	return fd < 0 ? -errno : (int)fd;
}

int filter_install(const struct call_set *named, u32 action)
{
	return install_listener(named, action, 0);
}

u32 filter_code(const struct call_set *named, u64 passing, const struct sock_filter **code)
{
	static struct program program;

	build(&program, named, SECCOMP_RET_USER_NOTIF, passing);
	*code = program.code;
	return program.length;
}

int filter_install_on_process(const struct call_set *named)
{
	return install_listener(named, SECCOMP_RET_USER_NOTIF,
				SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
}

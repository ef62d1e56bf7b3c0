/* SPDX-License-Identifier: MIT */
#include "filter.h"
#include "raw.h"
#include "seccomp-flags.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
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

#define INSTRUCTIONS_MAX (16 + 2 * SYSCALLS_MAX)

struct program {
	struct sock_filter code[INSTRUCTIONS_MAX];
	unsigned short length;
};

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

/*
 * Unnamed calls must be told by the number alone: then the kernel sees that the filter always allows them and
 * skips it altogether (the bitmap cache of Linux 5.11, commit f9d480b6ffbe).
 */
static void build(struct program *program, const struct call_set *notified)
{
	const uintptr_t passing = (uintptr_t)raw_call_address;
	const size_t pointer = offsetof(struct seccomp_data, instruction_pointer);

	program->length = 0;
	load(program, offsetof(struct seccomp_data, arch));
	emit(program,
	     (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, filter_native_arch, 1, 0));
	return_action(program, SECCOMP_RET_USER_NOTIF);
	load(program, offsetof(struct seccomp_data, nr));
	if (filter_foreign_bit) {
		emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K,
							   filter_foreign_bit, 0, 1));
		return_action(program, SECCOMP_RET_USER_NOTIF);
	}
	for (u32 number = 0; number < SYSCALLS_MAX; number++) {
		if (!call_set_has(notified, number))
			continue;
		emit(program,
		     (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
		/* BPF's conditional jumps reach 255 instructions, JA reaches them all: patched below. */
		emit(program, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
	}
	return_action(program, SECCOMP_RET_ALLOW);

	const unsigned short named = program->length;

	/* Named: pass where it is the staged child's own call, else notify. Little-endian halves. */
	load(program, pointer);
	emit(program,
	     (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (u32)passing, 0, 3));
	load(program, pointer + 4);
	emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						   (u32)((u64)passing >> 32), 0, 1));
	return_action(program, SECCOMP_RET_ALLOW);
	return_action(program, SECCOMP_RET_USER_NOTIF);
	for (unsigned short at = 0; at < named; at++) {
		if (program->code[at].code == (BPF_JMP | BPF_JA))
			program->code[at].k = (u32)(named - at - 1);
	}
}

static long install(unsigned long flags, struct sock_fprog *prog)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, prog);
}

int filter_install(const struct call_set *notified)
{
	static struct program program; /* no allocation between fork and exec */
	unsigned long flags =
		SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;

	build(&program, notified);

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

/* SPDX-License-Identifier: MIT */
#include "shield.h"
#include "../shared/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(signal) (1ull << ((signal) - 1))
#define SIGNALS 64

const u64 shield_all = ~(BIT(SIGKILL) | BIT(SIGSTOP) | BIT(SIGCHLD) | BIT(SIGCONT) | BIT(SIGWINCH) | BIT(32) |
			 BIT(33));
const u64 shield_debugger = BIT(SIGUSR1);

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_HIGH(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field) + 4)
#define JUMP(test, value, then, otherwise) \
	BPF_JUMP(BPF_JMP | (test) | BPF_K, (value), (then), (otherwise))
#define GO(steps) BPF_STMT(BPF_JMP | BPF_JA, (steps))
/* A: the bit number A of one half of the set. */
#define BIT_OF(half) \
	BPF_STMT(BPF_MISC | BPF_TAX, 0), BPF_STMT(BPF_LD | BPF_IMM, (half)), \
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_X, 0), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 1)

/*
 * rt_sigaction(SIGNAL of the set, ACT other than NULL, ...) is not run, and returns 0. Every other call is allowed by its
 * number alone, so that the kernel skips the filter for it (Linux 5.11).
 */
static int install(u64 signals)
{
	struct sock_filter code[] = {
		/* 0 */ LOAD(arch),
		/* 1 */ JUMP(BPF_JEQ, filter_native_arch, 0, 22),
		/* 2 */ LOAD(nr),
		/* 3 */ JUMP(BPF_JEQ, SYS_rt_sigaction, 0, 20),
		/* 4: a NULL pointer asks, and changes nothing; little-endian halves */ LOAD(args[1]),
		/* 5 */ JUMP(BPF_JEQ, 0, 0, 2),
		/* 6 */ LOAD_HIGH(args[1]),
		/* 7 */ JUMP(BPF_JEQ, 0, 16, 0),
		/* 8 */ LOAD(args[0]),
		/* 9 */ BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 1),
		/* 10 */ JUMP(BPF_JGE, SIGNALS, 13, 0),
		/* 11 */ JUMP(BPF_JGE, 32, 5, 0),
		/* 12 to 15 */ BIT_OF((u32)signals),
		/* 16 */ GO(5),
		/* 17: signals from 33 on */ BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 32),
		/* 18 to 21 */ BIT_OF((u32)(signals >> 32)),
		/* 22 */ JUMP(BPF_JEQ, 0, 1, 0),
		/* 23 */ BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
		/* 24 */ BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };
	/* Without it kernels before 5.16 would slow node down as a whole (speculative store bypass). */
	const unsigned long flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) == 0)
		return 0;
	/* Without CAP_SYS_ADMIN; node gains nothing by what it starts. */
	if (errno != EACCES || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* rt_sigaction(2) itself, for glibc keeps 32 and 33 from its callers. As the kernel defines it, for SIG_IGN. */
static int ignore(int signal)
{
	const struct {
		void (*handler)(int);
		unsigned long flags;
		void *restorer;
		unsigned long mask;
	} action = { .handler = SIG_IGN };

	return (int)syscall(SYS_rt_sigaction, signal, &action, NULL, SIGNALS / 8);
}

void shield(u64 signals)
{
	const u64 ignored = signals == shield_all ? signals | BIT(32) | BIT(33) : signals;

	for (int signal = 1; signal <= SIGNALS; signal++) {
		if (ignored & BIT(signal) && ignore(signal) < 0)
			return;
	}
	/* A failure leaves what was before: signals that reach node end it. */
	if (install(signals) < 0)
		errno = 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A system call on its way in: its number and its arguments, from the registers of either architecture. */
#ifndef MINDERBINDER_CALL_BPF_H
#define MINDERBINDER_CALL_BPF_H

#include "override.bpf.h"

/* x32 numbers carry this bit (asm/unistd.h, __X32_SYSCALL_BIT). */
#define X32_BIT 0x40000000u

/* Where things are in struct pt_regs, which is UAPI in all but name (asm/ptrace.h). */
#define X86_64_R10 56 /* then r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax */
#define X86_64_RAX 80
#define X86_64_RDI 112
#define X86_64_RIP 128
#define ARM64_X0 0 /* then x1 to x8 */
#define ARM64_PC 256
#define ARM64_PSTATE 264
#define ARM64_ORIG_X0 272

/*
 * In pstate: a 32-bit program. On arm64 its calls come in by the functions of 64-bit ones (arch/arm64/kernel/sys32.c),
 * with numbers of their own in another register; on x86_64 by functions of their own.
 */
#define ARM64_MODE32 0x10

struct call {
	u64 args[6];
	u64 age;
	u64 now;
	u64 birth; /* of the process, where scope=process needs it */
	u64 n;
	s64 value; /* what the call shall return, where a rule fired */
	u32 nr;
	u32 tgid;
	u32 paths; /* index into scratch, or PATHS_MAX: none was read */
	u32 index; /* of the rule that fired, and its slot */
	u32 slot;
	u32 fired;
	struct call_shape shape;
};

/* Where in struct pt_regs are the nine words that take_call() takes? */
#define WORDS_AT (settings.arm64 ? ARM64_X0 : X86_64_R10)

/* 1: a native call. */
static __always_inline int take_call(const u64 *words, u64 pstate, struct call *call)
{
	call->nr = (u32)words[8];
	if (settings.arm64) {
		__builtin_memcpy(call->args, words, sizeof(call->args));
	} else {
		call->args[0] = words[7];
		call->args[1] = words[6];
		call->args[2] = words[5];
		call->args[3] = words[0];
		call->args[4] = words[2];
		call->args[5] = words[1];
	}
	if (call->nr & X32_BIT || pstate & ARM64_MODE32) {
		LOSE(foreign_calls);
		return 0;
	}
	return 1;
}

/*
 * If the verifier knows `regs` for a struct pt_regs (the argument of a program that is attached to the call's function
 * by its type, or what bpf_task_pt_regs() gives), it can be loaded like anything else, at a fraction of what the helper
 * costs.
 */
static __always_inline int load_call(u64 regs, struct call *call)
{
	u64 pstate = settings.arm64 ? *(const u64 *)(regs + ARM64_PSTATE) : 0;

	return take_call((const u64 *)(regs + WORDS_AT), pstate, call);
}

/* Of a kprobe, to which it is a number. */
static __always_inline int read_call(const void *regs, struct call *call)
{
	u64 words[9], pstate = 0;

	if (settings.arm64 && bpf_probe_read_kernel(&pstate, sizeof(pstate), regs + ARM64_PSTATE))
		return 0;
	return !bpf_probe_read_kernel(words, sizeof(words), regs + WORDS_AT) && take_call(words, pstate, call);
}

#endif

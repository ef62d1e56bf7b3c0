/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * System calls that fail inside, at the kernel's security_* hooks: those take fmod_ret programs on kernels that let no
 * entry of a call fail (CONFIG_FUNCTION_ERROR_INJECTION is not needed: check_attach_modify_return(), verifier.c).
 *
 * A hook does not know which call it runs in, nor whether the call has passed it before. So two programs do it. The one
 * at the entry of a named call puts a mark on the thread. The first hook of that call decides, and writes its decision
 * into the mark; hooks that the call passes later repeat it. A thread without a mark passes: kernel threads, workers
 * of io_uring, and calls that no rule names, whatever they run into inside. So does one whose call has returned.
 */
#ifndef MINDERBINDER_HOOK_BPF_H
#define MINDERBINDER_HOOK_BPF_H

#include "call.bpf.h"

enum mark_state {
	MARK_NONE,
	MARK_OPEN,   /* no hook of the call has been passed yet */
	MARK_PASSES, /* no rule fired */
	MARK_FAILS,  /* with `error` */
};

struct mark {
	/*
	 * Of the call: nothing takes a mark away at the end of a call, and the thread's next call may be one that no
	 * program is at the entry of, of a 32-bit program, even.
	 */
	u64 ip;
	u32 nr;
	u32 hooks; /* as in struct named_call */
	u32 state; /* enum mark_state */
	s32 error;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct mark);
} marks SEC(".maps");

static __always_inline struct task_struct *this_task(void)
{
	return (struct task_struct *)bpf_get_current_task_btf();
}

static __always_inline u32 number_of(u64 regs)
{
	return (u32)((const u64 *)(regs + WORDS_AT))[8];
}

static __always_inline u64 instruction_of(u64 regs)
{
	return *(const u64 *)(regs + (settings.arm64 ? ARM64_PC : X86_64_RIP));
}

/*
 * Has the call not returned yet? What the kernel does for the thread between the return and user space passes hooks, too:
 * it goes on with requests of io_uring whose sockets have become ready, and writes a core file. The register of the result
 * holds -ENOSYS (x86_64: entry_64.S) or the first argument (arm64: el0_svc_common()) until the call has one. A call that
 * returns the same is not told apart.
 */
static __always_inline int is_underway(u64 regs)
{
	if (settings.arm64)
		return *(const u64 *)(regs + ARM64_X0) == *(const u64 *)(regs + ARM64_ORIG_X0);
	return *(const s64 *)(regs + X86_64_RAX) == -ENOSYS;
}

/*
 * At the entry of a named call. The registers come from the task and not from `ctx`: so one function serves all programs,
 * and is verified once in each.
 *
 * Strangers get no mark, and one that was watched before keeps its old one: fail_at() does not look at it either, unless
 * the thread is watched again in the middle of the same call. A look at the storage costs three times is_watched().
 */
__noinline int mark_call(void)
{
	struct mark *mark;
	struct named_call *named;
	struct call call;
	u64 regs;

	if (!is_watched())
		return 0;
	mark = bpf_task_storage_get(&marks, this_task(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!mark) {
		LOSE(untracked);
		return 0;
	}
	mark->state = MARK_NONE;
	regs = (u64)bpf_task_pt_regs(this_task());
	if (!load_call(regs, &call))
		return 0;
	named = named_call(call.nr, side_of_calls());
	if (!named)
		return 0;
	mark->ip = instruction_of(regs);
	mark->nr = call.nr;
	mark->hooks = named->hooks;
	mark->state = MARK_OPEN;
	return 0;
}

/* 0 lets the call go on. `hook`: its bit in `hooks`. */
__noinline int fail_at(u32 hook)
{
	struct mark *mark;
	struct call call = {};
	u64 regs;

	if (!is_watched())
		return 0;
	mark = bpf_task_storage_get(&marks, this_task(), 0, 0);
	if (!mark || mark->state == MARK_NONE || !(mark->hooks >> (hook & 31) & 1))
		return 0;
	regs = (u64)bpf_task_pt_regs(this_task());
	if (number_of(regs) != mark->nr || instruction_of(regs) != mark->ip || !is_underway(regs))
		return 0;
	if (mark->state == MARK_OPEN) {
		mark->state = MARK_PASSES;
		if (load_call(regs, &call) && decide_call(&call)) {
			mark->error = (s32)call.value;
			mark->state = MARK_FAILS;
		}
	}
	return mark->state == MARK_FAILS ? mark->error : 0;
}

/* As MODIFY, and for as many calls. */
#define ENTER(n)                                                                                             \
	SEC("fentry") int mb_enter_##n(u64 *ctx)                                                             \
	{                                                                                                    \
		(void)ctx;                                                                                   \
		return mark_call();                                                                          \
	}

ENTER(0) ENTER(1) ENTER(2) ENTER(3) ENTER(4) ENTER(5) ENTER(6) ENTER(7)
ENTER(8) ENTER(9) ENTER(10) ENTER(11) ENTER(12) ENTER(13) ENTER(14) ENTER(15)

/* One for each hook of src/engines/override/hooks.ts, by its place there. All 64 bits count, as in modify(). */
#define HOOK(n)                                                                                              \
	SEC("fmod_ret") s64 mb_hook_##n(u64 *ctx)                                                            \
	{                                                                                                    \
		(void)ctx;                                                                                   \
		return (s64)fail_at(n);                                                                      \
	}

HOOK(0) HOOK(1) HOOK(2) HOOK(3) HOOK(4) HOOK(5) HOOK(6) HOOK(7)
HOOK(8) HOOK(9) HOOK(10) HOOK(11) HOOK(12) HOOK(13) HOOK(14) HOOK(15)
HOOK(16) HOOK(17) HOOK(18) HOOK(19) HOOK(20) HOOK(21) HOOK(22) HOOK(23)
HOOK(24) HOOK(25) HOOK(26) HOOK(27) HOOK(28) HOOK(29) HOOK(30) HOOK(31)

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * System call faults for the processes of one cgroup, or for targets wherever they are, at the entry of the kernel's
 * own function for the call (__x64_sys_openat, __arm64_sys_openat): the function is not run, and what a rule says is
 * returned instead. Here is what decides, and where it is attached; each header has one part of the rest.
 *
 * One body, three ways in: fmod_ret programs, one for each call; one kprobe program for any number of calls; and where
 * the kernel lets no call fail at its entry, fmod_ret programs at hooks further inside (hook.bpf.h).
 * What decides is decide() of rule.h, as in the supervisor (src/launcher/supervisor/choose.c): keep the two in step.
 *
 * Needs Linux 6.1: bpf_loop() (5.17), hash maps without preallocation in tracing programs (6.1, commit
 * 96da3f7d489d). src/engines/override/object.ts writes `settings` before it loads this, `session` after.
 */
#include "types.bpf.h"
#include "rule.h"
#include "rule-set.h"
#include "rules.bpf.h"
#include "call.bpf.h"
#include "control.bpf.h"
#include "follow.bpf.h"
#include "image.bpf.h"
#include "paths.bpf.h"
#include "report.bpf.h"
#include "tracked.bpf.h"

enum call_needs {
	CALL_NEEDS_PATH = 1 << 0, /* some rule has path= */
	CALL_NEEDS_AGE = 1 << 1,  /* some rule has after= or for= */
};

struct named_call {
	struct rule_set rules; /* those that name it, tried lowest index first */
	u32 needs; /* enum call_needs */
	u32 hooks; /* those that the call may pass, as bits: hook.bpf.h */
	struct call_shape shape;
	u32 padding;
};

/* By native number; side 1 from SYSCALLS_MAX on. A command whose rules change has two sides, too. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYSCALLS_MAX);
	__type(key, u32);
	__type(value, struct named_call);
} calls SEC(".maps");

static __always_inline struct named_call *named_call(u32 nr, u32 side)
{
	u32 at = nr + side * SYSCALLS_MAX;

	return nr < SYSCALLS_MAX ? bpf_map_lookup_elem(&calls, &at) : 0;
}

/*
 * Functions that are not static are verified once, each by itself, and not again along every path that leads
 * to them: together the loops below would be too much for the verifier of Linux 6.7 and later.
 */

/* bpf_loop() takes nothing but the stack. */
struct walk {
	struct call *call;
	const struct rule_set *mine;  /* that the process is under, */
	const struct rule_set *named; /* and that name the call */
	struct rule_walk rules;
};

/* Do all keys of the rule agree that say which calls are meant? */
static __always_inline int names_call(const struct rule *rule, const struct call *call, struct rule_counts *total)
{
	if (settings.uses & USES_FDS && rule->fd_count && !fd_matches(rule, &call->shape, call->args))
		return 0;
	if (!(settings.uses & USES_PATHS && rule->flags & RULE_HAS_PATH))
		return 1;
	switch (call->paths < PATHS_MAX ? compare_paths(call->paths, call->index) : PATH_UNREAD) {
	case PATH_MATCHES:
		return 1;
	case PATH_UNREAD:
		__sync_fetch_and_add(&total->unread, 1);
	}
	return 0;
}

static long try_rule(u32 i, void *context)
{
	struct walk *walk = context;
	struct call *call = walk->call;
	struct rule_counts *total, *scope;
	struct rule *rule;
	enum walked walked;
	int predicates;

	(void)i;
	walked = next_rule(&walk->rules, walk->mine, walk->named, &rule, &total);
	if (walked != WALK_FOUND)
		return walked == WALK_OVER;
	call->index = walk->rules.index;
	call->slot = rule->slot;
	predicates = names_call(rule, call, total);
	scope = total;
	if (settings.process_rules && rule->scope == SCOPE_PROCESS) {
		scope = counts_of_process(call, call->index);
		if (!scope) { /* no room to count in: the rule lets this call pass, and the run says so */
			LOSE(untracked);
			scope = total;
			predicates = 0;
		}
	}
	call->fired = decide(rule, settings.seed, call->age, predicates, total, scope, &call->n);
	return call->fired || rule_walk_is_over(&walk->rules);
}

/* Of a call that a rule has just taken: each of those that come after it counts that. */
static long count_taken(u32 i, void *context)
{
	struct walk *walk = context;
	struct rule_counts *total;
	struct rule *rule;
	enum walked walked;

	(void)i;
	walked = next_rule(&walk->rules, walk->mine, walk->named, &rule, &total);
	if (walked != WALK_FOUND)
		return walked == WALK_OVER;
	__sync_fetch_and_add(&total->taken, 1);
	return rule_walk_is_over(&walk->rules);
}

/*
 * Still in its loader, or spared? Such calls are not looked at. Fills in what after= and scope=process need.
 *
 * tgid is on the stack: before Linux 6.2 a map's key must not lie in memory that a function was handed by
 * pointer, as struct call is.
 */
static __always_inline int look_at_process(struct call *call, const struct target_process *target, u32 needs)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 tgid = (u32)(id >> 32), tid = (u32)id;
	u32 *settled_tid = place_among_settled(tid);
	struct process *process = 0;

	if (!(settings.uses & USES_AGE))
		needs &= ~CALL_NEEDS_AGE;
	call->tgid = tgid;
	if (settings.tracks_processes && (needs & CALL_NEEDS_AGE || !settled_tid || *settled_tid != tid)) {
		process = bpf_map_lookup_elem(&processes, &tgid);
		if (process && process->spared && process->birth == birth_of(current_task()))
			return 1;
		/* The thread that exec'd leads its process (execve(2)), and is alone in the loader. */
		if (settings.exempts_loader && process && process->loading && tid == tgid) {
			if (loader_is_running(tgid))
				return 1;
			process->loading = 0;
		}
		if (settled_tid)
			*settled_tid = tid;
	}
	if (needs & CALL_NEEDS_AGE || settings.process_rules)
		call->birth = birth_of(current_task());
	if (needs & CALL_NEEDS_AGE) {
		u64 start = process && process->birth == call->birth ? process->exec_ns : call->birth;
		u64 now = bpf_ktime_get_boot_ns();

		if (target)
			start = target->exec_ns;
		call->age = now > start ? now - start : 0;
	}
	return 0;
}

/* Decides one call, of which args and nr are known. Returns 1 where a rule fired: then call->value counts. */
__noinline int decide_call(struct call *call)
{
	struct walk walk;
	struct target_process *target = 0;
	struct named_call *named;
	struct rule *rule;
	u32 zero = session.zero;
	u32 side = current_side(), index;

	if (!call)
		return 0;
	named = named_call(call->nr, side_of_calls());
	if (!named)
		return 0;
	walk.named = &named->rules;
	walk.mine = (const struct rule_set *)&settings.everyone;
	if (settings.targeted) {
		target = current_target(side);
		if (target)
			walk.mine = &target->rules;
	}
	walk.rules.words = walk.mine->words & walk.named->words;
	if (!walk.rules.words)
		return 0;
	walk.rules.bits = zero;
	walk.rules.word = zero;
	walk.rules.index = zero;
	call->age = ~0ull;
	call->shape = named->shape;
	call->paths = PATHS_MAX;
	call->fired = 0;
	if (settings.control[0] && is_clients_own(call))
		return 0;
	if (look_at_process(call, target, named->needs))
		return 0;
	if (settings.uses & USES_PATHS && named->needs & CALL_NEEDS_PATH)
		call->paths = read_paths(call);
	walk.call = call; /* known not to be null */
	bpf_loop(RULE_WALK_STEPS, try_rule, &walk, 0);
	if (settings.uses & USES_PATHS && call->paths < PATHS_MAX)
		give_paths_back(call->paths);
	if (!call->fired)
		return 0;
	if (!rule_walk_is_over(&walk.rules))
		bpf_loop(RULE_WALK_STEPS, count_taken, &walk, 0);
	index = call->index;
	rule = bpf_map_lookup_elem(&rules, &index);
	if (!rule)
		return 0;
	if (settings.wants_events)
		report(call);
	call->value = rule->outcome == OUTCOME_ERRNO ? -(s64)drawn_error(rule, settings.seed, call->n) : rule->value;
	return 1;
}

SEC("kprobe")
int mb_override(void *ctx)
{
	struct call call = {};
	const void *regs;

	if (!is_watched())
		return 0;
	/* The verifier wants a constant offset, and so the compiler must not make one load of the two. */
	if (settings.arm64) {
		regs = *(const void **)(ctx + ARM64_X0);
		barrier_var(regs);
	} else {
		regs = *(const void **)(ctx + X86_64_RDI);
	}
	if (read_call(regs, &call) && decide_call(&call))
		bpf_override_return(ctx, call.value);
	return 0;
}

/* 0 lets the call run. All 64 bits count: an int -2 would reach the caller as 4294967294. */
static __always_inline s64 modify(u64 *ctx)
{
	struct call call = {};

	if (!is_watched() || !load_call(ctx[0], &call) || !decide_call(&call))
		return 0;
	return call.value;
}

/* Brings a string into memory, all of it. */
__noinline int touch_string(u64 at)
{
	char text[256];
	long n;

	for (u32 part = 0; part < GLOB_TEXT_MAX / 256; part++) {
		n = bpf_probe_read_user_str(text, sizeof(text), (void *)at);
		if (n < 0) {
			/* It begins in a page that is not there, or goes on in one. 4096: the smallest there is. */
			if (bpf_copy_from_user(text, 1, (void *)at) ||
			    bpf_copy_from_user(text, 1, (void *)((at + sizeof(text) - 1) & ~4095ull)))
				return 0;
			n = bpf_probe_read_user_str(text, sizeof(text), (void *)at);
		}
		if (n < (long)sizeof(text))
			return 0;
		at += sizeof(text) - 1;
	}
	return 0;
}

/*
 * For calls with a path= rule. modify() cannot wait for a page, and a path that the program has not touched
 * itself, like a string constant, may not be there yet: the call would have brought it in. fentry programs run
 * before fmod_ret programs, and may sleep. Not one fmod_ret program that may sleep: while it does, the kernel lets
 * other calls on its CPU pass by it (bpf_prog_inc_misses_counter()), and nobody would decide on them.
 */
static __always_inline int touch(u64 *ctx)
{
	struct call call = {};
	struct named_call *named;

	if (!is_watched() || !load_call(ctx[0], &call))
		return 0;
	named = named_call(call.nr, side_of_calls());
	if (!named)
		return 0;
	for (u32 i = 0; i < ARGUMENTS_MAX; i++) {
		if (has_argument(named->shape.paths, i) && call.args[i])
			touch_string(call.args[i]);
	}
	return 0;
}

/* MODIFIED_MAX of src/engines/override/ways.ts */
#define MODIFY(n)                                                                                            \
	SEC("fmod_ret") s64 mb_modify_##n(u64 *ctx) { return modify(ctx); }                                 \
	SEC("fentry.s") int mb_touch_##n(u64 *ctx) { return touch(ctx); }

MODIFY(0) MODIFY(1) MODIFY(2) MODIFY(3) MODIFY(4) MODIFY(5) MODIFY(6) MODIFY(7)
MODIFY(8) MODIFY(9) MODIFY(10) MODIFY(11) MODIFY(12) MODIFY(13) MODIFY(14) MODIFY(15)

#include "hook.bpf.h"

/*
 * Run once by BPF_PROG_TEST_RUN, never attached: how deep is session.cgroup, our own, and how deep our pid
 * namespace? Namespaces hide the answers from everything but helpers. Level in the low half, LEVEL_MAX where
 * it is not found; pid level in the high half.
 */
SEC("raw_tp")
int mb_self(u64 *ctx)
{
	(void)ctx;
	return (int)(BPF_CORE_READ(current_task(), thread_pid, level) << 16 | level_of(session.cgroup));
}

char LICENSE[] SEC("license") = "GPL";

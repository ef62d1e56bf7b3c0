// SPDX-License-Identifier: GPL-2.0-only
/*
 * System call faults for the processes of one cgroup, or for targets wherever they are, at the entry of the kernel's own function for the call
 * (__x64_sys_openat, __arm64_sys_openat): the function is not run, and what a rule says is returned instead.
 *
 * One body, two ways in: fmod_ret programs, one for each call, and one kprobe program for any number of calls.
 * What decides is decide() of rule.h, as in the supervisor (src/launcher/supervisor/faults.c): keep the two in step.
 *
 * Needs Linux 6.1: bpf_loop() (5.17), hash maps without preallocation in tracing programs (6.1, commit
 * 96da3f7d489d). src/engines/override/object.ts writes `settings` before it loads this, `session` after.
 */
#include "types.bpf.h"
#include "rule.h"
#include "rule-set.h"
#include "glob.h"
#include "loader.h"
#include "task.bpf.h"
#include "self.bpf.h"
#include "target.bpf.h"

/* Calls that fmod_ret programs can be had for. */
#define MODIFIED_MAX 16

/* x32 numbers carry this bit (asm/unistd.h, __X32_SYSCALL_BIT). */
#define X32_BIT 0x40000000u

#define EI_CLASS 4
#define ELFCLASS32 1
#define AT_ENTRY 9
#define AUXV_MAX 32

/* Where things are in struct pt_regs, which is UAPI in all but name (asm/ptrace.h). */
#define X86_64_R10 56 /* then r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax */
#define X86_64_RDI 112
#define X86_64_RIP 128
#define ARM64_X0 0 /* then x1 to x8 */
#define ARM64_PC 256
#define ARM64_PSTATE 264

/*
 * In pstate: a 32-bit program. On arm64 its calls come in by the functions of 64-bit ones (arch/arm64/kernel/sys32.c),
 * with numbers of their own in another register; on x86_64 by functions of their own.
 */
#define ARM64_MODE32 0x10

/* Sized when loaded: the whole plan, by rule index. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct rule);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct rule_counts);
} counts SEC(".maps");

/* Indices of the rules of scope=process: what an exit has to forget. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} process_rules SEC(".maps");

enum call_needs {
	CALL_NEEDS_PATH = 1 << 0, /* some rule has path= */
	CALL_NEEDS_AGE = 1 << 1,  /* some rule has after= */
};

struct named_call {
	struct rule_set rules; /* those that name it, tried lowest index first */
	u32 needs; /* enum call_needs */
	struct call_shape shape;
};

/* By native number. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SYSCALLS_MAX);
	__type(key, u32);
	__type(value, struct named_call);
} calls SEC(".maps");

/*
 * A process of the tree that has exec'd. Others were forked, and run what their parent ran; in here are those of them
 * that are spared.
 */
struct process {
	u64 birth;   /* of its leader: tells a process id that was used again */
	u64 exec_ns; /* CLOCK_BOOTTIME */
	u64 stack;   /* start_stack */
	struct image image;
	u32 loading; /* in ld.so, as far as is known */
	u32 spared;  /* it gained privileges by an exec, or comes from one that did and holds them still */
};

/* By thread group id. PROCESSES_MAX of src/targets/limits.ts. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct process);
} processes SEC(".maps");

/*
 * Threads that are known to be past their loader and not spared, by the low bits of their ids: a look in here costs a
 * tenth of one in `processes`. Ids that share a place push each other out. An exec takes its thread out, and a fork
 * of one that is spared takes out who had the new id before.
 */
#define SETTLED_MAX 4096

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SETTLED_MAX);
	__type(key, u32);
	__type(value, u32);
} settled SEC(".maps");

struct process_rule {
	u64 birth;
	u32 process;
	u32 rule;
};

/* What scope=process counts in. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct process_rule);
	__type(value, struct rule_counts);
} process_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

/*
 * The path arguments of a call under decision. fmod_ret programs can be preempted (CONFIG_PREEMPTION), and
 * another call's program can then run on the same CPU: so several, each with an owner.
 */
struct paths {
	u32 owned;
	u32 read;   /* bit i: text[i] was read */
	u32 unread; /* bit i: it could not be */
	u32 padding;
	char text[2][GLOB_TEXT_MAX];
	/*
	 * Here and not on the stack: what lies in a map the verifier knows nothing of, so that one step looks
	 * like any other to it. On the stack it would follow every way through a pattern.
	 */
	struct glob glob;
};

#define PATHS_MAX 4

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PATHS_MAX);
	__type(key, u32);
	__type(value, struct paths);
} scratch SEC(".maps");

/* Set before this is loaded. */
volatile const struct {
	u64 seed;
	u32 process_rules; /* how many rules of scope=process there are */
	u32 arm64;
	u32 wants_events;
	u32 exempts_loader;
	u32 tracks_processes; /* exempts_loader, spares, or some rule has after= */
	u32 targeted;	      /* some rule has targets */
	u32 machine;	      /* targets are looked for everywhere, not only below session.cgroup */
	u32 turn;	      /* of the machine's rules: ours */
	u32 spares;	      /* programs that gain privileges, and what they start; on the machine these are no targets */
	u32 user, group;      /* who chooses them: spares */
	u32 padding;
	struct rule_set everyone; /* rules without targets */
} settings;

struct session {
	u64 cgroup; /* id of the target's cgroup */
	/*
	 * The same from the first exec in there on, until then an id that no cgroup has: what the staged child
	 * does before its exec is ours, not the command's.
	 */
	u64 armed;
	u32 level;     /* depth of the cgroup below the real root of the hierarchy */
	u32 pid_level; /* depth of our pid namespace below the first */
	/*
	 * What a bpf_loop() callback finds in its context must not be a constant to the verifier: before Linux
	 * 6.7 (commit bb124da69c47) it follows one iteration only, and removes the code that one has no use for.
	 */
	u32 zero;
	u32 spared; /* enum spared */
};

enum spared {
	SPARED_NONE,
	SPARED_SOME,
	SPARED_ALL, /* there was no room to remember which: no process is faulted any more */
};

struct session session;

/* What did not go as it should, for the summary. */
struct losses {
	u64 events;           /* nobody read them in time */
	u64 foreign_calls;    /* x32 calls; on arm64, calls of 32-bit programs */
	u64 foreign_programs; /* 32-bit programs that were started: their calls come in by other functions */
	u64 untracked;        /* processes and counters that a full map had no room for */
	u64 spared;           /* programs that gained privileges */
	u64 forgotten;        /* of those, and of what they started, what there was no room to remember */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct losses);
} losses SEC(".maps");

#define LOSE(what)                                                                                           \
	do {                                                                                                 \
		const u32 zero_ = 0;                                                                         \
		struct losses *losses_ = bpf_map_lookup_elem(&losses, &zero_);                               \
                                                                                                             \
		if (losses_)                                                                                 \
			__sync_fetch_and_add(&losses_->what, 1);                                             \
	} while (0)

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
	u32 index; /* of the rule that fired */
	u32 fired;
	struct call_shape shape;
	u32 padding;
};

/*
 * Functions that are not static are verified once, each by itself, and not again along every path that leads
 * to them: together the loops below would be too much for the verifier of Linux 6.7 and later.
 */

static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

static __always_inline u64 birth_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, group_leader, start_boottime);
}

static __always_inline struct target_process *current_target(void)
{
	u32 tgid = (u32)(bpf_get_current_pid_tgid() >> 32);

	return bpf_map_lookup_elem(&targets, &tgid);
}

/* Is the caller somebody whom rules can be for? All that a call of somebody else costs. */
static __always_inline int is_watched(void)
{
	if (settings.machine)
		return current_target() && is_turn_of(settings.turn);
	return bpf_get_current_ancestor_cgroup_id(session.level) == session.armed;
}

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
 * Of a program that is attached to the call's function by its type: the verifier knows the argument for a struct
 * pt_regs, and what is in it can be loaded like anything else, at a fraction of what the helper costs.
 */
static __always_inline int load_call(const u64 *ctx, struct call *call)
{
	u64 pstate = settings.arm64 ? *(const u64 *)(ctx[0] + ARM64_PSTATE) : 0;

	return take_call((const u64 *)(ctx[0] + WORDS_AT), pstate, call);
}

/* Of a kprobe, to which it is a number. */
static __always_inline int read_call(const void *regs, struct call *call)
{
	u64 words[9], pstate = 0;

	if (settings.arm64 && bpf_probe_read_kernel(&pstate, sizeof(pstate), regs + ARM64_PSTATE))
		return 0;
	return !bpf_probe_read_kernel(words, sizeof(words), regs + WORDS_AT) && take_call(words, pstate, call);
}

/* Processes */

/* As struct process says it. */
static __always_inline void remember(u32 tgid, const struct process *process)
{
	if (!bpf_map_update_elem(&processes, &tgid, process, BPF_ANY))
		return;
	if (!process->spared) {
		LOSE(untracked);
		return;
	}
	LOSE(forgotten);
	session.spared = SPARED_ALL;
	session.armed = ~0ull; /* no cgroup's */
}

/* Loader */

struct window {
	struct image image;
	u64 top;
	u64 address_bits;
	u32 loader_seen;
	u32 padding;
};

static long look_at_word(u32 i, void *context)
{
	struct window *window = context;
	u64 word;

	if (bpf_probe_read_user(&word, sizeof(word), (void *)(window->top - 8 * ((u64)i + 1)))) {
		window->loader_seen = 0;
		return 1;
	}
	if (settings.arm64)
		word = without_signature_arm64(word, window->address_bits);
	if (is_loader_return(&window->image, word)) {
		window->loader_seen = 1;
	} else if (may_be_program_return(&window->image, word)) {
		int call = 0;

		if (settings.arm64) {
			u32 code;

			call = word % 4 == 0 &&
			       !bpf_probe_read_user(&code, sizeof(code), (void *)(word - sizeof(code))) &&
			       ends_call_arm64(code);
		} else {
			u8 code[CALL_BYTES_X86_64];

			call = !bpf_probe_read_user(code, sizeof(code), (void *)(word - sizeof(code))) &&
			       ends_call_x86_64(code);
		}
		if (call) {
			window->loader_seen = 0;
			return 1;
		}
	}
	/* Both loaders call with the stack pointer at its start: nothing there, nothing elsewhere. */
	return !settings.arm64 && i == 0 && !window->loader_seen;
}

__noinline int loader_is_running(u32 tgid)
{
	struct process *process = bpf_map_lookup_elem(&processes, &tgid);
	struct window window = {};

	if (!process)
		return 0;
	window.loader_seen = session.zero;
	window.image = process->image;
	window.top = process->stack;
	if (settings.arm64)
		window.address_bits = address_bits_arm64(process->stack);
	bpf_loop(settings.arm64 ? WINDOW_WORDS_ARM64 : WINDOW_WORDS_X86_64, look_at_word, &window, 0);
	return (int)window.loader_seen;
}

/* Predicates */

struct matching {
	u32 paths; /* index into scratch */
	u32 which; /* of its texts */
	u32 rule;
	u32 padding;
};

static long match_step(u32 i, void *context)
{
	struct matching *matching = context;
	struct paths *paths = bpf_map_lookup_elem(&scratch, &matching->paths);
	struct rule *rule = bpf_map_lookup_elem(&rules, &matching->rule);

	(void)i;
	if (!paths || !rule)
		return 1;
	return glob_step(&paths->glob, rule->path, paths->text[matching->which & 1]);
}

enum compared { PATH_DIFFERS, PATH_MATCHES, PATH_UNREAD };

/* PATH_UNREAD: none of those that could be read matches. */
__noinline int compare_paths(u32 place, u32 rule)
{
	struct paths *paths = bpf_map_lookup_elem(&scratch, &place);
	struct matching matching = { place, 0, rule, 0 };

	if (!paths)
		return PATH_UNREAD;
	for (u32 which = 0; which < 2; which++) {
		if (!(paths->read >> which & 1))
			continue;
		__builtin_memset(&paths->glob, 0, sizeof(paths->glob));
		paths->glob.star = GLOB_NO_STAR;
		matching.which = which;
		bpf_loop(GLOB_STEPS_MAX, match_step, &matching, 0);
		if (paths->glob.matches)
			return PATH_MATCHES;
	}
	return paths->unread ? PATH_UNREAD : PATH_DIFFERS;
}

static __always_inline int fd_matches(const struct rule *rule, const struct call *call)
{
	for (int i = 0; i < 6; i++) {
		if (call->shape.fds >> i & 1 && (s32)call->args[i] == rule->fd)
			return 1;
	}
	return 0;
}

/* Reads the path arguments, two at most: no call has more. Returns where they are. */
__noinline u32 read_paths(const struct call *call)
{
	struct paths *paths = 0;
	u32 place, which = 0;

	if (!call)
		return PATHS_MAX;
	for (place = 0; place < PATHS_MAX; place++) {
		u32 key = place;

		paths = bpf_map_lookup_elem(&scratch, &key);
		if (paths && !__sync_val_compare_and_swap(&paths->owned, 0, 1))
			break;
		paths = 0;
	}
	if (!paths)
		return PATHS_MAX;
	paths->read = 0;
	paths->unread = 0;
	for (int i = 0; i < 6; i++) {
		if (!(call->shape.paths >> i & 1) || which > 1)
			continue;
		if (call->args[i] && bpf_probe_read_user_str(paths->text[which & 1], GLOB_TEXT_MAX,
							     (void *)call->args[i]) > 0)
			paths->read |= 1 << which;
		else if (call->args[i])
			paths->unread |= 1 << which;
		which++;
	}
	return place;
}

static __always_inline void give_paths_back(u32 place)
{
	struct paths *paths = bpf_map_lookup_elem(&scratch, &place);

	if (paths)
		__sync_lock_test_and_set(&paths->owned, 0);
}

/* Decision */

static __always_inline struct rule_counts *counts_of_process(const struct call *call, u32 rule)
{
	struct process_rule key = { call->birth, call->tgid, rule };
	const struct rule_counts none = {};
	struct rule_counts *found = bpf_map_lookup_elem(&process_counts, &key);

	if (found)
		return found;
	bpf_map_update_elem(&process_counts, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&process_counts, &key);
}

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
	if (rule->flags & RULE_HAS_FD && !fd_matches(rule, call))
		return 0;
	if (!(rule->flags & RULE_HAS_PATH))
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
	int predicates;
	u32 index;

	(void)i;
	switch (rule_walk_step(&walk->rules, walk->mine, walk->named)) {
	case WALK_OVER:
		return 1;
	case WALK_ON:
		return 0;
	case WALK_FOUND:
		break;
	}
	index = walk->rules.index;
	call->index = index;
	rule = bpf_map_lookup_elem(&rules, &index);
	total = bpf_map_lookup_elem(&counts, &index);
	if (!rule || !total)
		return 1;
	predicates = names_call(rule, call, total);
	scope = total;
	if (rule->scope == SCOPE_PROCESS) {
		scope = counts_of_process(call, call->index);
		if (!scope) { /* no room to count in: the rule lets this call pass, and the run says so */
			LOSE(untracked);
			scope = total;
			predicates = 0;
		}
	}
	call->fired = decide(rule, call->index, settings.seed, call->age, predicates, total, scope, &call->n);
	return call->fired || rule_walk_is_over(&walk->rules);
}

/* Of a call that a rule has just taken: each of those that come after it counts that. */
static long count_taken(u32 i, void *context)
{
	struct walk *walk = context;
	struct rule_counts *total;
	u32 index;

	(void)i;
	switch (rule_walk_step(&walk->rules, walk->mine, walk->named)) {
	case WALK_OVER:
		return 1;
	case WALK_ON:
		return 0;
	case WALK_FOUND:
		break;
	}
	index = walk->rules.index;
	total = bpf_map_lookup_elem(&counts, &index);
	if (!total)
		return 1;
	__sync_fetch_and_add(&total->taken, 1);
	return rule_walk_is_over(&walk->rules);
}

static __always_inline void fill_text(struct event *event, const struct call *call)
{
	for (int i = 0; i < 6; i++) {
		if (call->shape.paths >> i & 1) {
			long n = call->args[i] ? bpf_probe_read_user_str(event->text, sizeof(event->text),
									 (void *)call->args[i])
					       : 0;

			if (n <= 0)
				continue;
			event->text_kind = EVENT_TEXT_PATH;
			event->text_len = (u16)(n - 1);
			return;
		}
		if (i < 5 && call->shape.sockaddrs >> i & 1) {
			u64 length = call->args[i + 1];

			if (!call->args[i] || length > 128 || /* sizeof(struct sockaddr_storage) */
			    bpf_probe_read_user(event->text, (u32)length, (void *)call->args[i]))
				continue;
			event->text_kind = EVENT_TEXT_SOCKADDR;
			event->text_len = (u16)length;
			return;
		}
	}
}

/* As our own pid namespace has it; 0 where it does not see the task. */
static __always_inline u32 visible_id(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	u32 nr = 0, level = session.pid_level;

	if (!pid || BPF_CORE_READ(pid, level) < level)
		return 0;
	bpf_probe_read_kernel(&nr, sizeof(nr),
			      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				      level * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, nr));
	return nr;
}

__noinline int report(const struct call *call)
{
	struct task_struct *task = current_task();
	struct event *event;

	if (!call)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		LOSE(events);
		return 0;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->time_ns = bpf_ktime_get_boot_ns();
	event->n = call->n;
	__builtin_memcpy(event->args, call->args, sizeof(event->args));
	event->rule = call->index;
	event->syscall = call->nr;
	event->pid = visible_id(BPF_CORE_READ(task, group_leader));
	event->tid = visible_id(task);
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	fill_text(event, call);
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

static __always_inline u32 *place_among_settled(u32 tid)
{
	u32 key = tid % SETTLED_MAX;

	return bpf_map_lookup_elem(&settled, &key);
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
	u32 nr;

	if (!call)
		return 0;
	nr = call->nr;
	named = bpf_map_lookup_elem(&calls, &nr);
	if (!named)
		return 0;
	walk.named = &named->rules;
	walk.mine = (const struct rule_set *)&settings.everyone;
	if (settings.targeted) {
		target = current_target();
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
	if (look_at_process(call, target, named->needs))
		return 0;
	if (named->needs & CALL_NEEDS_PATH)
		call->paths = read_paths(call);
	walk.call = call; /* known not to be null */
	bpf_loop(RULE_WALK_STEPS, try_rule, &walk, 0);
	if (call->paths < PATHS_MAX)
		give_paths_back(call->paths);
	if (!call->fired)
		return 0;
	if (!rule_walk_is_over(&walk.rules))
		bpf_loop(RULE_WALK_STEPS, count_taken, &walk, 0);
	nr = call->index;
	rule = bpf_map_lookup_elem(&rules, &nr);
	if (!rule)
		return 0;
	if (settings.wants_events)
		report(call);
	call->value = rule->outcome == OUTCOME_ERRNO ? -rule->value : rule->value;
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

	if (!is_watched() || !load_call(ctx, &call) || !decide_call(&call))
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

	if (!is_watched() || !load_call(ctx, &call))
		return 0;
	named = bpf_map_lookup_elem(&calls, &call.nr);
	if (!named)
		return 0;
	for (int i = 0; i < 6; i++) {
		if (named->shape.paths >> i & 1 && call.args[i])
			touch_string(call.args[i]);
	}
	return 0;
}

#define MODIFY(n)                                                                                            \
	SEC("fmod_ret") s64 mb_modify_##n(u64 *ctx) { return modify(ctx); }                                 \
	SEC("fentry.s") int mb_touch_##n(u64 *ctx) { return touch(ctx); }

MODIFY(0) MODIFY(1) MODIFY(2) MODIFY(3) MODIFY(4) MODIFY(5) MODIFY(6) MODIFY(7)
MODIFY(8) MODIFY(9) MODIFY(10) MODIFY(11) MODIFY(12) MODIFY(13) MODIFY(14) MODIFY(15)

static __always_inline u64 program_entry(struct mm_struct *mm)
{
	void *auxv = (void *)mm + bpf_core_field_offset(struct mm_struct, saved_auxv);
	u64 pair[2];

	for (int i = 0; i < AUXV_MAX; i++) {
		if (bpf_probe_read_kernel(pair, sizeof(pair), auxv + sizeof(pair) * i) || !pair[0])
			break;
		if (pair[0] == AT_ENTRY)
			return pair[1];
	}
	return 0;
}

/* Whatever exec starts is in its loader, if it has one: the kernel starts it elsewhere than at its entry. */
static __always_inline void describe_image(struct process *process, struct task_struct *task)
{
	struct task_struct *typed = (struct task_struct *)bpf_get_current_task_btf();
	const void *regs = (const void *)bpf_task_pt_regs(typed);
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	u64 start = 0;

	if (!mm || bpf_probe_read_kernel(&start, sizeof(start),
					 regs + (settings.arm64 ? ARM64_PC : X86_64_RIP)))
		return;
	process->image.entry = program_entry(mm);
	process->image.text_start = BPF_CORE_READ(mm, start_code);
	process->image.text_end = BPF_CORE_READ(mm, end_code);
	process->stack = BPF_CORE_READ(mm, start_stack);
	process->image.loader_entry = start;
	process->loading = process->image.entry && start != process->image.entry;
}

SEC("raw_tp")
int mb_exec(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	struct linux_binprm *program = (struct linux_binprm *)ctx[2];
	u32 tgid = (u32)(bpf_get_current_pid_tgid() >> 32);
	struct process process = {}, *before;
	u32 *settled_tid;
	char class = 0;

	/* process.bpf.c has seen this exec before us: it was attached before us. */
	if (settings.machine) {
		if (!current_target()) {
			bpf_map_delete_elem(&processes, &tgid);
			return 0;
		}
	} else if (bpf_get_current_ancestor_cgroup_id(session.level) == session.cgroup) {
		if (session.spared != SPARED_ALL)
			session.armed = session.cgroup;
	} else {
		return 0;
	}
	bpf_probe_read_kernel(&class, 1, (void *)program + bpf_core_field_offset(struct linux_binprm, buf) +
						EI_CLASS);
	if (class == ELFCLASS32)
		LOSE(foreign_programs);
	if (!settings.tracks_processes)
		return 0;
	process.birth = birth_of(task);
	process.exec_ns = bpf_ktime_get_boot_ns();
	if (settings.spares) {
		before = bpf_map_lookup_elem(&processes, &tgid);
		process.spared = before && before->spared && before->birth == process.birth &&
				 holds_more_rights(task, settings.user, settings.group);
		if (!process.spared && gained_privileges(task, program)) {
			process.spared = 1;
			if (session.spared == SPARED_NONE)
				session.spared = SPARED_SOME;
			LOSE(spared);
		}
	}
	if (settings.exempts_loader && class != ELFCLASS32)
		describe_image(&process, task);
	remember(tgid, &process);
	settled_tid = place_among_settled(tgid);
	if (settled_tid && *settled_tid == tgid)
		*settled_tid = 0;
	return 0;
}

/* Attached where settings.spares says so. */
SEC("raw_tp")
int mb_fork(u64 *ctx)
{
	struct task_struct *child = (struct task_struct *)ctx[1];
	u32 parent = (u32)(bpf_get_current_pid_tgid() >> 32);
	u32 tgid, tid, *settled_tid;
	struct process process = {}, *of_parent;

	if (session.spared == SPARED_NONE)
		return 0;
	of_parent = bpf_map_lookup_elem(&processes, &parent);
	if (!of_parent || !of_parent->spared)
		return 0;
	tid = (u32)BPF_CORE_READ(child, pid);
	tgid = (u32)BPF_CORE_READ(child, tgid);
	settled_tid = place_among_settled(tid);
	if (settled_tid && *settled_tid == tid)
		*settled_tid = 0;
	if (tgid == parent) /* a thread */
		return 0;
	process.birth = birth_of(child);
	process.spared = 1;
	remember(tgid, &process);
	return 0;
}

static long forget_count(u32 i, void *context)
{
	struct process_rule *key = context;
	u32 *index = bpf_map_lookup_elem(&process_rules, &i);

	if (!index)
		return 1;
	key->rule = *index;
	bpf_map_delete_elem(&process_counts, key);
	return 0;
}

SEC("raw_tp")
int mb_exit(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	u32 tgid = (u32)(bpf_get_current_pid_tgid() >> 32);

	/* The targets' own program may have forgotten it already. */
	if ((!settings.machine && !is_watched()) || BPF_CORE_READ(task, signal, live.counter) > 0)
		return 0;
	bpf_map_delete_elem(&processes, &tgid);
	if (settings.process_rules) {
		struct process_rule key = { birth_of(task), tgid, 0 };

		bpf_loop(settings.process_rules, forget_count, &key, 0);
	}
	return 0;
}

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

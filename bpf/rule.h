/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The rule table, the counters, the events and the one decision procedure.
 *
 * The same bytes go into a BPF map and to the seccomp supervisor, and the same decide() is compiled for
 * both, so that for equal seed and equal order of calls the same calls fail on every engine.
 * src/rules/encode.ts writes struct rule; test/unit holds its offsets to this file.
 *
 * The including file provides u8, u16, u32, u64, s32 and s64 (bpf/types.bpf.h for the kernel side,
 * src/launcher/shared/types.h for the launcher): this header includes nothing.
 */
#ifndef MINDERBINDER_RULE_H
#define MINDERBINDER_RULE_H

#define RULES_MAX 4096u
#define SYSCALLS_MAX 512u /* highest native system call number + 1 that a rule can name */
#define RULE_PATH_MAX 256u
#define RULE_FDS_MAX 8u
#define RULE_ERRORS_MAX 8u /* a power of two */
#define RULE_PORTS_MAX 8u
#define RULE_BLOCKS_MAX 8u
#define EVENT_TEXT_MAX 256u
#define COMM_MAX 16u /* TASK_COMM_LEN, include/linux/sched.h */

/* 100 %: one more than any 32-bit draw, so that the edges are exact (0 never, ALWAYS always). */
#define CHANCE_ALWAYS (1ull << 32)

/* when_last without upper end: n, which has 64 bits, goes on past it. */
#define WHEN_NO_END 0xffffffffu

enum rule_kind { RULE_SYSCALL = 1, RULE_DROP_NET = 2, RULE_REFUSE_NET = 3 };

/* What becomes of the call. Before it a pause and a signal may come, and another pause after it: struct rule. */
enum outcome {
	OUTCOME_ERRNO = 1,  /* it fails with one of `errors`, and is not run */
	OUTCOME_RETURN = 2, /* value: what it returns without being run */
	OUTCOME_RUN = 3,    /* it runs as it is */
	OUTCOME_DROP = 5,   /* the packet is lost without a word */
	OUTCOME_REFUSE = 6, /* connect() fails with value: ECONNREFUSED */
	OUTCOME_SHORT = 7,  /* value: how many bytes it moves; 0: share / 2^32 of those that it asks for */
};

enum rule_scope { SCOPE_TREE = 0, SCOPE_PROCESS = 1, SCOPE_THREAD = 2 };

enum rule_flags {
	RULE_HAS_PATH = 1 << 0, /* path: globs over the path arguments as the program passes them */
	RULE_HAS_TARGETS = 1 << 3, /* only processes that struct target names for it */
	RULE_NOT_INHERITED = 1 << 4, /* and not those that they start */
};

/*
 * Which processes a rule with RULE_HAS_TARGETS is for: one of these for each alternative, in no order. Names are
 * compared with a process's comm, the base name of its argv[0], of its executable and, for a script, of the
 * script, as they are when it execs.
 */
enum target_kind {
	TARGET_NAME = 1,   /* name, to the letter */
	TARGET_GLOB = 2,   /* name is a glob (bpf/glob.h) */
	TARGET_PID = 3,    /* value: thread group id; resolved once, when the session opens */
	TARGET_UID = 4,    /* value: real user id */
	TARGET_CGROUP = 5, /* value: id of a cgroup; processes in it or below */
};

#define TARGET_NAME_MAX 256u /* NAME_MAX + 1 (limits.h) */

struct target {
	u32 rule; /* index into the table */
	u32 kind; /* enum target_kind */
	u64 value;
	char name[TARGET_NAME_MAX];
};

/* Rules by index, as bits: word i / 64, bit i % 64. What a process is a target of, and what names a call. */
#define RULE_SET_WORDS (RULES_MAX / 64)

struct rule_set {
	u64 words; /* bit w: bits[w] is not 0, so that one rule does not cost 64 words */
	u64 bits[RULE_SET_WORDS];
};

enum direction { DIRECTION_OUT = 0, DIRECTION_IN = 1 };

/* Inclusive, host byte order. */
struct port_range {
	u16 low;
	u16 high;
};

/* A CIDR block of addresses. */
struct block {
	u8 address[16]; /* network byte order; IPv4 in the first four bytes */
	u8 family;      /* 4 or 6 */
	u8 prefix;      /* bits, 0..32 or 0..128 */
	u16 none;       /* 0: address is a multiple of four bytes */
};

/* From `ns` to `ns + spread` nanoseconds. `spread` is below 2^47. */
struct pause {
	s64 ns;
	u64 spread;
};

struct rule {
	u32 kind;    /* enum rule_kind */
	u32 outcome; /* enum outcome */
	s64 value;
	u64 threshold; /* 0 (never) .. CHANCE_ALWAYS */
	u64 after_ns;  /* no match for this long after the process (network: the session) starts */
	u64 for_ns;    /* and none later than so long after that; 0: no end */
	u64 times;     /* fires at most this often; 0: no limit */
	u32 when_first; /* strace's when=: occurrences first, first+step, ... up to last; 1-based */
	u32 when_last;  /* or WHEN_NO_END */
	u32 when_step; /* at least 1 */
	u32 scope;     /* enum rule_scope */
	u32 flags;     /* enum rule_flags */
	u32 fd_count;  /* one of `fds` is a descriptor argument of the call; 0: whatever these are */
	/* network only */
	u32 ifindex;   /* 0: every interface */
	u32 port_count; /* the remote port is in one of `ports`; 0: whatever it is */
	u8 protocol;   /* IPPROTO_*; 0: any */
	u8 direction;  /* enum direction */
	u16 to_count;  /* the remote address is in one of `to`; 0: whatever it is */
	u32 slot;      /* the rule's number in its session, never another's: draws, events and counts go by it */
	u64 share;     /* of a length, below 2^32 */
	struct pause enter; /* before the call */
	struct pause exit;  /* when it has run, or was answered for, before it returns */
	u64 signal;    /* sent to the calling thread at the call, after the pause; 0: none */
	u16 errors[RULE_ERRORS_MAX]; /* errno, 1..4095, each as likely as the others */
	u64 error_count; /* how many of them, 0..RULE_ERRORS_MAX */
	s32 fds[RULE_FDS_MAX]; /* behind the last one it stands again */
	struct port_range ports[RULE_PORTS_MAX]; /* as fds */
	struct block to[RULE_BLOCKS_MAX];
	u64 syscalls[SYSCALLS_MAX / 64]; /* bit set of native system call numbers */
	char path[RULE_PATH_MAX];        /* globs, one of which matches, each NUL-terminated: * ? [set], * crosses '/' */
};

/* Which arguments of a system call are what: bit i stands for argument i (0-based). */
struct call_shape {
	u8 paths;     /* arguments that point to a path name */
	u8 fds;       /* arguments that are descriptors (of openat too: its dirfd) */
	u8 sockaddrs; /* arguments that point to a struct sockaddr; its length is the next argument */
	/* What says how many bytes it moves, enum length_kind << LENGTH_KIND_SHIFT | argument; enum signalled << SIGNALLED_SHIFT */
	u8 length;
};

enum length_kind {
	LENGTH_NONE = 0,
	LENGTH_COUNT = 1,   /* the argument does */
	LENGTH_VECTOR = 2,  /* it points to struct iovec[], and the next one says how many */
	LENGTH_MESSAGE = 3, /* it points to a struct msghdr */
};

#define LENGTH_ARGUMENT 7u
#define LENGTH_KIND_SHIFT 3

/* What becomes of the call if it waits, and a signal comes whose handler runs (signal(7)). */
enum signalled {
	SIGNALLED_RUNS = 0,     /* it goes on, always: it cannot fail with EINTR */
	SIGNALLED_RESTARTS = 1, /* SA_RESTART decides */
	SIGNALLED_FAILS = 2,    /* EINTR, always */
};

#define SIGNALLED_SHIFT 5

#define ARGUMENTS_MAX 6
#define SOCKADDR_MAX 128u /* sizeof(struct sockaddr_storage): an event has no longer one */

/* Is argument i one of those of a field of struct call_shape? */
static inline int has_argument(u8 field, u32 i)
{
	return field >> i & 1;
}

/* Is one of the call's descriptors among the rule's? */
static inline int fd_matches(const struct rule *rule, const struct call_shape *shape, const u64 *args)
{
	for (u32 i = 0; i < ARGUMENTS_MAX; i++) {
		u64 same = 0;

		if (!has_argument(shape->fds, i))
			continue;
		/* Without a branch, each of which would double what the BPF verifier has to look at: 0 - 1 has bit 63. */
		for (u32 k = 0; k < RULE_FDS_MAX; k++)
			same |= (u64)((u32)args[i] ^ (u32)rule->fds[k]) - 1;
		if (same >> 63)
			return 1;
	}
	return 0;
}

/* Is the port in one of the rule's ranges? */
static inline int port_matches(const struct rule *rule, u16 port)
{
	u64 same = 0;

	/* As above: 0 - 1 has bit 63, and so has what is less than the width of a range. */
	for (u32 k = 0; k < RULE_PORTS_MAX; k++) {
		const struct port_range *range = &rule->ports[k];

		same |= (u64)(u32)(port - range->low) - (u64)(range->high - range->low + 1);
	}
	return (int)(same >> 63);
}

/* seen: the call was named; matched: every key but when, rate and times agreed; fired: it happened. */
struct rule_counts {
	u64 seen;
	u64 matched;
	u64 fired;
	u64 turns; /* with times=: see take_turn() */
	u64 taken; /* calls that the rule names and never saw: a rule before it fired */
	u64 unread; /* of seen: an argument that a key compares could not be read */
};

enum event_text { EVENT_TEXT_NONE = 0, EVENT_TEXT_PATH = 1, EVENT_TEXT_SOCKADDR = 2 };

/* One injection. Counters never depend on events: a lost event loses no count. */
struct event {
	u64 time_ns; /* CLOCK_REALTIME for the supervisor, CLOCK_BOOTTIME from BPF (bpf_ktime_get_boot_ns) */
	u64 n;       /* which matching occurrence of the rule this was, 1-based */
	u64 args[6];
	u32 rule; /* its slot */
	u32 pid;  /* thread group id, 0 where unknown (packets) */
	u32 tid;
	u32 syscall;   /* native number; packets: 0 */
	u16 text_kind; /* enum event_text */
	u16 text_len;
	u8 protocol;  /* packets: IPPROTO_* */
	u8 direction; /* packets: enum direction */
	u16 remote_port; /* packets: host byte order */
	u32 ifindex;
	u8 remote[16]; /* packets: address, network byte order */
	u32 family;    /* packets: 4 or 6 */
	char comm[COMM_MAX];
	char text[EVENT_TEXT_MAX]; /* path bytes, or the raw struct sockaddr */
};

/*
 * A 32-bit draw that depends on nothing but its arguments: two rounds of the 64-bit finalizer of
 * splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
 */
static inline u64 mix64(u64 x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ull;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebull;
	x ^= x >> 31;
	return x;
}

#define DRAW_STEP 0x9e3779b97f4a7c15ull

static inline u64 draw_of(u64 seed, u32 slot, u64 n)
{
	return mix64(mix64(seed + DRAW_STEP * ((u64)slot + 1)) + DRAW_STEP * n);
}

static inline u32 chance_draw(u64 seed, u32 slot, u64 n)
{
	return (u32)(draw_of(seed, slot, n) >> 32);
}

/* What else is drawn for an occurrence that fires: one more round, so that draws are independent. */
enum draw { DRAW_ENTER = 1, DRAW_ERROR = 2, DRAW_EXIT = 3 };

static inline u32 other_draw(u64 seed, u32 slot, u64 n, enum draw what)
{
	return (u32)(mix64(draw_of(seed, slot, n) + DRAW_STEP * what) >> 32);
}

/* ns + draw * (spread + 1) / 2^32, rounded down: for up to 4 seconds of spread each nanosecond is as likely. */
static inline s64 drawn_pause(const struct pause *pause, u32 draw)
{
	const u64 width = pause->spread + 1;

	return pause->ns + (s64)(draw * (width >> 32) + (draw * (width & 0xffffffff) >> 32));
}

static inline s64 drawn_enter(const struct rule *r, u64 seed, u64 n)
{
	return drawn_pause(&r->enter, other_draw(seed, r->slot, n, DRAW_ENTER));
}

static inline s64 drawn_exit(const struct rule *r, u64 seed, u64 n)
{
	return drawn_pause(&r->exit, other_draw(seed, r->slot, n, DRAW_EXIT));
}

/* 0: the rule has no errors. */
static inline u32 drawn_error(const struct rule *r, u64 seed, u64 n)
{
	const u64 draw = other_draw(seed, r->slot, n, DRAW_ERROR);

	return r->errors[draw * r->error_count >> 32 & (RULE_ERRORS_MAX - 1)];
}

/* OUTCOME_SHORT: how many of the bytes that a call asks for it moves, at least 1; 0: it cannot be shorter. asked < 2^31. */
static inline u64 short_bytes(const struct rule *r, u64 asked)
{
	u64 bytes = r->value ? (u64)r->value : asked * r->share >> 32;

	if (!bytes)
		bytes = 1;
	return bytes < asked ? bytes : 0;
}

static inline int occurrence_selected(const struct rule *r, u64 n)
{
	if (n < r->when_first || (n > r->when_last && r->when_last != WHEN_NO_END))
		return 0;
	return r->when_step <= 1 || (n - r->when_first) % r->when_step == 0;
}

static inline int selected(const struct rule *r, u64 seed, u64 n)
{
	return occurrence_selected(r, n) && chance_draw(seed, r->slot, n) < r->threshold;
}

/* struct rule_counts, turns: how often it fired, above n. A day of 200 million calls a second has room. */
#define TURN_FIRED_SHIFT 44
#define TURN_N ((1ull << TURN_FIRED_SHIFT) - 1)
#define TURN_TIMES_MAX ((1ull << (64 - TURN_FIRED_SHIFT)) - 1)
/* Attempts if other CPUs decide at once; after these, a call may fire in another's place. */
#define TURN_TRIES 32

/* A function that is not static is verified once, by itself, and not again in each round of the loop over rules. */
#ifdef __bpf__
#define VERIFIED_APART __attribute__((noinline))
#else
#define VERIFIED_APART static inline
#endif

/*
 * Takes the next n. Whether it fires depends on how many before it fired: both are counted in one step, or the 38th
 * could fire while the first one is still on its way. Returns -1 where another CPU came first.
 */
VERIFIED_APART int try_turn(const struct rule *r, u64 seed, struct rule_counts *scope, u64 *n)
{
	u64 turns, next;

#ifdef __bpf__
	if (!r || !scope || !n) /* never; the verifier wants it, and gcc then takes them for null */
		return 0;
#endif
	turns = __sync_fetch_and_add(&scope->turns, 0);
	next = turns + 1;
	*n = (turns & TURN_N) + 1;
	if (selected(r, seed, *n) && turns >> TURN_FIRED_SHIFT < r->times)
		next += 1ull << TURN_FIRED_SHIFT;
	if (__sync_val_compare_and_swap(&scope->turns, turns, next) != turns)
		return -1;
	return next >> TURN_FIRED_SHIFT != turns >> TURN_FIRED_SHIFT;
}

/* An occurrence of a rule with times=. */
VERIFIED_APART int take_turn(const struct rule *r, u64 seed, struct rule_counts *scope, u64 *n)
{
	u64 turns;

#ifdef __bpf__
	if (!r || !scope || !n) /* never, as above */
		return 0;
#endif
	for (u32 i = 0; i < TURN_TRIES; i++) {
		int fires = try_turn(r, seed, scope, n);

		if (fires >= 0)
			return fires;
	}
	*n = (__sync_fetch_and_add(&scope->turns, 1) & TURN_N) + 1;
	if (!selected(r, seed, *n))
		return 0;
	turns = __sync_fetch_and_add(&scope->turns, 1ull << TURN_FIRED_SHIFT);
	if (turns >> TURN_FIRED_SHIFT < r->times)
		return 1;
	__sync_fetch_and_add(&scope->turns, -(1ull << TURN_FIRED_SHIFT));
	return 0;
}

/* Does what decide() says depend on age_ns? */
static inline int needs_age(const struct rule *r)
{
	return r->after_ns || r->for_ns;
}

static inline int is_in_time(const struct rule *r, u64 age_ns)
{
	return age_ns >= r->after_ns && (!r->for_ns || age_ns - r->after_ns < r->for_ns);
}

/*
 * Does this occurrence of the rule fire? Called once for each call (packet, connect) that the rule names,
 * after its predicates; `predicates` is whether they all agreed. `total` counts over the tree; `scope` is
 * what occurrences are counted in: `total` itself, or the process's or thread's own counters.
 * `*n` receives the occurrence number (0 where the rule did not match). Returns 1 to fire, 0 not to.
 * Thread-safe: on two CPUs no n is given twice, no more than `times` fire, and those are the first that are selected
 * (beyond TURN_TIMES_MAX they may be others).
 */
static inline int decide(const struct rule *r, u64 seed, u64 age_ns, int predicates, struct rule_counts *total,
			 struct rule_counts *scope, u64 *n)
{
	int fires;

	*n = 0;
	__sync_fetch_and_add(&total->seen, 1);
	if (!predicates || !is_in_time(r, age_ns))
		return 0;
	if (r->times && r->times <= TURN_TIMES_MAX) {
		fires = take_turn(r, seed, scope, n);
		__sync_fetch_and_add(&scope->matched, 1);
		if (fires)
			__sync_fetch_and_add(&scope->fired, 1);
	} else {
		*n = __sync_fetch_and_add(&scope->matched, 1) + 1;
		fires = selected(r, seed, *n);
		if (fires && __sync_fetch_and_add(&scope->fired, 1) >= r->times && r->times) {
			__sync_fetch_and_add(&scope->fired, -1);
			fires = 0;
		}
	}
	if (scope != total)
		__sync_fetch_and_add(&total->matched, 1);
	if (!fires)
		return 0;
	if (scope != total)
		__sync_fetch_and_add(&total->fired, 1);
	return 1;
}

#endif

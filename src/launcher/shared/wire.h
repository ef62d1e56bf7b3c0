/* SPDX-License-Identifier: MIT */
/*
 * What the launcher's processes and node say to each other: frames of {u32 type, u32 length, payload} in host
 * byte order over Unix stream sockets. src/launch/wire.ts is the other end; test/unit/launch/wire.test.ts holds the
 * two together.
 */
#ifndef MINDERBINDER_WIRE_H
#define MINDERBINDER_WIRE_H

#include "types.h"

#include <stddef.h>

#define WIRE_PAYLOAD_MAX (8u << 20) /* 4096 rules of 704 bytes, 16384 targets of 272, and some */

enum wire_type {
	/* node to supervisor */
	WIRE_STAGE = 1,   /* struct wire_stage and what follows it */
	WIRE_GO = 2,      /* let the staged child exec */
	WIRE_COUNT = 3,   /* answer with WIRE_COUNTS */
	WIRE_LIFT = 4,    /* from here on no call is faulted; answer with WIRE_LIFTED */
	WIRE_RELEASE = 5, /* the session is over: end, or stay only to let left-over processes' calls pass */
	WIRE_KILL = 6,    /* SIGKILL for the child, and at WIRE_RELEASE for what it leaves behind; no answer */
	WIRE_CHANGE = 7,  /* struct wire_change and what follows it: answer with WIRE_CHANGE_READY or WIRE_CHANGE_FAILED */
	WIRE_CLIENT_SEND = 8,  /* u32 client, bytes for it */
	WIRE_CLIENT_CLOSE = 9, /* u32 client: it is forgotten, its rules being gone */
	/* After WIRE_CHANGE_READY one of the two has to follow, before another WIRE_CHANGE. */
	WIRE_CHANGE_COMMIT = 10,  /* the change is in force from here on; answer with WIRE_CHANGED */
	WIRE_CHANGE_ABANDON = 11, /* it never will be; no answer */
	WIRE_CLIENT_OFFER = 12,   /* as WIRE_CLIENT_SEND, and dropped if the client has no room for it */
	WIRE_OUTER_SEND = 13,     /* bytes for the session around this one, over the child's connection (outer.h) */
	/* supervisor to node */
	WIRE_STAGED = 16,       /* u32 pid */
	WIRE_STAGE_FAILED = 17, /* u32 enum stage_step, u32 errno */
	WIRE_EXECED = 18,
	WIRE_EXEC_FAILED = 19, /* u32 errno */
	WIRE_EXITED = 20,      /* u32 CLD_EXITED, CLD_KILLED or CLD_DUMPED; u32 status or signal */
	WIRE_COUNTS = 21,      /* struct wire_counts, struct near_path[], then struct slot_counts of every rule */
	WIRE_LIFTED = 22,
	WIRE_CHANGED = 23,       /* as WIRE_COUNTS, of the rules that were removed: the last of them */
	WIRE_CHANGE_FAILED = 24, /* u32 errno (faults_changed()): the rules are as they were */
	WIRE_CLIENT_OPENED = 25, /* u32 client (no two have the same), u32 pid: it has connected to the socket of --control */
	WIRE_CLIENT_SAID = 26,   /* u32 client, bytes from it */
	WIRE_CLIENT_CLOSED = 27, /* u32 client: its connection is over; WIRE_CLIENT_CLOSE has to follow */
	WIRE_CHANGE_READY = 28,  /* nothing can refuse the change any more; the rules are as they were */
	WIRE_OUTER_SAID = 29,    /* bytes from the session around this one */
	WIRE_OUTER_CLOSED = 30,  /* that connection is over */
	/* node to front */
	WIRE_CGROUP = 32, /* path of the child's cgroup, for the case that node is killed; without a front, to supervisor */
	WIRE_FINISH = 33,  /* struct wire_finish: end like this, once node has exited */
	/* Node draws on the terminal; what gives it back, for the case that node is killed. Empty: no more. */
	WIRE_VIEW = 34,
	WIRE_VIEW_SUSPENDED = 35, /* the terminal is given back */
	/* front to node, while it draws */
	WIRE_VIEW_SUSPEND = 80, /* the shell wants its terminal; answered by WIRE_VIEW_SUSPENDED */
	WIRE_VIEW_RESUME = 81,  /* we go on */
	/* front to supervisor */
	WIRE_SIGNAL = 48,   /* struct wire_signal: pass it to the child */
	WIRE_CONTINUE = 49, /* SIGCONT for a stopped child; answered by WIRE_CONTINUED */
	WIRE_RESUMED = 50,  /* an answer to WIRE_STOPPED: we do not stop for it, or go on again */
	/* supervisor to front */
	WIRE_STOPPED = 64,   /* u32 signal that stopped the child */
	WIRE_CONTINUED = 65, /* WIRE_CONTINUE has been dealt with: older WIRE_STOPPED are stale */
	WIRE_RELEASED = 66,  /* node has released the supervisor; u32: it stays for left-over processes */
	WIRE_ENDED = 67,     /* the child has ended; node hears more of it */
};

/* Which step of staging failed: decides the error that node reports. */
enum stage_step {
	STEP_PROTOCOL = 1,
	STEP_CGROUP = 2,   /* clone3(CLONE_INTO_CGROUP) */
	STEP_FORK = 3,
	STEP_LIMITS = 4,   /* setrlimit, signal dispositions */
	STEP_USER = 5,     /* setgroups, setresgid, setresuid */
	STEP_SECCOMP = 6,  /* the filter or its listener */
	STEP_LISTENER = 7, /* handing the listener to the supervisor */
	STEP_THREAD = 8,
	STEP_MEMORY = 9,
	STEP_TRACE = 10, /* PTRACE_SEIZE */
	STEP_CONTROL = 11, /* the socket of --control */
	STEP_OUTER = 12,   /* connecting to that of the session around this one */
};

enum stage_flags {
	STAGE_USER = 1 << 0,
	STAGE_EVENTS = 1 << 1,
	STAGE_INCLUDE_LOADER = 1 << 2,
	STAGE_INCLUDE_SETUID = 1 << 3,
	STAGE_CHANGES = 1 << 4,
	STAGE_TRACES = 1 << 5, /* calls come by ptrace, not by a seccomp listener */
	/* No child: a process that runs already has the filter, with all that it starts from now on (joining.h). */
	STAGE_JOINS = 1 << 6,
};

struct wire_stage {
	u32 argv_index;  /* of COMMAND among the user's arguments, 0-based */
	u32 flags;       /* enum stage_flags */
	u32 uid;
	u32 gid;
	u32 group_count;  /* then: u32 groups[] */
	u32 cgroup_bytes; /* then: path of the child's cgroup, no NUL; 0: stay in this one */
	u32 rule_count;   /* then: struct rule[], those that the supervisor does */
	u32 capacity;     /* rules at one time at most */
	u32 target_count; /* then: struct target[], of these rules by their places among them */
	u32 root_bytes;   /* then: where the root of the cgroup v2 hierarchy is mounted, no NUL; 0: no target asks */
	u32 control_bytes; /* then: path of the socket of --control, no NUL; 0: none */
	u32 outer_bytes;   /* then: path of the socket of the session around this one, if the child is to connect to it */
	u64 seed;
	/* With STAGE_CHANGES: u64 reach[SYSCALLS_MAX / 64], the calls that rules may name later */
	/* last, with rules or STAGE_CHANGES: struct call_shape[SYSCALLS_MAX] */
};

struct wire_counts {
	u64 lost_events;
	u64 foreign_calls; /* calls of 32-bit programs, let pass: the rules name native numbers */
	u64 interrupted_calls; /* by a signal, before they were received (receivers.h) */
	u64 unsent_signals; /* that a rule asked for, and the kernel did not take */
	u64 spared_calls; /* of processes with more rights than the command's user, named by a rule (privilege.h) */
	u64 unread_loaders; /* programs whose loader could not be told from them */
	u64 refused_tracers; /* times that a program could not trace what we trace (trace.h) */
	u64 near_count; /* then: struct near_path[] (near.h) */
};

struct slot_counts {
	u32 slot; /* of the rule */
	u32 padding;
	struct rule_counts counts;
};

struct wire_change {
	u32 add_count;    /* then: struct rule[], and struct rule_caller of each */
	u32 remove_count; /* then: u32 slots of rules, the lowest first */
};

#define CLIENTS_MAX 256u /* at one time */

enum caller_scope {
	CALLER_ANY = 0,      /* each process: the rule belongs to no client */
	CALLER_TREE = 1,     /* the client's process, and all that descend from it */
	CALLER_PROCESS = 2,  /* the client's process */
	CALLER_CHILDREN = 3, /* those that descend from it and started after the rule */
	CALLER_THREAD = 4,   /* one thread of the client's process */
	CALLER_EXEC = 5,     /* as CALLER_TREE, but no process that still runs the program that the client runs now */
};

enum caller_flags {
	CALLER_HAS_SEED = 1 << 0,
	CALLER_EVENTS = 1 << 1, /* each injection is reported, whether or not the others are */
};

struct rule_caller {
	u32 scope; /* enum caller_scope */
	u32 client;
	s32 tid;
	u32 flags; /* enum caller_flags */
	u64 seed;  /* instead of the session's */
};

enum finish_kind { FINISH_EXIT = 0, FINISH_SIGNAL = 1 };

struct wire_finish {
	u32 kind; /* enum finish_kind */
	u32 value;
};

struct wire_signal {
	s32 signal;
	s32 code;  /* si_code: of SI_QUEUE the value is passed on, too */
	u32 pid;   /* of the sender */
	u32 uid;
	s64 value;
};

/* A frame as read; payload is valid until the next read from the same stream. */
struct frame {
	u32 type;
	u32 length;
	u8 *payload;
};

struct stream {
	int fd;
	u8 *buffer; /* payload of the newest frame */
	u32 capacity;
};

/* 1: a frame was read; 0: end of file; -1: error or a frame that breaks the protocol. */
int wire_read(struct stream *stream, struct frame *frame);

/* 0, or -1 with errno. Never raises SIGPIPE. `second` may be NULL. */
int wire_write(int fd, u32 type, const void *first, size_t first_length, const void *second,
	       size_t second_length);

/* Read exactly length bytes: 1, or 0 at end of file before the first, or -1. */
int read_all(int fd, void *buffer, size_t length);

#endif

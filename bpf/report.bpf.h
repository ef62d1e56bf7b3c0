/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The event of a call that a rule has taken. */
#ifndef MINDERBINDER_REPORT_BPF_H
#define MINDERBINDER_REPORT_BPF_H

#include "call.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

/* The argument that says what the call is for: the first path, or address, that can be read. */
static __always_inline void fill_text(struct event *event, const struct call *call)
{
	for (u32 i = 0; i < ARGUMENTS_MAX; i++) {
		if (has_argument(call->shape.paths, i)) {
			long n = call->args[i] ? bpf_probe_read_user_str(event->text, sizeof(event->text),
									 (void *)call->args[i])
					       : 0;

			if (n <= 0)
				continue;
			event->text_kind = EVENT_TEXT_PATH;
			event->text_len = (u16)(n - 1);
			return;
		}
		if (i + 1 < ARGUMENTS_MAX && has_argument(call->shape.sockaddrs, i)) {
			u64 length = call->args[i + 1];

			if (!call->args[i] || length > SOCKADDR_MAX ||
			    bpf_probe_read_user(event->text, (u32)length, (void *)call->args[i]))
				continue;
			event->text_kind = EVENT_TEXT_SOCKADDR;
			event->text_len = (u16)length;
			return;
		}
	}
}

/* As our own pid namespace has it; 0 if it does not see the task. */
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
	event->rule = call->slot;
	event->syscall = call->nr;
	event->pid = visible_id(BPF_CORE_READ(task, group_leader));
	event->tid = visible_id(task);
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	fill_text(event, call);
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

#endif

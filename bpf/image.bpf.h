/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The program that a process runs: where it and its loader lie, and which of the two runs now (loader.h). */
#ifndef MINDERBINDER_IMAGE_BPF_H
#define MINDERBINDER_IMAGE_BPF_H

#include "tracked.bpf.h"

#define AT_ENTRY 9
#define AUXV_MAX 32

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

#endif

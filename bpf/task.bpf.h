/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The few fields of kernel structures that bpf/syscall.bpf.c reads, declared by hand: libbpf finds where they
 * really are on the running kernel (CO-RE), from its BTF. All of them have had these names since Linux 5.5.
 */
#ifndef MINDERBINDER_TASK_BPF_H
#define MINDERBINDER_TASK_BPF_H

#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pid_namespace;

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1]; /* one for each namespace that sees it, from the outermost: level + 1 */
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

struct file {
	struct path f_path;
};

struct mm_struct {
	struct file *exe_file;
	unsigned long arg_start; /* where argv[0] lies */
	unsigned long start_code; /* of executable segments (fs/binfmt_elf.c) */
	unsigned long end_code;
	unsigned long start_stack;
	unsigned long saved_auxv[2]; /* more in truth */
};

struct live_threads {
	int counter;
};

struct signal_struct {
	struct live_threads live;
};

struct task_struct {
	int pid;
	int tgid;
	struct task_struct *group_leader;
	struct mm_struct *mm;
	struct signal_struct *signal;
	struct pid *thread_pid;
	u64 start_boottime;
};

struct linux_binprm {
	const char *filename; /* as it was passed to execve(2): of a script, the script */
	char buf[5]; /* the file's first bytes; more in truth */
};

#pragma clang attribute pop

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The few fields of kernel structures that bpf/syscall.bpf.c and bpf/process.bpf.c read, declared by hand: libbpf
 * finds where they really are on the running kernel (CO-RE), from its BTF. All of them have had these names since
 * Linux 5.8.
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

struct inode {
	u16 i_mode;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data; /* of a socket, its struct socket */
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct mm_struct {
	struct file *exe_file;
	unsigned long arg_start; /* where argv[0] lies */
	unsigned long start_code; /* of executable segments (fs/binfmt_elf.c) */
	unsigned long end_code;
	unsigned long start_stack;
	unsigned long saved_auxv[2]; /* more in truth */
};

struct user_id {
	unsigned int val;
};

struct group_id {
	unsigned int val;
};

struct capabilities {
	u64 bits; /* an array of two halves before Linux 6.3 (commit f122a08b197d) */
};

struct cred {
	struct user_id uid, suid, euid, fsuid; /* as the first user namespace has them */
	struct group_id gid, sgid, egid, fsgid;
	struct capabilities cap_permitted;
	struct capabilities cap_ambient; /* what an exec leaves an ordinary program (capabilities(7)) */
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
	const struct cred *cred;
	struct files_struct *files;
	struct pid *thread_pid;
	u64 start_boottime;
};

struct linux_binprm {
	const char *filename; /* as it was passed to execve(2): of a script, the script */
	char buf[5]; /* the file's first bytes; more in truth */
	unsigned int secureexec : 1; /* what AT_SECURE says: see getauxval(3) */
};

#pragma clang attribute pop

static __always_inline u64 read_capabilities(const struct cred *cred, u32 offset)
{
	u64 bits = 0;

	bpf_probe_read_kernel(&bits, sizeof(bits), (const void *)cred + offset);
	return bits;
}

/*
 * Has the exec that `task` has just done given it what it did not have: a user, a group or capabilities, by the bits
 * or the capabilities of its file? What a local user calls his program, and where he starts it, must not bring faults
 * into such a process. Root gains nothing. secureexec alone is not the answer: security modules set it, too, when
 * systemd starts an ordinary service (SELinux without noatsecure).
 */
static __always_inline int gained_privileges(struct task_struct *task, struct linux_binprm *program)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);
	u32 uid = BPF_CORE_READ(cred, uid.val);

	if (!uid || !BPF_CORE_READ_BITFIELD_PROBED(program, secureexec))
		return 0;
	return uid != BPF_CORE_READ(cred, euid.val) || BPF_CORE_READ(cred, gid.val) != BPF_CORE_READ(cred, egid.val) ||
	       read_capabilities(cred, bpf_core_field_offset(struct cred, cap_permitted)) &
		       ~read_capabilities(cred, bpf_core_field_offset(struct cred, cap_ambient));
}

/* Does it hold what `user` has not? Of groups, any but `group` counts. */
static __always_inline int holds_more_rights(struct task_struct *task, u32 user, u32 group)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);

	return BPF_CORE_READ(cred, uid.val) != user || BPF_CORE_READ(cred, euid.val) != user ||
	       BPF_CORE_READ(cred, suid.val) != user || BPF_CORE_READ(cred, fsuid.val) != user ||
	       BPF_CORE_READ(cred, gid.val) != group || BPF_CORE_READ(cred, egid.val) != group ||
	       BPF_CORE_READ(cred, sgid.val) != group || BPF_CORE_READ(cred, fsgid.val) != group ||
	       read_capabilities(cred, bpf_core_field_offset(struct cred, cap_permitted)) != 0;
}

#endif

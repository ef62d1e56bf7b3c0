/* SPDX-License-Identifier: MIT */
#include "registers.h"
#include "../../../bpf/skipped-call.h"
#include "../shared/target.h"

#include <elf.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <ucontext.h>

#define NO_CALL -1

/*
 * -ERESTARTSYS and its like (include/linux/errno.h): the kernel makes a call again that returns one of these, if it has
 * a number. A rule's value must not be taken for one.
 */
static int number_when_skipped(int number, s64 value)
{
	return value >= -516 && value <= -512 ? NO_CALL : (int)((u32)number | SKIPPED_CALL);
}

#if defined(__x86_64__)

#define INSTRUCTION_BYTES 2 /* syscall: 0f 05 */

/* struct rt_sigframe of arch/x86/include/asm/sigframe.h: a return address, and the context. */
#define FRAME_PLACE (8 + offsetof(ucontext_t, uc_mcontext.gregs[REG_RIP]))

static int set(pid_t tid, size_t offset, u64 value)
{
	return ptrace(PTRACE_POKEUSER, tid, offset, value) < 0 ? -1 : 0;
}

static int set_number(pid_t tid, int number)
{
	return set(tid, offsetof(struct user_regs_struct, orig_rax), (u64)(s64)number);
}

int registers_skip(pid_t tid)
{
	return set_number(tid, NO_CALL);
}

int registers_return(pid_t tid, int number, s64 value)
{
	if (set_number(tid, number_when_skipped(number, value)) < 0)
		return -1;
	return set(tid, offsetof(struct user_regs_struct, rax), (u64)value);
}

int registers_repeat(pid_t tid, const struct seccomp_data *call)
{
	if (registers_skip(tid) < 0 || set(tid, offsetof(struct user_regs_struct, rax), (u32)call->nr) < 0)
		return -1;
	return set(tid, offsetof(struct user_regs_struct, rip), call->instruction_pointer - INSTRUCTION_BYTES);
}

int registers_interrupt(pid_t tid, const struct seccomp_data *call, s32 error)
{
	if (set_number(tid, call->nr) < 0)
		return -1;
	return set(tid, offsetof(struct user_regs_struct, rax), (u64)-(s64)error);
}

int registers_set_argument(pid_t tid, u32 argument, u64 value)
{
	static const size_t offsets[ARGUMENTS_MAX] = {
		offsetof(struct user_regs_struct, rdi), offsetof(struct user_regs_struct, rsi),
		offsetof(struct user_regs_struct, rdx), offsetof(struct user_regs_struct, r10),
		offsetof(struct user_regs_struct, r8),	offsetof(struct user_regs_struct, r9),
	};

	return set(tid, offsets[argument], value);
}

#elif defined(__aarch64__)

#define INSTRUCTION_BYTES 4

/* struct rt_sigframe of arch/arm64/kernel/signal.c: a siginfo_t of 128 bytes, and the context. */
#define FRAME_PLACE (128 + offsetof(ucontext_t, uc_mcontext.pc))

static int get(pid_t tid, struct user_regs_struct *registers)
{
	struct iovec part = { registers, sizeof(*registers) };

	return ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &part) < 0 ? -1 : 0;
}

static int set(pid_t tid, struct user_regs_struct *registers)
{
	struct iovec part = { registers, sizeof(*registers) };

	return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &part) < 0 ? -1 : 0;
}

/* Its number is not a register that other calls show: it was copied from x8 (arch/arm64/kernel/ptrace.c). */
static int set_number(pid_t tid, int number)
{
	struct iovec part = { &number, sizeof(number) };

	return ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &part) < 0 ? -1 : 0;
}

int registers_skip(pid_t tid)
{
	return set_number(tid, NO_CALL);
}

/* The kernel has kept x0 as it was at the call (arch/arm64/kernel/signal.c, do_signal()). */
int registers_interrupt(pid_t tid, const struct seccomp_data *call, s32 error)
{
	struct user_regs_struct registers;

	if (set_number(tid, call->nr) < 0 || get(tid, &registers) < 0)
		return -1;
	registers.regs[0] = (u64)-(s64)error;
	return set(tid, &registers);
}

int registers_return(pid_t tid, int number, s64 value)
{
	struct user_regs_struct registers;

	if (set_number(tid, number_when_skipped(number, value)) < 0 || get(tid, &registers) < 0)
		return -1;
	registers.regs[0] = (u64)value;
	return set(tid, &registers);
}

/* x8 still has the number; x0 has the result, if the call has returned. */
int registers_repeat(pid_t tid, const struct seccomp_data *call)
{
	struct user_regs_struct registers;

	if (registers_skip(tid) < 0 || get(tid, &registers) < 0)
		return -1;
	registers.regs[0] = call->args[0];
	registers.pc = call->instruction_pointer - INSTRUCTION_BYTES;
	return set(tid, &registers);
}

int registers_set_argument(pid_t tid, u32 argument, u64 value)
{
	struct user_regs_struct registers;

	if (get(tid, &registers) < 0)
		return -1;
	registers.regs[argument] = value;
	return set(tid, &registers);
}

#else
#error "minderbinder's launcher knows x86_64 and arm64"
#endif

int registers_will_repeat(pid_t tid, u64 stack, const struct seccomp_data *call)
{
	u64 place;

	return target_read(tid, stack + FRAME_PLACE, &place, sizeof(place)) == 0 &&
	       place == call->instruction_pointer - INSTRUCTION_BYTES;
}

/* SPDX-License-Identifier: MIT */
#include "raw.h"

#if defined(__x86_64__)
__asm__(".text\n"
	".globl raw_call\n"
	".type raw_call, @function\n"
	"raw_call:\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	mov %rdx, %rsi\n"
	"	mov %rcx, %rdx\n"
	"	mov %r8, %r10\n"
	"	mov %r9, %r8\n"
	"	xor %r9d, %r9d\n"
	"	syscall\n"
	".globl raw_call_address\n"
	"raw_call_address:\n"
	"	ret\n"
	".size raw_call, .-raw_call\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl raw_call\n"
	".type raw_call, %function\n"
	"raw_call:\n"
	"	mov x8, x0\n"
	"	mov x0, x1\n"
	"	mov x1, x2\n"
	"	mov x2, x3\n"
	"	mov x3, x4\n"
	"	mov x4, x5\n"
	"	mov x5, xzr\n"
	"	svc #0\n"
	".globl raw_call_address\n"
	"raw_call_address:\n"
	"	ret\n"
	".size raw_call, .-raw_call\n");
#else
#error "minderbinder's launcher knows x86_64 and arm64"
#endif

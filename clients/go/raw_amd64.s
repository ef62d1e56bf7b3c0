// SPDX-License-Identifier: MIT

#include "textflag.h"

// func rawCall(number, a, b, c, d, e uintptr) (result, address uintptr)
TEXT ·rawCall(SB),NOSPLIT,$0-64
	MOVQ number+0(FP), AX
	MOVQ a+8(FP), DI
	MOVQ b+16(FP), SI
	MOVQ c+24(FP), DX
	MOVQ d+32(FP), R10
	MOVQ e+40(FP), R8
	XORL R9, R9
	SYSCALL
	// The instruction leaves the address of the next one in CX.
	MOVQ AX, result+48(FP)
	MOVQ CX, address+56(FP)
	RET

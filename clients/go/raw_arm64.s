// SPDX-License-Identifier: MIT

#include "textflag.h"

// func rawCall(number, a, b, c, d, e uintptr) (result, address uintptr)
TEXT ·rawCall(SB),NOSPLIT,$0-64
	MOVD number+0(FP), R8
	MOVD a+8(FP), R0
	MOVD b+16(FP), R1
	MOVD c+24(FP), R2
	MOVD d+32(FP), R3
	MOVD e+40(FP), R4
	MOVD ZR, R5
	SVC
next:
	MOVD R0, result+48(FP)
	ADR  next, R1
	MOVD R1, address+56(FP)
	RET

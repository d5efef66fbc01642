#include "textflag.h"

#define SYS_exit_group 231

// func fork(nr uintptr, args *[5]uintptr, steps *step, n uintptr, failed *failure) (pid int)
//
// The child keeps everything in registers: its stack pointer is the parent's, who goes on meanwhile. It has no signal
// handler to run: all signals are blocked until the last steps, and by then all dispositions are default.
TEXT ·fork(SB), NOSPLIT, $0-48
	MOVQ	nr+0(FP), AX
	MOVQ	args+8(FP), BX
	MOVQ	steps+16(FP), R12
	MOVQ	n+24(FP), R13
	MOVQ	failed+32(FP), R15
	MOVQ	0(BX), DI
	MOVQ	8(BX), SI
	MOVQ	16(BX), DX
	MOVQ	24(BX), R10
	MOVQ	32(BX), R8
	SYSCALL
	TESTQ	AX, AX
	JZ	child
	MOVQ	AX, pid+40(FP)
	RET

child:
	XORL	BX, BX // the step's index
	XORL	R8, R8
next:
	CMPQ	BX, R13
	JEQ	exit
	MOVQ	0(R12), AX
	MOVQ	8(R12), DI
	MOVQ	16(R12), SI
	MOVQ	24(R12), DX
	MOVQ	32(R12), R10
	SYSCALL
	CMPQ	AX, $0xfffffffffffff001
	JCC	failure
	ADDQ	$40, R12
	INCQ	BX
	JMP	next

failure:
	NEGQ	AX
	MOVQ	BX, 0(R15)
	MOVQ	AX, 8(R15)
exit:
	MOVL	$127, DI
	MOVL	$SYS_exit_group, AX
	SYSCALL
	JMP	exit

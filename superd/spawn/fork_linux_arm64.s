#include "textflag.h"

#define SYS_exit_group 94

// func fork(nr uintptr, args *[5]uintptr, steps *step, n uintptr, failed *failure) (pid int)
//
// See fork_linux_amd64.s.
TEXT ·fork(SB), NOSPLIT, $0-48
	MOVD	nr+0(FP), R8
	MOVD	args+8(FP), R5
	MOVD	steps+16(FP), R19
	MOVD	n+24(FP), R20
	MOVD	failed+32(FP), R21
	MOVD	0(R5), R0
	MOVD	8(R5), R1
	MOVD	16(R5), R2
	MOVD	24(R5), R3
	MOVD	32(R5), R4
	SVC
	CBZ	R0, child
	MOVD	R0, pid+40(FP)
	RET

child:
	MOVD	ZR, R22 // the step's index
	MOVD	ZR, R4
next:
	CMP	R20, R22
	BEQ	exit
	MOVD	0(R19), R8
	MOVD	8(R19), R0
	MOVD	16(R19), R1
	MOVD	24(R19), R2
	MOVD	32(R19), R3
	SVC
	CMN	$4095, R0
	BCS	failure
	ADD	$40, R19
	ADD	$1, R22
	B	next

failure:
	NEG	R0, R0
	MOVD	R22, 0(R21)
	MOVD	R0, 8(R21)
exit:
	MOVD	$127, R0
	MOVD	$SYS_exit_group, R8
	SVC
	B	exit

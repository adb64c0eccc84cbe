//go:build linux

#include "textflag.h"

// The code ends with a RET of its own, to call's caller.
// func call(code uintptr, dst, a, b unsafe.Pointer)
TEXT ·call(SB), NOSPLIT, $0-32
	MOVQ code+0(FP), AX
	MOVQ dst+8(FP), DI
	MOVQ a+16(FP), SI
	MOVQ b+24(FP), DX
	JMP  AX

// func ymmOffset() uint32
TEXT ·ymmOffset(SB), NOSPLIT, $0-4
	MOVL $13, AX
	MOVL $2, CX
	CPUID
	MOVL BX, ret+0(FP)
	RET

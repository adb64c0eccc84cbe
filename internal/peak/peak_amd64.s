//go:build !purego

#include "textflag.h"

// func fmaAVX2(n int)
//
//	n times: acc[i] = acc[i]*half + half, for 12 registers: they tend to 1
TEXT ·fmaAVX2(SB), NOSPLIT, $0-8
	MOVQ         n+0(FP), CX
	MOVL         $0x3f000000, AX // 0.5
	MOVQ         AX, X15
	VBROADCASTSS X15, Y15
	VMOVAPS      Y15, Y0
	VMOVAPS      Y15, Y1
	VMOVAPS      Y15, Y2
	VMOVAPS      Y15, Y3
	VMOVAPS      Y15, Y4
	VMOVAPS      Y15, Y5
	VMOVAPS      Y15, Y6
	VMOVAPS      Y15, Y7
	VMOVAPS      Y15, Y8
	VMOVAPS      Y15, Y9
	VMOVAPS      Y15, Y10
	VMOVAPS      Y15, Y11
	TESTQ        CX, CX
	JLE          done

loop:
	VFMADD213PS Y15, Y15, Y0
	VFMADD213PS Y15, Y15, Y1
	VFMADD213PS Y15, Y15, Y2
	VFMADD213PS Y15, Y15, Y3
	VFMADD213PS Y15, Y15, Y4
	VFMADD213PS Y15, Y15, Y5
	VFMADD213PS Y15, Y15, Y6
	VFMADD213PS Y15, Y15, Y7
	VFMADD213PS Y15, Y15, Y8
	VFMADD213PS Y15, Y15, Y9
	VFMADD213PS Y15, Y15, Y10
	VFMADD213PS Y15, Y15, Y11
	DECQ        CX
	JNZ         loop

done:
	VZEROUPPER
	RET

// func fmaAVX512(n int): the same in registers of 16 lanes.
TEXT ·fmaAVX512(SB), NOSPLIT, $0-8
	MOVQ         n+0(FP), CX
	MOVL         $0x3f000000, AX
	MOVQ         AX, X15
	VBROADCASTSS X15, Z15
	VMOVAPS      Z15, Z0
	VMOVAPS      Z15, Z1
	VMOVAPS      Z15, Z2
	VMOVAPS      Z15, Z3
	VMOVAPS      Z15, Z4
	VMOVAPS      Z15, Z5
	VMOVAPS      Z15, Z6
	VMOVAPS      Z15, Z7
	VMOVAPS      Z15, Z8
	VMOVAPS      Z15, Z9
	VMOVAPS      Z15, Z10
	VMOVAPS      Z15, Z11
	TESTQ        CX, CX
	JLE          done

loop:
	VFMADD213PS Z15, Z15, Z0
	VFMADD213PS Z15, Z15, Z1
	VFMADD213PS Z15, Z15, Z2
	VFMADD213PS Z15, Z15, Z3
	VFMADD213PS Z15, Z15, Z4
	VFMADD213PS Z15, Z15, Z5
	VFMADD213PS Z15, Z15, Z6
	VFMADD213PS Z15, Z15, Z7
	VFMADD213PS Z15, Z15, Z8
	VFMADD213PS Z15, Z15, Z9
	VFMADD213PS Z15, Z15, Z10
	VFMADD213PS Z15, Z15, Z11
	DECQ        CX
	JNZ         loop

done:
	VZEROUPPER
	RET

// func readAVX(p *float32, n int)
//
//	four streams, each a quarter of the n elements, 64 bytes of each in turn; n is a multiple of 64
TEXT ·readAVX(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), R8
	MOVQ n+8(FP), CX
	MOVQ CX, R9          // n/4 elements are n bytes
	LEAQ (R8)(R9*1), R10
	LEAQ (R10)(R9*1), R11
	LEAQ (R11)(R9*1), R12
	SHRQ $6, CX          // 64 bytes of a stream at a time

loop:
	VMOVUPS (R8), Y0
	VMOVUPS 32(R8), Y1
	VMOVUPS (R10), Y2
	VMOVUPS 32(R10), Y3
	VMOVUPS (R11), Y4
	VMOVUPS 32(R11), Y5
	VMOVUPS (R12), Y6
	VMOVUPS 32(R12), Y7
	ADDQ    $64, R8
	ADDQ    $64, R10
	ADDQ    $64, R11
	ADDQ    $64, R12
	DECQ    CX
	JNZ     loop
	VZEROUPPER
	RET

// func readAVX512(p *float32, n int): the same in registers of 16 lanes.
TEXT ·readAVX512(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), R8
	MOVQ n+8(FP), CX
	MOVQ CX, R9
	LEAQ (R8)(R9*1), R10
	LEAQ (R10)(R9*1), R11
	LEAQ (R11)(R9*1), R12
	SHRQ $6, CX

loop:
	VMOVUPS (R8), Z0
	VMOVUPS (R10), Z1
	VMOVUPS (R11), Z2
	VMOVUPS (R12), Z3
	ADDQ    $64, R8
	ADDQ    $64, R10
	ADDQ    $64, R11
	ADDQ    $64, R12
	DECQ    CX
	JNZ     loop
	VZEROUPPER
	RET

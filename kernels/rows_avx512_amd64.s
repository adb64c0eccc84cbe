//go:build !purego

// The row routines for AVX-512 (F, BW, DQ, VL). A block is 64 elements in four registers; the bodies are in rows_amd64.h.
// K1 to K4 select the elements of the block that exist: all, until the last, partial block; the others are 0.

#include "textflag.h"
#include "rows_amd64.h"

#define V0 Z0
#define V1 Z1
#define V2 Z2
#define V3 Z3
#define P0 Z4
#define P1 Z5
#define P2 Z6
#define P3 Z7
#define Q0 Z8
#define Q1 Z9
#define Q2 Z10
#define Q3 Z11
#define T Z12
#define C Z13

// READ(SI, A): the elements of the block at SI.
#define READ(SI, A0, A1, A2, A3) \
	VMOVUPS.Z 0(SI), K1, A0; \
	VMOVUPS.Z 64(SI), K2, A1; \
	VMOVUPS.Z 128(SI), K3, A2; \
	VMOVUPS.Z 192(SI), K4, A3

// LOOP: the loop over blocks, while there are elements (CX counts them).
#define LOOP \
	KXNORW K1, K1, K1; \
	KXNORW K2, K2, K2; \
	KXNORW K3, K3, K3; \
	KXNORW K4, K4, K4; \
	TESTQ CX, CX; \
	JLE done; \
loop: \
	CMPQ CX, $64; \
	JGE body; \
	MOVQ $-1, BX; \
	BZHIQ CX, BX, BX; \
	KMOVW BX, K1; \
	SHRQ $16, BX; \
	KMOVW BX, K2; \
	SHRQ $16, BX; \
	KMOVW BX, K3; \
	SHRQ $16, BX; \
	KMOVW BX, K4; \
body:

// BEGIN: each block is V, from SI. BEGIN2: and P, from DX.
#define BEGIN \
	LOOP; \
	READ(SI, V0, V1, V2, V3)

#define BEGIN2 \
	LOOP; \
	READ(SI, V0, V1, V2, V3); \
	READ(DX, P0, P1, P2, P3)

// END: V goes to DI; then the next block.
#define WRITE \
	VMOVUPS V0, K1, 0(DI); \
	VMOVUPS V1, K2, 64(DI); \
	VMOVUPS V2, K3, 128(DI); \
	VMOVUPS V3, K4, 192(DI); \
	ADDQ $256, DI; \
	ADDQ $256, SI

#define AGAIN \
	SUBQ $64, CX; \
	JGT loop; \
done:

#define END \
	WRITE; \
	AGAIN; \
	VZEROUPPER; \
	RET

#define END2 \
	WRITE; \
	ADDQ $256, DX; \
	AGAIN; \
	VZEROUPPER; \
	RET

// TREE(op): X4 = the 16 lanes in P0 folded: +8, +4, +2, +1.
#define TREE(op) \
	VEXTRACTF64X4 $1, Z4, Y5; \
	op Y4, Y5, Y4; \
	VEXTRACTF128 $1, Y4, X5; \
	op X4, X5, X4; \
	VMOVHLPS X4, X4, X5; \
	op X4, X5, X4; \
	VMOVSHDUP X4, X5; \
	op X4, X5, X4

// dst = 0 > src ? 0 : src
// func reluAVX512(dst, src *float32, n int)
TEXT ·reluAVX512(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	BEGIN
	RELU
	END

// dst = a + b
// func addAVX512(dst, a, b *float32, n int)
TEXT ·addAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	MOVQ n+24(FP), CX
	BEGIN2
	BOTH(VADDPS, P0, P1, P2, P3)
	END2

// dst = a · b
// func mulAVX512(dst, a, b *float32, n int)
TEXT ·mulAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	MOVQ n+24(FP), CX
	BEGIN2
	BOTH(VMULPS, P0, P1, P2, P3)
	END2

// dst = a > b ? a : b
// func maxAVX512(dst, a, b *float32, n int)
TEXT ·maxAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	MOVQ n+24(FP), CX
	BEGIN2
	BOTH(VMAXPS, P0, P1, P2, P3)
	END2

// dst = s · src
// func scaleAVX512(dst, src *float32, n int, s float32)
TEXT ·scaleAVX512(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS s+24(FP), C
	BEGIN
	WITH(VMULPS, C)
	END

// dst = src / s
// func divAVX512(dst, src *float32, n int, s float32)
TEXT ·divAVX512(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS s+24(FP), C
	BEGIN
	WITH(VDIVPS, C)
	END

// dst = dst + s · src, both rounded
// func addScaledAVX512(dst, src *float32, n int, s float32)
TEXT ·addScaledAVX512(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ DI, DX
	MOVQ n+16(FP), CX
	VBROADCASTSS s+24(FP), C
	BEGIN2
	WITH(VMULPS, C)
	BOTH(VADDPS, P0, P1, P2, P3)
	END2

// dst = s · float32(src)
// func dequantizeAVX512(dst *float32, src *int8, n int, s float32)
TEXT ·dequantizeAVX512(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS s+24(FP), C
	LOOP
	VPMOVSXBD.Z 0(SI), K1, V0
	VPMOVSXBD.Z 16(SI), K2, V1
	VPMOVSXBD.Z 32(SI), K3, V2
	VPMOVSXBD.Z 48(SI), K4, V3
	VCVTDQ2PS V0, V0
	VCVTDQ2PS V1, V1
	VCVTDQ2PS V2, V2
	VCVTDQ2PS V3, V3
	WITH(VMULPS, C)
	WRITE
	SUBQ $192, SI
	AGAIN
	VZEROUPPER
	RET

// lane = src > lane ? src : lane, over the elements; returns the tree. l is nil for a row in one piece: lanes that have just
// been stored in halves are slow to load.
// func rowMaxAVX512(l *lanes, src *float32, n int) float32
TEXT ·rowMaxAVX512(SB), NOSPLIT, $0-28
	MOVQ l+0(FP), R9
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	LET(minusInf, T)
	VMOVAPS T, P0
	TESTQ R9, R9
	JEQ begun
	VMOVUPS 0(R9), P0
begun:
	LOOP
	VMOVAPS T, V0
	VMOVAPS T, V1
	VMOVAPS T, V2
	VMOVAPS T, V3
	VMOVUPS 0(SI), K1, V0
	VMOVUPS 64(SI), K2, V1
	VMOVUPS 128(SI), K3, V2
	VMOVUPS 192(SI), K4, V3
	VMAXPS P0, V0, P0
	VMAXPS P0, V1, P0
	VMAXPS P0, V2, P0
	VMAXPS P0, V3, P0
	ADDQ $256, SI
	AGAIN
	TESTQ R9, R9
	JEQ tree
	VMOVUPS P0, 0(R9)
tree:
	TREE(VMAXPS)
	VMOVSS X4, ret+24(FP)
	VZEROUPPER
	RET

// lane = a·b + lane. The masks keep lanes without an element as they are: adding +0 would turn -0 into +0.
// func dotAVX512(l *lanes, a, b *float32, n int) float32
TEXT ·dotAVX512(SB), NOSPLIT, $0-36
	MOVQ l+0(FP), R9
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	MOVQ n+24(FP), CX
	VMOVUPS 0(R9), P0
	LOOP
	READ(SI, V0, V1, V2, V3)
	READ(DX, Q0, Q1, Q2, Q3)
	VFMADD231PS Q0, V0, K1, P0
	VFMADD231PS Q1, V1, K2, P0
	VFMADD231PS Q2, V2, K3, P0
	VFMADD231PS Q3, V3, K4, P0
	ADDQ $256, SI
	ADDQ $256, DX
	AGAIN
	VMOVUPS P0, 0(R9)
	TREE(VADDPS)
	VMOVSS X4, ret+32(FP)
	VZEROUPPER
	RET

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
#define U Z14
#define S0 Z16
#define S1 Z17
#define S2 Z18
#define S3 Z19
#define LANES Z20

// POWER(V, P): P = 2^n, from P = magic + n, or 0 where V < T.
#define POWER(V, P) \
	VCMPPS $5, T, V, K5; \
	VPSLLD.Z $23, P, K5, P

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

// KEEP: V = 0 in the elements that the last block lacks.
#define KEEP \
	VMOVAPS.Z V0, K1, V0; \
	VMOVAPS.Z V1, K2, V1; \
	VMOVAPS.Z V2, K3, V2; \
	VMOVAPS.Z V3, K4, V3

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

// Eight vectors at a time, for expSum, whose polynomial is one long chain: four do not fill the scheduler's window. OP takes
// the registers V (the argument, then the result), P (2^n) and Q (n, then the polynomial).
#define EACH8(OP) \
	OP(Z0, Z4, Z8); \
	OP(Z1, Z5, Z9); \
	OP(Z2, Z6, Z10); \
	OP(Z3, Z7, Z11); \
	OP(Z16, Z21, Z25); \
	OP(Z17, Z22, Z26); \
	OP(Z18, Z23, Z27); \
	OP(Z19, Z24, Z28)

#define READ8(A0, A1, A2, A3, A4, A5, A6, A7) \
	VMOVUPS 0(SI), A0; \
	VMOVUPS 64(SI), A1; \
	VMOVUPS 128(SI), A2; \
	VMOVUPS 192(SI), A3; \
	VMOVUPS 256(SI), A4; \
	VMOVUPS 320(SI), A5; \
	VMOVUPS 384(SI), A6; \
	VMOVUPS 448(SI), A7; \
	ADDQ $512, SI

#define WRITE8(A0, A1, A2, A3, A4, A5, A6, A7) \
	VMOVUPS A0, 0(DI); \
	VMOVUPS A1, 64(DI); \
	VMOVUPS A2, 128(DI); \
	VMOVUPS A3, 192(DI); \
	VMOVUPS A4, 256(DI); \
	VMOVUPS A5, 320(DI); \
	VMOVUPS A6, 384(DI); \
	VMOVUPS A7, 448(DI); \
	ADDQ $512, DI

// The steps of EXP, with the row's maximum in Z30, expClamp in Z12, log2e in Z13, magic in Z14, expLow in Z15.
#define ARGUMENT8(V, P, Q) \
	VSUBPS Z30, V, V; \
	VMAXPS V, Z12, V
#define ROUND8(V, P, Q) \
	VMOVAPS V, P; \
	VFMADD213PS Z14, Z13, P; \
	VSUBPS Z14, P, Q
#define POWER8(V, P, Q) \
	VCMPPS $5, Z15, V, K5; \
	VPSLLD.Z $23, P, K5, P
#define HI8(V, P, Q) VFMADD231PS.BCST minusLn2Hi<>(SB), Q, V
#define LO8(V, P, Q) \
	VFMADD231PS.BCST minusLn2Lo<>(SB), Q, V; \
	LET(exp6, Q)
#define EXP5(V, P, Q) VFMADD213PS.BCST exp5<>(SB), V, Q
#define EXP4(V, P, Q) VFMADD213PS.BCST exp4<>(SB), V, Q
#define EXP3(V, P, Q) VFMADD213PS.BCST exp3<>(SB), V, Q
#define EXP2(V, P, Q) VFMADD213PS.BCST exp2<>(SB), V, Q
#define ONE8(V, P, Q) VFMADD213PS.BCST one<>(SB), V, Q
#define VALUE8(V, P, Q) VMULPS P, Q, V
#define SUM8(V, P, Q) VADDPS V, LANES, LANES

// dst = exp(src - max); lane += dst; returns the tree. l may be nil, as above.
// func expSumAVX512(l *lanes, dst, src *float32, n int, max float32) float32
TEXT ·expSumAVX512(SB), NOSPLIT, $0-44
	MOVQ l+0(FP), R9
	MOVQ dst+8(FP), DI
	MOVQ src+16(FP), SI
	MOVQ n+24(FP), CX
	VPXORD LANES, LANES, LANES
	TESTQ R9, R9
	JEQ begun
	VMOVUPS 0(R9), LANES
begun:
	VBROADCASTSS max+32(FP), Z30 // the maximum
	SUBQ $128, CX
	JLT rest
	LET(expClamp, Z12)
	LET(log2e, Z13)
	LET(magic, Z14)
	LET(expLow, Z15)
eight:
	READ8(Z0, Z1, Z2, Z3, Z16, Z17, Z18, Z19)
	EACH8(ARGUMENT8)
	EACH8(ROUND8)
	EACH8(POWER8)
	EACH8(HI8)
	EACH8(LO8)
	EACH8(EXP5)
	EACH8(EXP4)
	EACH8(EXP3)
	EACH8(EXP2)
	EACH8(ONE8)
	EACH8(ONE8)
	EACH8(VALUE8)
	EACH8(SUM8)
	WRITE8(Z0, Z1, Z2, Z3, Z16, Z17, Z18, Z19)
	SUBQ $128, CX
	JGE eight
rest:
	ADDQ $128, CX
	BEGIN
	WITH(VSUBPS, Z30)
	EXP
	KEEP
	VADDPS V0, LANES, LANES
	VADDPS V1, LANES, LANES
	VADDPS V2, LANES, LANES
	VADDPS V3, LANES, LANES
	WRITE
	AGAIN
	VMOVAPS LANES, P0
	TESTQ R9, R9
	JEQ tree
	VMOVUPS P0, 0(R9)
tree:
	TREE(VADDPS)
	VMOVSS X4, ret+40(FP)
	VZEROUPPER
	RET

//go:build !purego

// The sigmoids for AVX-512. A vector is bound by what takes the place of a multiply-add: the steps of exp's polynomial and of its
// argument, the products, and the division, which takes two. Comparisons and moves of masks do, too, and logic about half of the
// time; additions, maxima and shifts do not.
//
// A block is eight vectors, in pairs that are some steps behind each other: the window of a processor does not reach from the
// divisions of one block to the polynomials of the next one. It is for arguments that are not below expLow; another one, or what
// is less than a block, is done a vector at a time.

#include "textflag.h"
#include "rows_amd64.h"

// The pairs. OP takes the elements x and the place y for the result in memory, and three registers.
#define PAIR0(OP) OP(0(SI), 0(DI), Z0, Z8, Z16); OP(64(SI), 64(DI), Z1, Z9, Z17)
#define PAIR1(OP) OP(128(SI), 128(DI), Z2, Z10, Z18); OP(192(SI), 192(DI), Z3, Z11, Z19)
#define PAIR2(OP) OP(256(SI), 256(DI), Z4, Z12, Z20); OP(320(SI), 320(DI), Z5, Z13, Z21)
#define PAIR3(OP) OP(384(SI), 384(DI), Z6, Z14, Z22); OP(448(SI), 448(DI), Z7, Z15, Z23)
#define LOG2E  Z24
#define MAGIC  Z25
#define LN2HI  Z26
#define LN2LO  Z27
#define SIGN   Z28
#define ONE    Z29
#define LOW    Z30 // expLow
#define LEAST  Z31 // of the arguments

// The steps. First one of ITSELF, CUBED and QUICKED: V = -|argument|.
#define ITSELF(x, y, V, P, Q) VORPS x, SIGN, V
#define CUBED(x, y, V, P, Q) \
	VMOVUPS x, P; \
	VMULPS P, P, V; \
	LET(geluTanh3, Q); \
	VFMADD213PS.BCST geluTanh1<>(SB), Q, V; \
	VMULPS P, V, V; \
	VORPS SIGN, V, V
#define QUICKED(x, y, V, P, Q) \
	LET(quick, V); \
	VMULPS x, V, V; \
	VORPS SIGN, V, V

// NaN becomes -Inf, which is for the vectors by themselves, where no product with x is to follow.
#define NUMBER(x, y, V, P, Q) VMAXPS.BCST minusInf<>(SB), V, V

// P = V·log2e + magic; Q = P - magic, the integer n nearest to V/ln2; P = n<<23.
#define ROUNDED(x, y, V, P, Q) \
	VMOVAPS MAGIC, P; \
	VFMADD231PS LOG2E, V, P; \
	VMINPS LEAST, V, LEAST
#define WHOLE(x, y, V, P, Q) \
	VSUBPS MAGIC, P, Q; \
	VPSLLD $23, P, P

// V = V - n·ln2, in two pieces; Q = the polynomial in that.
#define HI(x, y, V, P, Q) VFMADD231PS LN2HI, Q, V
#define LO(x, y, V, P, Q) \
	VFMADD231PS LN2LO, Q, V; \
	LET(exp6, Q)
#define E5(x, y, V, P, Q) VFMADD213PS.BCST exp5<>(SB), V, Q
#define E4(x, y, V, P, Q) VFMADD213PS.BCST exp4<>(SB), V, Q
#define E3(x, y, V, P, Q) VFMADD213PS.BCST exp3<>(SB), V, Q
#define E2(x, y, V, P, Q) VFMADD213PS.BCST exp2<>(SB), V, Q
#define E1(x, y, V, P, Q) VFMADD213PS ONE, V, Q
#define E0(x, y, V, P, Q) VFMADD213PS ONE, V, Q

// V = e = Q·2^n; P = x < 0 ? e : 1, as e ≤ 1: -Inf or 1, and e if that is greater; V = P/(1 + e).
#define SCALED(x, y, V, P, Q) VPADDD P, Q, V
#define CHOSEN(x, y, V, P, Q) \
	VADDPS ONE, V, Q; \
	VPSRAD $31, x, P; \
	VPSLLD $23, P, P; \
	VADDPS ONE, P, P; \
	VMAXPS P, V, P
#define DIVIDED(x, y, V, P, Q) VDIVPS Q, P, V

// The last one.
#define TIMES(x, y, V, P, Q) VMULPS x, V, V
#define NOTHING(x, y, V, P, Q)
#define WRITTEN(x, y, V, P, Q) VMOVUPS V, y

// SIGMOIDS(ARGUMENT, GUARD, LAST): the routine, of dst, src and n.
#define SIGMOIDS(ARGUMENT, GUARD, LAST) \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), SI; \
	MOVQ n+16(FP), CX; \
	LET(log2e, LOG2E); \
	LET(magicOnly, MAGIC); \
	LET(minusLn2Hi, LN2HI); \
	LET(minusLn2Lo, LN2LO); \
	LET(signBit, SIGN); \
	LET(one, ONE); \
	LET(expLow, LOW); \
	PCALIGN $64; \
block: \
	CMPQ CX, $128; \
	JLT vectors; \
	VMOVAPS ONE, LEAST; \
	PAIR0(ARGUMENT); \
	PAIR0(GUARD); \
	PAIR0(ROUNDED); \
	PAIR1(ARGUMENT); \
	PAIR1(GUARD); \
	PAIR0(WHOLE); \
	PAIR0(HI); \
	PAIR1(ROUNDED); \
	PAIR0(LO); \
	PAIR2(ARGUMENT); \
	PAIR2(GUARD); \
	PAIR1(WHOLE); \
	PAIR0(E5); \
	PAIR1(HI); \
	PAIR2(ROUNDED); \
	PAIR0(E4); \
	PAIR1(LO); \
	PAIR3(ARGUMENT); \
	PAIR3(GUARD); \
	PAIR2(WHOLE); \
	PAIR0(E3); \
	PAIR1(E5); \
	PAIR2(HI); \
	PAIR3(ROUNDED); \
	VCMPPS $1, LOW, LEAST, K5; \
	KORTESTW K5, K5; \
	JNE vectors; \
	PAIR0(E2); \
	PAIR1(E4); \
	PAIR2(LO); \
	PAIR3(WHOLE); \
	PAIR0(E1); \
	PAIR1(E3); \
	PAIR2(E5); \
	PAIR3(HI); \
	PAIR0(E0); \
	PAIR1(E2); \
	PAIR2(E4); \
	PAIR3(LO); \
	PAIR0(SCALED); \
	PAIR1(E1); \
	PAIR2(E3); \
	PAIR3(E5); \
	PAIR0(CHOSEN); \
	PAIR1(E0); \
	PAIR2(E2); \
	PAIR3(E4); \
	PAIR0(DIVIDED); \
	PAIR1(SCALED); \
	PAIR2(E1); \
	PAIR3(E3); \
	PAIR1(CHOSEN); \
	PAIR2(E0); \
	PAIR3(E2); \
	PAIR1(DIVIDED); \
	PAIR2(SCALED); \
	PAIR3(E1); \
	PAIR0(LAST); \
	PAIR2(CHOSEN); \
	PAIR3(E0); \
	PAIR0(WRITTEN); \
	PAIR2(DIVIDED); \
	PAIR3(SCALED); \
	PAIR1(LAST); \
	PAIR3(CHOSEN); \
	PAIR1(WRITTEN); \
	PAIR3(DIVIDED); \
	PAIR2(LAST); \
	PAIR2(WRITTEN); \
	PAIR3(LAST); \
	PAIR3(WRITTEN); \
	ADDQ $512, SI; \
	ADDQ $512, DI; \
	SUBQ $128, CX; \
	JMP block; \
vectors: \
	MOVQ CX, DX; \
	SUBQ $128, DX; \
	KXNORW K1, K1, K1; \
	LET(expClamp, Z4); \
vector: \
	TESTQ CX, CX; \
	JLE done; \
	CMPQ CX, $16; \
	JGE whole; \
	MOVQ $-1, BX; \
	BZHIQ CX, BX, BX; \
	KMOVW BX, K1; \
whole: \
	VMOVUPS.Z (SI), K1, Z3; \
	ARGUMENT(Z3, 0, Z0, Z1, Z2); \
	VCMPPS $5, LOW, Z0, K2; \
	VMAXPS Z0, Z4, Z0; \
	ROUNDED(Z3, 0, Z0, Z1, Z2); \
	WHOLE(Z3, 0, Z0, Z1, Z2); \
	HI(Z3, 0, Z0, Z1, Z2); \
	LO(Z3, 0, Z0, Z1, Z2); \
	E5(Z3, 0, Z0, Z1, Z2); \
	E4(Z3, 0, Z0, Z1, Z2); \
	E3(Z3, 0, Z0, Z1, Z2); \
	E2(Z3, 0, Z0, Z1, Z2); \
	E1(Z3, 0, Z0, Z1, Z2); \
	E0(Z3, 0, Z0, Z1, Z2); \
	VPADDD ONE, Z1, Z1; \
	VMULPS.Z Z1, Z2, K2, Z0; \
	CHOSEN(Z3, 0, Z0, Z1, Z2); \
	DIVIDED(Z3, 0, Z0, Z1, Z2); \
	LAST(Z3, 0, Z0, Z1, Z2); \
	VMOVUPS Z0, K1, (DI); \
	ADDQ $64, SI; \
	ADDQ $64, DI; \
	SUBQ $16, CX; \
	CMPQ CX, DX; \
	JGT vector; \
	JMP block; \
done: \
	VZEROUPPER; \
	RET

// dst = src·sigmoid(2√(2/π)·(src + 0.044715·src³))
// func geluTanhAVX512(dst, src *float32, n int)
TEXT ·geluTanhAVX512(SB), NOSPLIT, $0-24
	SIGMOIDS(CUBED, NOTHING, TIMES)

// dst = src·sigmoid(src)
// func siluAVX512(dst, src *float32, n int)
TEXT ·siluAVX512(SB), NOSPLIT, $0-24
	SIGMOIDS(ITSELF, NOTHING, TIMES)

// dst = src·sigmoid(1.702·src)
// func quickGELUAVX512(dst, src *float32, n int)
TEXT ·quickGELUAVX512(SB), NOSPLIT, $0-24
	SIGMOIDS(QUICKED, NOTHING, TIMES)

// dst = 1/(1+e^-src)
// func sigmoidAVX512(dst, src *float32, n int)
TEXT ·sigmoidAVX512(SB), NOSPLIT, $0-24
	SIGMOIDS(ITSELF, NUMBER, NOTHING)

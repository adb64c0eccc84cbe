//go:build !purego

// The activations for AVX-512. A vector is bound by what takes the place of a multiply-add: the steps of a polynomial and of its
// argument, the products, and a division, which takes two. Comparisons and moves of masks do, too, and logic about half of the
// time; additions, maxima and shifts do not.
//
// A block is eight vectors, in pairs that are two steps behind each other: the window of a processor does not reach from the end
// of one block to the polynomials of the next one. What is less than a block is done a vector at a time. So are blocks in which
// exp is 0 somewhere, since its argument is below expLow.

#include "textflag.h"
#include "rows_amd64.h"

// The steps take the elements x and the place y of the result, in memory, and three registers; the result is in V.
#define DIAGONAL(STEP0, STEP1, STEP2, STEP3) \
	STEP0(0(SI), 0(DI), Z0, Z8, Z16); \
	STEP0(64(SI), 64(DI), Z1, Z9, Z17); \
	STEP1(128(SI), 128(DI), Z2, Z10, Z18); \
	STEP1(192(SI), 192(DI), Z3, Z11, Z19); \
	STEP2(256(SI), 256(DI), Z4, Z12, Z20); \
	STEP2(320(SI), 320(DI), Z5, Z13, Z21); \
	STEP3(384(SI), 384(DI), Z6, Z14, Z22); \
	STEP3(448(SI), 448(DI), Z7, Z15, Z23)
#define NOTHING(x, y, V, P, Q)
#define WRITTEN(x, y, V, P, Q) VMOVUPS V, y

// ROUTINE(LETS, BLOCK, VECTOR): a routine, of dst, src and n. LETS are its constants, BLOCK what is done with a block, VECTOR with
// the elements in Z3, of which the result is in Z0.
#define ROUTINE(LETS, BLOCK, VECTOR) \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), SI; \
	MOVQ n+16(FP), CX; \
	LETS; \
	PCALIGN $64; \
block: \
	CMPQ CX, $128; \
	JLT vectors; \
	BLOCK; \
	ADDQ $512, SI; \
	ADDQ $512, DI; \
	SUBQ $128, CX; \
	JMP block; \
vectors: \
	MOVQ CX, DX; \
	SUBQ $128, DX; \
	KXNORW K1, K1, K1; \
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
	VECTOR; \
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
#define ALONE(STEP) STEP(Z3, 0, Z0, Z1, Z2)

// GELU: P = x within ±5.5; V = 2P²/5.5² - 1; Q = the polynomial in V; V = h·(P·Q) + h, h = x/2.
#define LOWER   Z24
#define UPPER   Z25
#define SCALING Z26
#define MINUS1  Z27
#define HALF    Z28
#define ERF15   Z29
#define GELULETS \
	LET(minusErfEnd, LOWER); \
	LET(erfEnd, UPPER); \
	LET(erfScale, SCALING); \
	LET(minusOne, MINUS1); \
	LET(half, HALF); \
	LET(erf15, ERF15)
#define CLAMPED(x, y, V, P, Q) \
	VMAXPS x, LOWER, P; \
	VMINPS P, UPPER, P
#define SQUARED(x, y, V, P, Q) VMULPS P, P, V
#define SHIFTED(x, y, V, P, Q) \
	VFMADD213PS MINUS1, SCALING, V; \
	VMOVAPS ERF15, Q
#define ERF14(x, y, V, P, Q) VFMADD213PS.BCST erf14<>(SB), V, Q
#define ERF13(x, y, V, P, Q) VFMADD213PS.BCST erf13<>(SB), V, Q
#define ERF12(x, y, V, P, Q) VFMADD213PS.BCST erf12<>(SB), V, Q
#define ERF11(x, y, V, P, Q) VFMADD213PS.BCST erf11<>(SB), V, Q
#define ERF10(x, y, V, P, Q) VFMADD213PS.BCST erf10<>(SB), V, Q
#define ERF9(x, y, V, P, Q) VFMADD213PS.BCST erf9<>(SB), V, Q
#define ERF8(x, y, V, P, Q) VFMADD213PS.BCST erf8<>(SB), V, Q
#define ERF7(x, y, V, P, Q) VFMADD213PS.BCST erf7<>(SB), V, Q
#define ERF6(x, y, V, P, Q) VFMADD213PS.BCST erf6<>(SB), V, Q
#define ERF5(x, y, V, P, Q) VFMADD213PS.BCST erf5<>(SB), V, Q
#define ERF4(x, y, V, P, Q) VFMADD213PS.BCST erf4<>(SB), V, Q
#define ERF3(x, y, V, P, Q) VFMADD213PS.BCST erf3<>(SB), V, Q
#define ERF2(x, y, V, P, Q) VFMADD213PS.BCST erf2<>(SB), V, Q
#define ERF1(x, y, V, P, Q) VFMADD213PS.BCST erf1<>(SB), V, Q
#define ERF0(x, y, V, P, Q) VFMADD213PS.BCST erf0<>(SB), V, Q
#define GELUED(x, y, V, P, Q) \
	VMULPS P, Q, Q; \
	VMULPS x, HALF, V; \
	VFMADD213PS V, Q, V
#define GELUBLOCK \
	DIAGONAL(CLAMPED, NOTHING, NOTHING, NOTHING); \
	DIAGONAL(SQUARED, NOTHING, NOTHING, NOTHING); \
	DIAGONAL(SHIFTED, CLAMPED, NOTHING, NOTHING); \
	DIAGONAL(ERF14, SQUARED, NOTHING, NOTHING); \
	DIAGONAL(ERF13, SHIFTED, CLAMPED, NOTHING); \
	DIAGONAL(ERF12, ERF14, SQUARED, NOTHING); \
	DIAGONAL(ERF11, ERF13, SHIFTED, CLAMPED); \
	DIAGONAL(ERF10, ERF12, ERF14, SQUARED); \
	DIAGONAL(ERF9, ERF11, ERF13, SHIFTED); \
	DIAGONAL(ERF8, ERF10, ERF12, ERF14); \
	DIAGONAL(ERF7, ERF9, ERF11, ERF13); \
	DIAGONAL(ERF6, ERF8, ERF10, ERF12); \
	DIAGONAL(ERF5, ERF7, ERF9, ERF11); \
	DIAGONAL(ERF4, ERF6, ERF8, ERF10); \
	DIAGONAL(ERF3, ERF5, ERF7, ERF9); \
	DIAGONAL(ERF2, ERF4, ERF6, ERF8); \
	DIAGONAL(ERF1, ERF3, ERF5, ERF7); \
	DIAGONAL(ERF0, ERF2, ERF4, ERF6); \
	DIAGONAL(GELUED, ERF1, ERF3, ERF5); \
	DIAGONAL(WRITTEN, ERF0, ERF2, ERF4); \
	DIAGONAL(NOTHING, GELUED, ERF1, ERF3); \
	DIAGONAL(NOTHING, WRITTEN, ERF0, ERF2); \
	DIAGONAL(NOTHING, NOTHING, GELUED, ERF1); \
	DIAGONAL(NOTHING, NOTHING, WRITTEN, ERF0); \
	DIAGONAL(NOTHING, NOTHING, NOTHING, GELUED); \
	DIAGONAL(NOTHING, NOTHING, NOTHING, WRITTEN)
#define GELUVECTOR \
	ALONE(CLAMPED); \
	ALONE(SQUARED); \
	ALONE(SHIFTED); \
	ALONE(ERF14); \
	ALONE(ERF13); \
	ALONE(ERF12); \
	ALONE(ERF11); \
	ALONE(ERF10); \
	ALONE(ERF9); \
	ALONE(ERF8); \
	ALONE(ERF7); \
	ALONE(ERF6); \
	ALONE(ERF5); \
	ALONE(ERF4); \
	ALONE(ERF3); \
	ALONE(ERF2); \
	ALONE(ERF1); \
	ALONE(ERF0); \
	ALONE(GELUED)

// dst = src/2·(1+erf(src/√2))
// func geluAVX512(dst, src *float32, n int)
TEXT ·geluAVX512(SB), NOSPLIT, $0-24
	ROUTINE(GELULETS, GELUBLOCK, GELUVECTOR)

// The sigmoids, and exp for them.
#define LOG2E Z24
#define MAGIC Z25
#define LN2HI Z26
#define LN2LO Z27
#define SIGN  Z28
#define ONE   Z29
#define LOW   Z30 // expLow
#define LEAST Z31 // of the arguments
#define SIGMOIDLETS \
	LET(log2e, LOG2E); \
	LET(magicOnly, MAGIC); \
	LET(minusLn2Hi, LN2HI); \
	LET(minusLn2Lo, LN2LO); \
	LET(signBit, SIGN); \
	LET(one, ONE); \
	LET(expLow, LOW)

// First one of ITSELF, NUMBER, CUBED and QUICKED: V = -|argument|. NUMBER is where no product with x is to follow: NaN becomes
// -Inf, and the block is left to single vectors.
#define ITSELF(x, y, V, P, Q) VORPS x, SIGN, V
#define NUMBER(x, y, V, P, Q) \
	VORPS x, SIGN, V; \
	VMAXPS.BCST minusInf<>(SB), V, V
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

// P = V·log2e + magic; Q = P - magic, the integer n nearest to V/ln2; P = n<<23, or 2^n if magic has the 127 in it.
#define ROUNDED(x, y, V, P, Q) \
	VMOVAPS MAGIC, P; \
	VFMADD231PS LOG2E, V, P
#define WATCHED(x, y, V, P, Q) \
	ROUNDED(x, y, V, P, Q); \
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
#define TIMES(x, y, V, P, Q) VMULPS x, V, V

#define SIGMOIDBLOCK(ARGUMENT, LAST) \
	VMOVAPS ONE, LEAST; \
	DIAGONAL(ARGUMENT, NOTHING, NOTHING, NOTHING); \
	DIAGONAL(WATCHED, NOTHING, NOTHING, NOTHING); \
	DIAGONAL(WHOLE, ARGUMENT, NOTHING, NOTHING); \
	DIAGONAL(HI, WATCHED, NOTHING, NOTHING); \
	DIAGONAL(LO, WHOLE, ARGUMENT, NOTHING); \
	DIAGONAL(E5, HI, WATCHED, NOTHING); \
	DIAGONAL(E4, LO, WHOLE, ARGUMENT); \
	DIAGONAL(E3, E5, HI, WATCHED); \
	VCMPPS $1, LOW, LEAST, K5; \
	KORTESTW K5, K5; \
	JNE vectors; \
	DIAGONAL(E2, E4, LO, WHOLE); \
	DIAGONAL(E1, E3, E5, HI); \
	DIAGONAL(E0, E2, E4, LO); \
	DIAGONAL(SCALED, E1, E3, E5); \
	DIAGONAL(CHOSEN, E0, E2, E4); \
	DIAGONAL(DIVIDED, SCALED, E1, E3); \
	DIAGONAL(NOTHING, CHOSEN, E0, E2); \
	DIAGONAL(NOTHING, DIVIDED, SCALED, E1); \
	DIAGONAL(LAST, NOTHING, CHOSEN, E0); \
	DIAGONAL(WRITTEN, NOTHING, DIVIDED, SCALED); \
	DIAGONAL(NOTHING, LAST, NOTHING, CHOSEN); \
	DIAGONAL(NOTHING, WRITTEN, NOTHING, DIVIDED); \
	DIAGONAL(NOTHING, NOTHING, LAST, NOTHING); \
	DIAGONAL(NOTHING, NOTHING, WRITTEN, NOTHING); \
	DIAGONAL(NOTHING, NOTHING, NOTHING, LAST); \
	DIAGONAL(NOTHING, NOTHING, NOTHING, WRITTEN)
#define SIGMOIDVECTOR(ARGUMENT, LAST) \
	ALONE(ARGUMENT); \
	VCMPPS $5, LOW, Z0, K2; \
	LET(expClamp, Z1); \
	VMAXPS Z0, Z1, Z0; \
	ALONE(ROUNDED); \
	ALONE(WHOLE); \
	ALONE(HI); \
	ALONE(LO); \
	ALONE(E5); \
	ALONE(E4); \
	ALONE(E3); \
	ALONE(E2); \
	ALONE(E1); \
	ALONE(E0); \
	VPADDD ONE, Z1, Z1; \
	VMULPS.Z Z1, Z2, K2, Z0; \
	ALONE(CHOSEN); \
	ALONE(DIVIDED); \
	ALONE(LAST)

// dst = src·sigmoid(2√(2/π)·(src + 0.044715·src³))
// func geluTanhAVX512(dst, src *float32, n int)
TEXT ·geluTanhAVX512(SB), NOSPLIT, $0-24
	ROUTINE(SIGMOIDLETS, SIGMOIDBLOCK(CUBED, TIMES), SIGMOIDVECTOR(CUBED, TIMES))

// dst = src·sigmoid(src)
// func siluAVX512(dst, src *float32, n int)
TEXT ·siluAVX512(SB), NOSPLIT, $0-24
	ROUTINE(SIGMOIDLETS, SIGMOIDBLOCK(ITSELF, TIMES), SIGMOIDVECTOR(ITSELF, TIMES))

// dst = src·sigmoid(1.702·src)
// func quickGELUAVX512(dst, src *float32, n int)
TEXT ·quickGELUAVX512(SB), NOSPLIT, $0-24
	ROUTINE(SIGMOIDLETS, SIGMOIDBLOCK(QUICKED, TIMES), SIGMOIDVECTOR(QUICKED, TIMES))

// dst = 1/(1+e^-src)
// func sigmoidAVX512(dst, src *float32, n int)
TEXT ·sigmoidAVX512(SB), NOSPLIT, $0-24
	ROUTINE(SIGMOIDLETS, SIGMOIDBLOCK(NUMBER, NOTHING), SIGMOIDVECTOR(ITSELF, NOTHING))

// tanh: V = -2|x|, no less than -32, and magic has the 127 in it. In place of the last two steps Q = e^V - 1; then
// Q = 1 - 2^n·(Q + 1), and V = Q/(2 - Q), with the sign of x.
#define TWO   Z30
#define CLAMP Z31
#define TANHLETS \
	LET(log2e, LOG2E); \
	LET(magic, MAGIC); \
	LET(minusLn2Hi, LN2HI); \
	LET(minusLn2Lo, LN2LO); \
	LET(signBit, SIGN); \
	LET(one, ONE); \
	LET(two, TWO); \
	LET(tanhClamp, CLAMP)
#define TWICE(x, y, V, P, Q) \
	VORPS x, SIGN, V; \
	VADDPS V, V, V; \
	VMAXPS V, CLAMP, V
#define TIMESR(x, y, V, P, Q) VMULPS V, Q, Q
#define PLUSR(x, y, V, P, Q) \
	VFMADD213PS V, V, Q; \
	VSUBPS P, ONE, V
#define SCALED1(x, y, V, P, Q) VFNMADD213PS V, P, Q
#define SUMMED(x, y, V, P, Q) VSUBPS Q, TWO, V
#define QUOTIENT(x, y, V, P, Q) VDIVPS V, Q, V
#define LIKEX(x, y, V, P, Q) \
	VANDPS x, SIGN, P; \
	VORPS P, V, V
#define TANHBLOCK \
	DIAGONAL(TWICE, NOTHING, NOTHING, NOTHING); \
	DIAGONAL(ROUNDED, NOTHING, NOTHING, NOTHING); \
	DIAGONAL(WHOLE, TWICE, NOTHING, NOTHING); \
	DIAGONAL(HI, ROUNDED, NOTHING, NOTHING); \
	DIAGONAL(LO, WHOLE, TWICE, NOTHING); \
	DIAGONAL(E5, HI, ROUNDED, NOTHING); \
	DIAGONAL(E4, LO, WHOLE, TWICE); \
	DIAGONAL(E3, E5, HI, ROUNDED); \
	DIAGONAL(E2, E4, LO, WHOLE); \
	DIAGONAL(TIMESR, E3, E5, HI); \
	DIAGONAL(PLUSR, E2, E4, LO); \
	DIAGONAL(SCALED1, TIMESR, E3, E5); \
	DIAGONAL(SUMMED, PLUSR, E2, E4); \
	DIAGONAL(QUOTIENT, SCALED1, TIMESR, E3); \
	DIAGONAL(NOTHING, SUMMED, PLUSR, E2); \
	DIAGONAL(NOTHING, QUOTIENT, SCALED1, TIMESR); \
	DIAGONAL(LIKEX, NOTHING, SUMMED, PLUSR); \
	DIAGONAL(WRITTEN, NOTHING, QUOTIENT, SCALED1); \
	DIAGONAL(NOTHING, LIKEX, NOTHING, SUMMED); \
	DIAGONAL(NOTHING, WRITTEN, NOTHING, QUOTIENT); \
	DIAGONAL(NOTHING, NOTHING, LIKEX, NOTHING); \
	DIAGONAL(NOTHING, NOTHING, WRITTEN, NOTHING); \
	DIAGONAL(NOTHING, NOTHING, NOTHING, LIKEX); \
	DIAGONAL(NOTHING, NOTHING, NOTHING, WRITTEN)
#define TANHVECTOR \
	ALONE(TWICE); \
	ALONE(ROUNDED); \
	ALONE(WHOLE); \
	ALONE(HI); \
	ALONE(LO); \
	ALONE(E5); \
	ALONE(E4); \
	ALONE(E3); \
	ALONE(E2); \
	ALONE(TIMESR); \
	ALONE(PLUSR); \
	ALONE(SCALED1); \
	ALONE(SUMMED); \
	ALONE(QUOTIENT); \
	ALONE(LIKEX)

// dst = tanh(src)
// func tanhAVX512(dst, src *float32, n int)
TEXT ·tanhAVX512(SB), NOSPLIT, $0-24
	ROUTINE(TANHLETS, TANHBLOCK, TANHVECTOR)

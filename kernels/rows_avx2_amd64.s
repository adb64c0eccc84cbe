//go:build !purego

// The row routines for AVX2 and FMA3. A block is 32 elements in four registers; the bodies are in rows_amd64.h. The last,
// partial block is read and written with masks, its missing elements are 0.

#include "textflag.h"
#include "rows_amd64.h"

#define V0 Y0
#define V1 Y1
#define V2 Y2
#define V3 Y3
#define P0 Y4
#define P1 Y5
#define P2 Y6
#define P3 Y7
#define Q0 Y8
#define Q1 Y9
#define Q2 Y10
#define Q3 Y11
#define T Y12
#define C Y13
#define U Y14
#define S0 0(SP)
#define S1 32(SP)
#define S2 64(SP)
#define S3 96(SP)

// The constants of the loop over groups that are operands in memory.
#define CONSTANT8(name, bits) \
	DATA name<>+0(SB)/4, $bits; \
	DATA name<>+4(SB)/4, $bits; \
	DATA name<>+8(SB)/4, $bits; \
	DATA name<>+12(SB)/4, $bits; \
	DATA name<>+16(SB)/4, $bits; \
	DATA name<>+20(SB)/4, $bits; \
	DATA name<>+24(SB)/4, $bits; \
	DATA name<>+28(SB)/4, $bits; \
	GLOBL name<>(SB), RODATA|NOPTR, $32

CONSTANT8(signBits, 0x80000000)
CONSTANT8(expLows, 0xc2aeac4f)
CONSTANT8(log2es, 0x3fb8aa3b)
CONSTANT8(magics, 0x4b400000)
CONSTANT8(magicsBias, 0x4b40007f)
CONSTANT8(minusLn2His, 0xbf317218)
CONSTANT8(minusLn2Los, 0x3102e308)
CONSTANT8(geluTanh1s, 0x3fcc422a)

// mask: 32 times -1, 32 times 0. The 32 numbers from mask+4·(32-n) select the first n elements of a block.
DATA mask<>+0(SB)/8, $-1
DATA mask<>+8(SB)/8, $-1
DATA mask<>+16(SB)/8, $-1
DATA mask<>+24(SB)/8, $-1
DATA mask<>+32(SB)/8, $-1
DATA mask<>+40(SB)/8, $-1
DATA mask<>+48(SB)/8, $-1
DATA mask<>+56(SB)/8, $-1
DATA mask<>+64(SB)/8, $-1
DATA mask<>+72(SB)/8, $-1
DATA mask<>+80(SB)/8, $-1
DATA mask<>+88(SB)/8, $-1
DATA mask<>+96(SB)/8, $-1
DATA mask<>+104(SB)/8, $-1
DATA mask<>+112(SB)/8, $-1
DATA mask<>+120(SB)/8, $-1
GLOBL mask<>(SB), RODATA|NOPTR, $256

// POWER(V, P): P = 2^n, from P = magic + n, or 0 where V < T.
#define POWER(V, P) \
	VCMPPS $5, T, V, U; \
	VPSLLD $23, P, P; \
	VANDPS U, P, P

// IFNEGATIVE(S, V): V = S < 0 ? V : T.
#define IFNEGATIVE(S, V) \
	VMOVUPS S, U; \
	VBLENDVPS U, V, T, V

// SIGMOID: V = 1/(1+e^-V); S must hold numbers of V's signs.
#define SIGMOID \
	LET(signBit, T); \
	WITH(VORPS, T); \
	EXP; \
	LET(one, T); \
	VADDPS V0, T, Q0; \
	VADDPS V1, T, Q1; \
	VADDPS V2, T, Q2; \
	VADDPS V3, T, Q3; \
	IFNEGATIVE(S0, V0); \
	IFNEGATIVE(S1, V1); \
	IFNEGATIVE(S2, V2); \
	IFNEGATIVE(S3, V3); \
	BOTH(VDIVPS, Q0, Q1, Q2, Q3)

// EXPM1(V, P, Q): Q = 2^n·e^r - 1, from P = magic + n, V = r, Q = p.
#define EXPM1(V, P, Q) \
	VPSLLD $23, P, P; \
	VMULPS V, Q, Q; \
	VFMADD213PS V, V, Q; \
	VSUBPS T, P, V; \
	VFMADD213PS V, P, Q

// TANHEND(S, V, Q): V = -Q/(Q+2) with the sign of S; T = 2, C = the sign bit.
#define TANHEND(S, V, Q) \
	VADDPS T, Q, V; \
	VXORPS U, U, U; \
	VSUBPS Q, U, Q; \
	VDIVPS V, Q, V; \
	VANDPS S, C, U; \
	VORPS U, V, V

#define TANH \
	SAVE; \
	LET(absBits, T); \
	WITH(VANDPS, T); \
	LET(minusTwo, T); \
	WITH(VMULPS, T); \
	LET(tanhClamp, T); \
	BOUND(VMAXPS, T); \
	ROUND(magic); \
	REMAINDER; \
	LET(one, T); \
	EXPM1(V0, P0, Q0); \
	EXPM1(V1, P1, Q1); \
	EXPM1(V2, P2, Q2); \
	EXPM1(V3, P3, Q3); \
	LET(two, T); \
	LET(signBit, C); \
	TANHEND(S0, V0, Q0); \
	TANHEND(S1, V1, Q1); \
	TANHEND(S2, V2, Q2); \
	TANHEND(S3, V3, Q3)

// ERFARGUMENT(V, P): P = V; V = 2V²/5.5² - 1.
#define ERFARGUMENT(V, P) \
	VMOVAPS V, P; \
	VMULPS V, V, V; \
	VFMADD213PS C, T, V

// GELUEND(S, V, P, Q): h = S/2; V = h·(P·Q) + h; T = 1/2.
#define GELUEND(S, V, P, Q) \
	VMULPS P, Q, Q; \
	VMULPS S, T, V; \
	VFMADD213PS V, Q, V

#define GELU \
	SAVE; \
	LET(minusErfEnd, T); \
	BOUND(VMAXPS, T); \
	LET(erfEnd, T); \
	BOUND(VMINPS, T); \
	LET(erfScale, T); \
	LET(minusOne, C); \
	ERFARGUMENT(V0, P0); \
	ERFARGUMENT(V1, P1); \
	ERFARGUMENT(V2, P2); \
	ERFARGUMENT(V3, P3); \
	HORNER(erf15); \
	STEP(erf14); \
	STEP(erf13); \
	STEP(erf12); \
	STEP(erf11); \
	STEP(erf10); \
	STEP(erf9); \
	STEP(erf8); \
	STEP(erf7); \
	STEP(erf6); \
	STEP(erf5); \
	STEP(erf4); \
	STEP(erf3); \
	STEP(erf2); \
	STEP(erf1); \
	STEP(erf0); \
	LET(half, T); \
	GELUEND(S0, V0, P0, Q0); \
	GELUEND(S1, V1, P1, Q1); \
	GELUEND(S2, V2, P2, Q2); \
	GELUEND(S3, V3, P3, Q3)

// CUBIC(V, P): V = V·(V²·T + C).
#define CUBIC(V, P) \
	VMULPS V, V, P; \
	VFMADD213PS C, T, P; \
	VMULPS P, V, V

#define GELUTANH \
	SAVE; \
	LET(geluTanh3, T); \
	LET(geluTanh1, C); \
	CUBIC(V0, P0); \
	CUBIC(V1, P1); \
	CUBIC(V2, P2); \
	CUBIC(V3, P3); \
	SIGMOID; \
	BOTH(VMULPS, S0, S1, S2, S3)

#define SILU \
	SAVE; \
	SIGMOID; \
	BOTH(VMULPS, S0, S1, S2, S3)

#define QUICKGELU \
	SAVE; \
	LET(quick, T); \
	WITH(VMULPS, T); \
	SIGMOID; \
	BOTH(VMULPS, S0, S1, S2, S3)

// BEGIN: the loop over blocks reads V from SI, while there are elements (CX counts them).
#define BEGIN \
loop: \
	CMPQ CX, $32; \
	JLT part; \
	VMOVUPS 0(SI), V0; \
	VMOVUPS 32(SI), V1; \
	VMOVUPS 64(SI), V2; \
	VMOVUPS 96(SI), V3; \
body:

// MASK: BX points to the mask of the last CX elements.
#define MASK \
	LEAQ mask<>+128(SB), BX; \
	SHLQ $2, CX; \
	SUBQ CX, BX; \
	SHRQ $2, CX

// READPART(SI, A): the last CX elements, then 0.
#define READPART(SI, A0, A1, A2, A3) \
	VMOVUPS 0(BX), U; \
	VMASKMOVPS 0(SI), U, A0; \
	VMOVUPS 32(BX), U; \
	VMASKMOVPS 32(SI), U, A1; \
	VMOVUPS 64(BX), U; \
	VMASKMOVPS 64(SI), U, A2; \
	VMOVUPS 96(BX), U; \
	VMASKMOVPS 96(SI), U, A3

// WRITE: V to DI, and on to the next block; the last, partial one leaves the loop.
#define WRITE \
	CMPQ CX, $32; \
	JLT last; \
	VMOVUPS V0, 0(DI); \
	VMOVUPS V1, 32(DI); \
	VMOVUPS V2, 64(DI); \
	VMOVUPS V3, 96(DI); \
	ADDQ $128, DI; \
	ADDQ $128, SI; \
	SUBQ $32, CX

#define WRITELAST \
last: \
	VMOVUPS 0(BX), U; \
	VMASKMOVPS V0, U, 0(DI); \
	VMOVUPS 32(BX), U; \
	VMASKMOVPS V1, U, 32(DI); \
	VMOVUPS 64(BX), U; \
	VMASKMOVPS V2, U, 64(DI); \
	VMOVUPS 96(BX), U; \
	VMASKMOVPS V3, U, 96(DI)

// END: V goes to DI; then the next block. ENDTO(next): the same with another place to go on at after a whole block.
#define END ENDTO(loop)
#define ENDTO(next) \
	WRITE; \
	JMP next; \
part: \
	TESTQ CX, CX; \
	JLE done; \
	MASK; \
	READPART(SI, V0, V1, V2, V3); \
	JMP body; \
	WRITELAST; \
done: \
	VZEROUPPER; \
	RET

// BEGIN2, END2: the same with P read from DX.
#define BEGIN2 \
loop: \
	CMPQ CX, $32; \
	JLT part; \
	VMOVUPS 0(SI), V0; \
	VMOVUPS 32(SI), V1; \
	VMOVUPS 64(SI), V2; \
	VMOVUPS 96(SI), V3; \
	VMOVUPS 0(DX), P0; \
	VMOVUPS 32(DX), P1; \
	VMOVUPS 64(DX), P2; \
	VMOVUPS 96(DX), P3; \
body:

#define END2 \
	WRITE; \
	ADDQ $128, DX; \
	JMP loop; \
part: \
	TESTQ CX, CX; \
	JLE done; \
	MASK; \
	READPART(SI, V0, V1, V2, V3); \
	READPART(DX, P0, P1, P2, P3); \
	JMP body; \
	WRITELAST; \
done: \
	VZEROUPPER; \
	RET

// KEEP: V = 0 in the elements that the last block lacks.
#define KEEP \
	CMPQ CX, $32; \
	JGE kept; \
	VANDPS 0(BX), V0, V0; \
	VANDPS 32(BX), V1, V1; \
	VANDPS 64(BX), V2, V2; \
	VANDPS 96(BX), V3, V3; \
kept:

// TREE(op): X4 = the 16 lanes in P0 (0 to 7) and P1 folded: +8, +4, +2, +1.
#define TREE(op) \
	op P0, P1, P0; \
	VEXTRACTF128 $1, Y4, X5; \
	op X4, X5, X4; \
	VMOVHLPS X4, X4, X5; \
	op X4, X5, X4; \
	VMOVSHDUP X4, X5; \
	op X4, X5, X4

// Eight vectors at a time, for whole blocks of 64 elements: a multiply-add takes four cycles and two begin in each, so that
// eight chains keep both pipes busy, however short the scheduler's window. With as many accumulators, not everything else has
// a register: FRAME points to aligned memory in the frame.
#define FRAME R10
#define ALIGNFRAME \
	LEAQ 31(SP), FRAME; \
	ANDQ $~31, FRAME

// GELU8: u = 2c²/5.5² - 1 of c = x within ±5.5, in Y0 to Y5 and the frame; the polynomial's accumulators are Y6 to Y13. At
// the end x is read again and c computed again, on pipes that have nothing else to do.
#define CLAMP(x, lower, upper, V) \
	VMAXPS x, lower, V; \
	VMINPS V, upper, V
#define ARGUMENT8(x, V) \
	CLAMP(x, Y12, Y13, V); \
	VMULPS V, V, V; \
	VFMADD213PS Y15, Y14, V
#define STEP8(c) \
	LET(c, Y14); \
	VFMADD213PS Y14, Y0, Y6; \
	VFMADD213PS Y14, Y1, Y7; \
	VFMADD213PS Y14, Y2, Y8; \
	VFMADD213PS Y14, Y3, Y9; \
	VFMADD213PS Y14, Y4, Y10; \
	VFMADD213PS Y14, Y5, Y11; \
	VFMADD132PS 0(FRAME), Y14, Y12; \
	VFMADD132PS 32(FRAME), Y14, Y13
#define HORNER8(c) \
	LET(c, Y6); \
	VMOVAPS Y6, Y7; \
	VMOVAPS Y6, Y8; \
	VMOVAPS Y6, Y9; \
	VMOVAPS Y6, Y10; \
	VMOVAPS Y6, Y11; \
	VMOVAPS Y6, Y12; \
	VMOVAPS Y6, Y13
#define GELUEND8(at, Q) \
	CLAMP(at(SI), Y3, Y4, Y0); \
	VMULPS Y0, Q, Q; \
	VMULPS at(SI), Y5, Y1; \
	VFMADD213PS Y1, Y1, Q; \
	VMOVUPS Q, at(DI)
#define GELU8 \
	LET(minusErfEnd, Y12); \
	LET(erfEnd, Y13); \
	LET(erfScale, Y14); \
	LET(minusOne, Y15); \
	ARGUMENT8(192(SI), Y6); \
	ARGUMENT8(224(SI), Y7); \
	VMOVAPS Y6, 0(FRAME); \
	VMOVAPS Y7, 32(FRAME); \
	ARGUMENT8(0(SI), Y0); \
	ARGUMENT8(32(SI), Y1); \
	ARGUMENT8(64(SI), Y2); \
	ARGUMENT8(96(SI), Y3); \
	ARGUMENT8(128(SI), Y4); \
	ARGUMENT8(160(SI), Y5); \
	HORNER8(erf15); \
	STEP8(erf14); \
	STEP8(erf13); \
	STEP8(erf12); \
	STEP8(erf11); \
	STEP8(erf10); \
	STEP8(erf9); \
	STEP8(erf8); \
	STEP8(erf7); \
	STEP8(erf6); \
	STEP8(erf5); \
	STEP8(erf4); \
	STEP8(erf3); \
	STEP8(erf2); \
	STEP8(erf1); \
	STEP8(erf0); \
	LET(minusErfEnd, Y3); \
	LET(erfEnd, Y4); \
	LET(half, Y5); \
	GELUEND8(0, Y6); \
	GELUEND8(32, Y7); \
	GELUEND8(64, Y8); \
	GELUEND8(96, Y9); \
	GELUEND8(128, Y10); \
	GELUEND8(160, Y11); \
	GELUEND8(192, Y12); \
	GELUEND8(224, Y13)

// GROUPS(ARG, END, ...): functions whose polynomial is that of exp, a chain of six steps. The rest of them is few multiply-adds
// and a division: while a group of four vectors is in its polynomial, the one before it is divided and the next one is reduced,
// a vector after each step. For the sigmoids:
//
//	reduce    V = -|argument|; t = magic + V·log2e; n = t - magic; r = V - n·ln2; n<<23 to the frame
//	polynomial
//	divide    e = p + n<<23, which multiplies by 2^n; (x < 0 ? e : 1) / (1 + e)
//
// ARG(x, V) makes V = -|argument| of x in memory, which has the argument's sign, a step before V is reduced; END(x, V) is what
// is done with the result, x in a register. r and p of the group are in Y0 to Y3 and Y4 to Y7, p of the one before and then r
// of the next in Y8 to Y11. SI and DI are at the group before, CX counts from there; the frame is a ring of four groups, of
// which AX is the one before and BX the next. If an argument is below expLow, or NaN, its group is left to the loop over
// blocks: as unsigned integers, such bits are greater than those of expLow (Y12 is the greatest of all).
#define REDUCE4(i, V) \
	LET(magicOnly, Y13); \
	VFMADD231PS log2es<>(SB), V, Y13; \
	VPMAXUD V, Y12, Y12; \
	REST4(magics, i, V)

// REST4(magic, i, V): n<<23 and r, from Y13 = magic + V·log2e.
#define REST4(magic, i, V) \
	VPSLLD $23, Y13, Y14; \
	VMOVAPS Y14, i(FRAME)(BX*1); \
	VSUBPS magic<>(SB), Y13, Y13; \
	VFMADD231PS minusLn2His<>(SB), Y13, V; \
	VFMADD231PS minusLn2Los<>(SB), Y13, V
#define POLYNOMIAL4 \
	LET(exp6, Y4); \
	VMOVAPS Y4, Y5; \
	VMOVAPS Y4, Y6; \
	VMOVAPS Y4, Y7
#define STEP4(c) \
	LET(c, Y13); \
	VFMADD213PS Y13, Y0, Y4; \
	VFMADD213PS Y13, Y1, Y5; \
	VFMADD213PS Y13, Y2, Y6; \
	VFMADD213PS Y13, Y3, Y7
#define STEP4ONE STEP4(one)
#define DIVIDE4(END, i, P) \
	VMOVUPS i(SI), Y13; \
	VPADDD i(FRAME)(AX*1), P, P; \
	VADDPS P, Y15, Y14; \
	VBLENDVPS Y13, P, Y15, P; \
	VDIVPS Y14, P, P; \
	END(Y13, P); \
	VMOVUPS P, i(DI)

// NEXT4: on to the next group. HANDON: r and p are those of the group before.
#define NEXT4 \
	ADDQ $128, SI; \
	ADDQ $128, DI; \
	SUBQ $32, CX; \
	ADDQ $128, AX; \
	ANDQ $511, AX; \
	MOVQ AX, BX; \
	XORQ $256, BX
#define HANDON \
	VMOVAPS Y8, Y0; \
	VMOVAPS Y9, Y1; \
	VMOVAPS Y10, Y2; \
	VMOVAPS Y11, Y3; \
	VMOVAPS Y4, Y8; \
	VMOVAPS Y5, Y9; \
	VMOVAPS Y6, Y10; \
	VMOVAPS Y7, Y11
#define WATCH LET(expLow, Y12)
#define UNLESSNEAR(far) \
	VPCMPEQD expLows<>(SB), Y12, Y12; \
	VPMOVMSKB Y12, DX; \
	CMPL DX, $-1; \
	JNE far

#define GROUPS(ARG, END, REDUCE, SIXTH, SEVENTH, DIVIDE, WATCH, UNLESSNEAR) \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), SI; \
	MOVQ n+16(FP), CX; \
	ALIGNFRAME; \
	LET(one, Y15); \
groups: \
	CMPQ CX, $64; \
	JLT loop; \
	XORL AX, AX; \
	XORL BX, BX; \
	WATCH; \
	ARG(0(SI), Y0); \
	REDUCE(0, Y0); \
	ARG(32(SI), Y1); \
	REDUCE(32, Y1); \
	ARG(64(SI), Y2); \
	REDUCE(64, Y2); \
	ARG(96(SI), Y3); \
	REDUCE(96, Y3); \
	UNLESSNEAR(loop); \
	MOVQ $128, BX; \
	WATCH; \
	POLYNOMIAL4; \
	STEP4(exp5); \
	STEP4(exp4); \
	ARG(128(SI), Y8); \
	REDUCE(0, Y8); \
	STEP4(exp3); \
	ARG(160(SI), Y9); \
	REDUCE(32, Y9); \
	STEP4(exp2); \
	ARG(192(SI), Y10); \
	REDUCE(64, Y10); \
	SIXTH; \
	ARG(224(SI), Y11); \
	REDUCE(96, Y11); \
	SEVENTH; \
	HANDON; \
	MOVQ $256, BX; \
	UNLESSNEAR(divide); \
	CMPQ CX, $96; \
	JLT final; \
group: \
	WATCH; \
	POLYNOMIAL4; \
	STEP4(exp5); \
	DIVIDE(END, 0, Y8); \
	ARG((256+0)(SI), Y8); \
	STEP4(exp4); \
	DIVIDE(END, 32, Y9); \
	ARG((256+32)(SI), Y9); \
	REDUCE(0, Y8); \
	STEP4(exp3); \
	DIVIDE(END, 64, Y10); \
	ARG((256+64)(SI), Y10); \
	REDUCE(32, Y9); \
	STEP4(exp2); \
	DIVIDE(END, 96, Y11); \
	ARG((256+96)(SI), Y11); \
	REDUCE(64, Y10); \
	SIXTH; \
	REDUCE(96, Y11); \
	SEVENTH; \
	HANDON; \
	NEXT4; \
	UNLESSNEAR(divide); \
	CMPQ CX, $96; \
	JGE group; \
final: \
	POLYNOMIAL4; \
	STEP4(exp5); \
	STEP4(exp4); \
	DIVIDE(END, 0, Y8); \
	STEP4(exp3); \
	DIVIDE(END, 32, Y9); \
	STEP4(exp2); \
	DIVIDE(END, 64, Y10); \
	SIXTH; \
	DIVIDE(END, 96, Y11); \
	SEVENTH; \
	HANDON; \
	NEXT4; \
divide: \
	DIVIDE(END, 0, Y8); \
	DIVIDE(END, 32, Y9); \
	DIVIDE(END, 64, Y10); \
	DIVIDE(END, 96, Y11); \
	NEXT4
#define SIGMOIDS(ARG, END) GROUPS(ARG, END, REDUCE4, STEP4ONE, STEP4ONE, DIVIDE4, WATCH, UNLESSNEAR)

// The arguments, and what becomes of the sigmoid of x.
#define ITSELF(x, V) \
	VMOVUPS x, V; \
	VORPS signBits<>(SB), V, V
#define CUBIC4(x, V) \
	VMOVUPS x, Y14; \
	VMULPS Y14, Y14, V; \
	LET(geluTanh3, Y13); \
	VFMADD213PS geluTanh1s<>(SB), Y13, V; \
	VMULPS Y14, V, V; \
	VORPS signBits<>(SB), V, V
#define QUICK4(x, V) \
	LET(quick, V); \
	VMULPS x, V, V; \
	VORPS signBits<>(SB), V, V
#define TIMES(x, V) VMULPS x, V, V
#define NOTHING(x, V)

// TANHS: tanh, in the same groups, none of them far. The argument is -2|x|, no less than -32; in place of the last two steps
// q = e^r - 1; then m = 1 - 2^n·(q + 1) = fma(-2^n, q, 1 - 2^n), m / (2 - m), with the sign of x. Y12 = 2.
#define MINUSTWICE(x, V) \
	VMOVUPS x, V; \
	VORPS signBits<>(SB), V, V; \
	VADDPS V, V, V; \
	LET(tanhClamp, Y13); \
	VMAXPS V, Y13, V
#define REDUCETANH(i, V) \
	LET(magic, Y13); \
	VFMADD231PS log2es<>(SB), V, Y13; \
	REST4(magicsBias, i, V)
#define TIMESR \
	VMULPS Y0, Y4, Y4; \
	VMULPS Y1, Y5, Y5; \
	VMULPS Y2, Y6, Y6; \
	VMULPS Y3, Y7, Y7
#define TIMESRPLUSR \
	VFMADD213PS Y0, Y0, Y4; \
	VFMADD213PS Y1, Y1, Y5; \
	VFMADD213PS Y2, Y2, Y6; \
	VFMADD213PS Y3, Y3, Y7
#define DIVIDETANH(END, i, Q) \
	VMOVAPS i(FRAME)(AX*1), Y13; \
	VSUBPS Y13, Y15, Y14; \
	VFNMADD213PS Y14, Y13, Q; \
	VSUBPS Q, Y12, Y14; \
	VDIVPS Y14, Q, Q; \
	VMOVUPS signBits<>(SB), Y13; \
	VANDPS i(SI), Y13, Y13; \
	VORPS Y13, Q, Q; \
	VMOVUPS Q, i(DI)
#define LETTWO LET(two, Y12)
#define NEVER(far)
#define TANHS GROUPS(MINUSTWICE, NOTHING, REDUCETANH, TIMESR, TIMESRPLUSR, DIVIDETANH, LETTWO, NEVER)

// EIGHTS(BODY): the loop over whole blocks of 64; the elements left are in CX.
#define EIGHTS(BODY) \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), SI; \
	MOVQ n+16(FP), CX; \
	ALIGNFRAME; \
	SUBQ $64, CX; \
	JLT rest; \
eight: \
	BODY; \
	ADDQ $256, SI; \
	ADDQ $256, DI; \
	SUBQ $64, CX; \
	JGE eight; \
rest: \
	ADDQ $64, CX

// dst = src/2·(1+erf(src/√2))
// func geluAVX2(dst, src *float32, n int)
TEXT ·geluAVX2(SB), NOSPLIT, $128-24
	EIGHTS(GELU8)
	BEGIN
	GELU
	END

// dst = src·sigmoid(2√(2/π)·(src + 0.044715·src³))
// func geluTanhAVX2(dst, src *float32, n int)
TEXT ·geluTanhAVX2(SB), NOSPLIT, $544-24
	SIGMOIDS(CUBIC4, TIMES)
	BEGIN
	GELUTANH
	ENDTO(groups)

// dst = src·sigmoid(src)
// func siluAVX2(dst, src *float32, n int)
TEXT ·siluAVX2(SB), NOSPLIT, $544-24
	SIGMOIDS(ITSELF, TIMES)
	BEGIN
	SILU
	ENDTO(groups)

// dst = src·sigmoid(1.702·src)
// func quickGELUAVX2(dst, src *float32, n int)
TEXT ·quickGELUAVX2(SB), NOSPLIT, $544-24
	SIGMOIDS(QUICK4, TIMES)
	BEGIN
	QUICKGELU
	ENDTO(groups)

// dst = 1/(1+e^-src)
// func sigmoidAVX2(dst, src *float32, n int)
TEXT ·sigmoidAVX2(SB), NOSPLIT, $544-24
	SIGMOIDS(ITSELF, NOTHING)
	BEGIN
	SAVE
	SIGMOID
	ENDTO(groups)

// dst = 0 > src ? 0 : src
// func reluAVX2(dst, src *float32, n int)
TEXT ·reluAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	BEGIN
	RELU
	END

// dst = tanh(src)
// func tanhAVX2(dst, src *float32, n int)
TEXT ·tanhAVX2(SB), NOSPLIT, $544-24
	TANHS
	BEGIN
	TANH
	END

// dst = a + b
// func addAVX2(dst, a, b *float32, n int)
TEXT ·addAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	MOVQ n+24(FP), CX
	BEGIN2
	BOTH(VADDPS, P0, P1, P2, P3)
	END2

// dst = a · b
// func mulAVX2(dst, a, b *float32, n int)
TEXT ·mulAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	MOVQ n+24(FP), CX
	BEGIN2
	BOTH(VMULPS, P0, P1, P2, P3)
	END2

// dst = a > b ? a : b
// func maxAVX2(dst, a, b *float32, n int)
TEXT ·maxAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	MOVQ n+24(FP), CX
	BEGIN2
	BOTH(VMAXPS, P0, P1, P2, P3)
	END2

// dst = s · src
// func scaleAVX2(dst, src *float32, n int, s float32)
TEXT ·scaleAVX2(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS s+24(FP), C
	BEGIN
	WITH(VMULPS, C)
	END

// row i of x = s[i] · row i, rows of n elements one after the other
// func scaleRowsAVX2(x, s *float32, rows, n int)
TEXT ·scaleRowsAVX2(SB), NOSPLIT, $0-32
	MOVQ x+0(FP), SI
	MOVQ s+8(FP), DX
	MOVQ rows+16(FP), R8
row:
	VBROADCASTSS (DX), C
	MOVQ n+24(FP), CX
loop:
	SUBQ $32, CX
	JLT part
	VMULPS 0(SI), C, V0
	VMULPS 32(SI), C, V1
	VMULPS 64(SI), C, V2
	VMULPS 96(SI), C, V3
	VMOVUPS V0, 0(SI)
	VMOVUPS V1, 32(SI)
	VMOVUPS V2, 64(SI)
	VMOVUPS V3, 96(SI)
	ADDQ $128, SI
	JMP loop
part:
	ADDQ $32, CX
	JEQ next
	MASK
	READPART(SI, V0, V1, V2, V3)
	WITH(VMULPS, C)
	VMOVUPS 0(BX), U
	VMASKMOVPS V0, U, 0(SI)
	VMOVUPS 32(BX), U
	VMASKMOVPS V1, U, 32(SI)
	VMOVUPS 64(BX), U
	VMASKMOVPS V2, U, 64(SI)
	VMOVUPS 96(BX), U
	VMASKMOVPS V3, U, 96(SI)
	LEAQ (SI)(CX*4), SI
next:
	ADDQ $4, DX
	DECQ R8
	JNE row
	VZEROUPPER
	RET

// dst = src / s
// func divAVX2(dst, src *float32, n int, s float32)
TEXT ·divAVX2(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS s+24(FP), C
	BEGIN
	WITH(VDIVPS, C)
	END

// dst = dst + s · src, both rounded
// func addScaledAVX2(dst, src *float32, n int, s float32)
TEXT ·addScaledAVX2(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ DI, DX
	MOVQ n+16(FP), CX
	VBROADCASTSS s+24(FP), C
	BEGIN2
	WITH(VMULPS, C)
	BOTH(VADDPS, P0, P1, P2, P3)
	END2

// dst = s · float32(src), for n a multiple of 32
// func dequantizeAVX2(dst *float32, src *int8, n int, s float32)
TEXT ·dequantizeAVX2(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS s+24(FP), C
	SHRQ $5, CX
	JEQ done
loop:
	VPMOVSXBD 0(SI), V0
	VPMOVSXBD 8(SI), V1
	VPMOVSXBD 16(SI), V2
	VPMOVSXBD 24(SI), V3
	VCVTDQ2PS V0, V0
	VCVTDQ2PS V1, V1
	VCVTDQ2PS V2, V2
	VCVTDQ2PS V3, V3
	WITH(VMULPS, C)
	VMOVUPS V0, 0(DI)
	VMOVUPS V1, 32(DI)
	VMOVUPS V2, 64(DI)
	VMOVUPS V3, 96(DI)
	ADDQ $32, SI
	ADDQ $128, DI
	DECQ CX
	JNE loop
done:
	VZEROUPPER
	RET

// dst = src, 32 numbers of 16 bits at a time, for n a multiple of 32. OP widens eight.
#define WIDEN(OP) \
	MOVQ dst+0(FP), DI; \
	MOVQ src+8(FP), SI; \
	MOVQ n+16(FP), CX; \
	SHRQ $5, CX; \
	JEQ done; \
loop: \
	OP(0(SI), V0); \
	OP(16(SI), V1); \
	OP(32(SI), V2); \
	OP(48(SI), V3); \
	VMOVUPS V0, 0(DI); \
	VMOVUPS V1, 32(DI); \
	VMOVUPS V2, 64(DI); \
	VMOVUPS V3, 96(DI); \
	ADDQ $64, SI; \
	ADDQ $128, DI; \
	DECQ CX; \
	JNE loop; \
done: \
	VZEROUPPER; \
	RET
#define BFLOAT16(x, V) \
	VPMOVZXWD x, V; \
	VPSLLD $16, V, V
#define FLOAT16(x, V) VCVTPH2PS x, V

// func widenBFloat16AVX2(dst *float32, src *uint16, n int)
TEXT ·widenBFloat16AVX2(SB), NOSPLIT, $0-24
	WIDEN(BFLOAT16)

// It needs F16C.
// func widenFloat16AVX2(dst *float32, src *uint16, n int)
TEXT ·widenFloat16AVX2(SB), NOSPLIT, $0-24
	WIDEN(FLOAT16)

// lane = src > lane ? src : lane, over the elements; returns the tree. l is nil for a row in one piece: lanes that have just
// been stored in halves are slow to load.
// func rowMaxAVX2(l *lanes, src *float32, n int) float32
TEXT ·rowMaxAVX2(SB), NOSPLIT, $0-28
	MOVQ l+0(FP), R9
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	LET(minusInf, T)
	VMOVAPS T, P0
	VMOVAPS T, P1
	TESTQ R9, R9
	JEQ begun
	VMOVUPS 0(R9), P0
	VMOVUPS 32(R9), P1
begun:
	BEGIN
	VMAXPS P0, V0, P0
	VMAXPS P1, V1, P1
	VMAXPS P0, V2, P0
	VMAXPS P1, V3, P1
	ADDQ $128, SI
	SUBQ $32, CX
	JGT loop
	JMP done
part:
	TESTQ CX, CX
	JLE done
	MASK
	READPART(SI, V0, V1, V2, V3)
	VMOVUPS 0(BX), U
	VBLENDVPS U, V0, T, V0
	VMOVUPS 32(BX), U
	VBLENDVPS U, V1, T, V1
	VMOVUPS 64(BX), U
	VBLENDVPS U, V2, T, V2
	VMOVUPS 96(BX), U
	VBLENDVPS U, V3, T, V3
	JMP body
done:
	TESTQ R9, R9
	JEQ tree
	VMOVUPS P0, 0(R9)
	VMOVUPS P1, 32(R9)
tree:
	TREE(VMAXPS)
	VMOVSS X4, ret+24(FP)
	VZEROUPPER
	RET

// The index of the first x > t, or n, which is a multiple of 32.
// func aboveAVX2(x *float32, n int, t float32) int
TEXT ·aboveAVX2(SB), NOSPLIT, $0-32
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	VBROADCASTSS t+16(FP), T
	XORL AX, AX
loop:
	CMPQ AX, CX
	JEQ done
	VCMPPS $0x11, 0(SI)(AX*4), T, V0 // t < x
	VCMPPS $0x11, 32(SI)(AX*4), T, V1
	VCMPPS $0x11, 64(SI)(AX*4), T, V2
	VCMPPS $0x11, 96(SI)(AX*4), T, V3
	VORPS V0, V1, P0
	VORPS V2, V3, P1
	VORPS P0, P1, P0
	VMOVMSKPS P0, DX
	TESTL DX, DX
	JNE found
	ADDQ $32, AX
	JMP loop
found:
	VMOVMSKPS V3, DX
	SHLQ $8, DX
	VMOVMSKPS V2, BX
	ORQ BX, DX
	SHLQ $8, DX
	VMOVMSKPS V1, BX
	ORQ BX, DX
	SHLQ $8, DX
	VMOVMSKPS V0, BX
	ORQ BX, DX
	BSFQ DX, DX
	ADDQ DX, AX
done:
	MOVQ AX, ret+24(FP)
	VZEROUPPER
	RET

// lane = a·b + lane. The elements that a lacks are -0, of which the product with 0 changes no lane, not even -0.
// func dotAVX2(l *lanes, a, b *float32, n int) float32
TEXT ·dotAVX2(SB), NOSPLIT, $0-36
	MOVQ l+0(FP), R9
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), DX
	MOVQ n+24(FP), CX
	VMOVUPS 0(R9), P0
	VMOVUPS 32(R9), P1
loop:
	CMPQ CX, $32
	JLT part
	VMOVUPS 0(SI), V0
	VMOVUPS 32(SI), V1
	VMOVUPS 64(SI), V2
	VMOVUPS 96(SI), V3
	VMOVUPS 0(DX), Q0
	VMOVUPS 32(DX), Q1
	VMOVUPS 64(DX), Q2
	VMOVUPS 96(DX), Q3
body:
	VFMADD231PS Q0, V0, P0
	VFMADD231PS Q1, V1, P1
	VFMADD231PS Q2, V2, P0
	VFMADD231PS Q3, V3, P1
	ADDQ $128, SI
	ADDQ $128, DX
	SUBQ $32, CX
	JGT loop
	JMP done
part:
	TESTQ CX, CX
	JLE done
	MASK
	READPART(SI, V0, V1, V2, V3)
	LET(signBit, T)
	VMOVUPS 0(BX), U
	VBLENDVPS U, V0, T, V0
	VMOVUPS 32(BX), U
	VBLENDVPS U, V1, T, V1
	VMOVUPS 64(BX), U
	VBLENDVPS U, V2, T, V2
	VMOVUPS 96(BX), U
	VBLENDVPS U, V3, T, V3
	READPART(DX, Q0, Q1, Q2, Q3)
	JMP body
done:
	VMOVUPS P0, 0(R9)
	VMOVUPS P1, 32(R9)
	TREE(VADDPS)
	VMOVSS X4, ret+32(FP)
	VZEROUPPER
	RET


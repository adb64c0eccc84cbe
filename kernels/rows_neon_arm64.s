//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// The row routines for NEON: what functions.go and rows_go.go define, operation by operation. A block is 16 elements in four
// registers. The last, partial block goes through a buffer in the frame, filled up with elements that change nothing.
//
// The macros of arithmetic take the numbers of registers:
//
//	0  1  2  3     V  the elements, and the result
//	4  5  6  7     P  a second operand
//	8  9  10 11    Q  a third, the polynomial's accumulator
//	12 13 14 15    R  the accumulator in every other step
//	16 17 18 19    S  the elements once more, where they are needed at the end
//	20 21          constants
//	22 23 24 25    scratch
//	26 27 28 29    L  the 16 lanes of a reduction
//	30 31          the parameters
//
// Constants stand in memory eight times, so that a load of a pair fills two accumulators: a multiply-add adds to its
// destination, and a copy from another register would take its place in the pipes of arithmetic.

#define DST R0
#define SRC R1
#define N   R2  // elements left; less than 0 in the last, partial block
#define C   R3  // elements of the last, partial block
#define BUF R4
#define SRC2 R5
#define SRC3 R6
#define LANES R9
#define CONSTANTS R10 // the middle of the constants: pairs are within reach on both sides

// Places of the constants.
#define erf(i) (32*i-512)
#define one 0
#define two 32
#define half 64
#define minusOne 96
#define minusTwo 128
#define minusInf 160
#define signBit 192
#define expClamp 224
#define expLow 256
#define log2e 288
#define magic 320
#define minusLn2Hi 352
#define minusLn2Lo 384
#define exp2 416
#define exp3 448
#define exp4 480
#define exp5 512
#define exp6 544
#define tanhClamp 576
#define erfEnd 608
#define minusErfEnd 640
#define erfScale 672
#define geluTanh1 704
#define geluTanh3 736
#define quick 768

#define CONSTANT(place, bits) \
	DATA constants<>+(place+512)(SB)/8, $(bits<<32|bits); \
	DATA constants<>+(place+520)(SB)/8, $(bits<<32|bits); \
	DATA constants<>+(place+528)(SB)/8, $(bits<<32|bits); \
	DATA constants<>+(place+536)(SB)/8, $(bits<<32|bits)

CONSTANT(erf(0), 0x3e83a31e)
CONSTANT(erf(1), 0xbe036cc9)
CONSTANT(erf(2), 0x3dc38889)
CONSTANT(erf(3), 0xbd9ee531)
CONSTANT(erf(4), 0x3d835c0a)
CONSTANT(erf(5), 0xbd5562ea)
CONSTANT(erf(6), 0x3d26d47c)
CONSTANT(erf(7), 0xbcf5c1ab)
CONSTANT(erf(8), 0x3ca78cad)
CONSTANT(erf(9), 0xbc5f67c6)
CONSTANT(erf(10), 0x3c178657)
CONSTANT(erf(11), 0xbb9eb9ea)
CONSTANT(erf(12), 0x3abc40f6)
CONSTANT(erf(13), 0xba8a06a8)
CONSTANT(erf(14), 0x3aa5b9e6)
CONSTANT(erf(15), 0xb9f8bf34)
CONSTANT(one, 0x3f800000)
CONSTANT(two, 0x40000000)
CONSTANT(half, 0x3f000000)
CONSTANT(minusOne, 0xbf800000)
CONSTANT(minusTwo, 0xc0000000)
CONSTANT(minusInf, 0xff800000)
CONSTANT(signBit, 0x80000000)
CONSTANT(expClamp, 0xc2b00000)  // -88: 2^n is 0 there
CONSTANT(expLow, 0xc2aeac4f)
CONSTANT(log2e, 0x3fb8aa3b)
CONSTANT(magic, 0x4b40007f)
CONSTANT(minusLn2Hi, 0xbf317218)
CONSTANT(minusLn2Lo, 0x3102e308)
CONSTANT(exp2, 0x3efffffe)
CONSTANT(exp3, 0x3e2aaa49)
CONSTANT(exp4, 0x3d2aac79)
CONSTANT(exp5, 0x3c091cf1)
CONSTANT(exp6, 0x3ab5121c)
CONSTANT(tanhClamp, 0xc2000000) // -32
CONSTANT(erfEnd, 0x40b00000)    // 5.5
CONSTANT(minusErfEnd, 0xc0b00000)
CONSTANT(erfScale, 0x3d8767ab)
CONSTANT(geluTanh1, 0x3fcc422a)
CONSTANT(geluTanh3, 0x3d922279)
CONSTANT(quick, 0x3fd9db23)     // 1.702
GLOBL constants<>(SB), RODATA|NOPTR, $1312

#define START MOVD $constants<>+512(SB), CONSTANTS

// LET(c, r): every lane of r = the constant c.
#define LET(c, r) FMOVQ c(CONSTANTS), r

// LETP, LETQ, LETR, LETV: every lane of the four registers = the constant.
#define LETV(c) FLDPQ c(CONSTANTS), (F0, F1); FLDPQ c(CONSTANTS), (F2, F3)
#define LETP(c) FLDPQ c(CONSTANTS), (F4, F5); FLDPQ c(CONSTANTS), (F6, F7)
#define LETQ(c) FLDPQ c(CONSTANTS), (F8, F9); FLDPQ c(CONSTANTS), (F10, F11)
#define LETR(c) FLDPQ c(CONSTANTS), (F12, F13); FLDPQ c(CONSTANTS), (F14, F15)

// FOUR(op, d, n, m): op on four registers each, from d, n, m; FOURWITH: m is one register.
#define FOUR(op, d, n, m) op(d, n, m); op(d+1, n+1, m+1); op(d+2, n+2, m+2); op(d+3, n+3, m+3)
#define FOURWITH(op, d, n, m) op(d, n, m); op(d+1, n+1, m); op(d+2, n+2, m); op(d+3, n+3, m)
#define FOUR2(op, d, n) op(d, n); op(d+1, n+1); op(d+2, n+2); op(d+3, n+3)

// GREATER(d, a): d = a > d ? a : d.
#define GREATER(d, a) \
	FCMGT(22, a, d); \
	BIT(d, a, 22)

// ATLEAST: V = 20 > V ? 20 : V, ATMOST: V = 20 < V ? 20 : V. NaN passes.
#define ATLEAST \
	FCMGT(22, 20, 0); \
	FCMGT(23, 20, 1); \
	FCMGT(24, 20, 2); \
	FCMGT(25, 20, 3); \
	BIT(0, 20, 22); \
	BIT(1, 20, 23); \
	BIT(2, 20, 24); \
	BIT(3, 20, 25)
#define ATMOST \
	FCMGT(22, 0, 20); \
	FCMGT(23, 1, 20); \
	FCMGT(24, 2, 20); \
	FCMGT(25, 3, 20); \
	BIT(0, 20, 22); \
	BIT(1, 20, 23); \
	BIT(2, 20, 24); \
	BIT(3, 20, 25)

// STEPR(c): R = Q·V + c, STEPQ(c): Q = R·V + c: steps of Horner's rule, in turn.
#define STEPR(c) \
	LETR(c); \
	FOUR(FMLA, 12, 8, 0)
#define STEPQ(c) \
	LETQ(c); \
	FOUR(FMLA, 8, 12, 0)

// SAVE: S = V.
#define SAVE FOUR2(COPY, 16, 0)

// ROUND: P = V·log2e + magic; Q = P - magic: the integer n nearest to V/ln2.
#define ROUND \
	LET(log2e, F20); \
	LET(magic, F21); \
	LETP(magic); \
	FOURWITH(FMLA, 4, 0, 20); \
	FOURWITH(FSUB, 8, 4, 21)

// REMAINDER: V = V - Q·ln2, in two pieces; Q = the polynomial p(V) with e^V = 1 + V + V²·p.
#define REMAINDER \
	LET(minusLn2Hi, F20); \
	LET(minusLn2Lo, F21); \
	FOURWITH(FMLA, 0, 8, 20); \
	FOURWITH(FMLA, 0, 8, 21); \
	LETQ(exp6); \
	STEPR(exp5); \
	STEPQ(exp4); \
	STEPR(exp3); \
	STEPQ(exp2)

// EXP: V = e^V for V ≤ 0 or NaN: 2^n·e^r, where 2^n is 0 below expLow; the clamp keeps r small there.
#define EXP \
	LET(expClamp, F20); \
	ATLEAST; \
	ROUND; \
	LET(expLow, F20); \
	FOURWITH(FCMGE, 22, 0, 20); \
	FOUR2(SHL23, 4, 4); \
	FOUR(AND, 4, 4, 22); \
	REMAINDER; \
	STEPR(one); \
	STEPQ(one); \
	FOUR(FMUL, 0, 4, 8)

// SIGMOID: V = 1/(1+e^-V); S must hold numbers of V's signs.
#define SIGMOID \
	FOUR2(FABS, 0, 0); \
	FOUR2(FNEG, 0, 0); \
	EXP; \
	LET(one, F20); \
	FOURWITH(FADD, 8, 0, 20); \
	FOUR2(FCMLT0, 22, 16); \
	BIF(0, 20, 22); \
	BIF(1, 20, 23); \
	BIF(2, 20, 24); \
	BIF(3, 20, 25); \
	FOUR(FDIV, 0, 0, 8)

// TANH: m = 2^n·(e^r - 1) + (2^n - 1) = e^(-2|V|) - 1; V = -m/(m+2) with the sign of V.
#define TANH \
	SAVE; \
	FOUR2(FABS, 0, 0); \
	LET(minusTwo, F20); \
	FOURWITH(FMUL, 0, 0, 20); \
	LET(tanhClamp, F20); \
	ATLEAST; \
	ROUND; \
	REMAINDER; \
	FOUR2(SHL23, 4, 4); \
	FOUR(FMUL, 8, 8, 0); \
	FOUR(FMLA, 0, 8, 0); \
	LET(one, F20); \
	FOURWITH(FSUB, 8, 4, 20); \
	FOUR(FMLA, 8, 0, 4); \
	LET(two, F20); \
	LET(signBit, F21); \
	FOURWITH(FADD, 0, 8, 20); \
	FOUR2(FNEG, 8, 8); \
	FOUR(FDIV, 0, 8, 0); \
	FOURWITH(BIT, 0, 16, 21)

// GELU: P = V within ±5.5; V = 2P²/5.5² - 1; R = the polynomial; h = S/2; V = h·(P·R) + h.
#define GELU \
	SAVE; \
	LET(minusErfEnd, F20); \
	ATLEAST; \
	LET(erfEnd, F20); \
	ATMOST; \
	FOUR2(COPY, 4, 0); \
	FOUR(FMUL, 8, 0, 0); \
	LET(erfScale, F20); \
	LETV(minusOne); \
	FOURWITH(FMLA, 0, 8, 20); \
	LETQ(erf(15)); \
	STEPR(erf(14)); \
	STEPQ(erf(13)); \
	STEPR(erf(12)); \
	STEPQ(erf(11)); \
	STEPR(erf(10)); \
	STEPQ(erf(9)); \
	STEPR(erf(8)); \
	STEPQ(erf(7)); \
	STEPR(erf(6)); \
	STEPQ(erf(5)); \
	STEPR(erf(4)); \
	STEPQ(erf(3)); \
	STEPR(erf(2)); \
	STEPQ(erf(1)); \
	STEPR(erf(0)); \
	LET(half, F20); \
	FOUR(FMUL, 12, 4, 12); \
	FOURWITH(FMUL, 0, 16, 20); \
	FOUR(FMLA, 0, 12, 0)

// The same for 32 elements at a time, so that eight chains of multiply-adds hide each other's latency whatever the window of
// the processor: P is 0 to 7, the argument 8 to 15, Q 16 to 23, R 24 to 31; the elements are read again at the end.
#define EIGHT(op, d, n, m) FOUR(op, d, n, m); FOUR(op, d+4, n+4, m+4)
#define EIGHTWITH(op, d, n, m) FOURWITH(op, d, n, m); FOURWITH(op, d+4, n+4, m)
#define LETQ8(c) \
	FLDPQ c(CONSTANTS), (F16, F17); \
	FLDPQ c(CONSTANTS), (F18, F19); \
	FLDPQ c(CONSTANTS), (F20, F21); \
	FLDPQ c(CONSTANTS), (F22, F23)
#define LETR8(c) \
	FLDPQ c(CONSTANTS), (F24, F25); \
	FLDPQ c(CONSTANTS), (F26, F27); \
	FLDPQ c(CONSTANTS), (F28, F29); \
	FLDPQ c(CONSTANTS), (F30, F31)
#define STEPR8(c) \
	LETR8(c); \
	EIGHT(FMLA, 24, 16, 8)
#define STEPQ8(c) \
	LETQ8(c); \
	EIGHT(FMLA, 16, 24, 8)
#define READ8 \
	FLDPQ (SRC), (F0, F1); \
	FLDPQ 32(SRC), (F2, F3); \
	FLDPQ 64(SRC), (F4, F5); \
	FLDPQ 96(SRC), (F6, F7)
// LOWER(v, u): v = 24 > v ? 24 : v, UPPER(v, u): v = 24 < v ? 24 : v.
#define LOWER(v, u) FCMGT(u, 24, v); BIT(v, 24, u)
#define UPPER(v, u) FCMGT(u, v, 24); BIT(v, 24, u)
#define GELU8 \
	READ8; \
	LET(minusErfEnd, F24); \
	FOUR2(LOWER, 0, 16); \
	FOUR2(LOWER, 4, 20); \
	LET(erfEnd, F24); \
	FOUR2(UPPER, 0, 16); \
	FOUR2(UPPER, 4, 20); \
	EIGHT(FMUL, 16, 0, 0); \
	LET(erfScale, F24); \
	FLDPQ minusOne(CONSTANTS), (F8, F9); \
	FLDPQ minusOne(CONSTANTS), (F10, F11); \
	FLDPQ minusOne(CONSTANTS), (F12, F13); \
	FLDPQ minusOne(CONSTANTS), (F14, F15); \
	EIGHTWITH(FMLA, 8, 16, 24); \
	LETQ8(erf(15)); \
	STEPR8(erf(14)); \
	STEPQ8(erf(13)); \
	STEPR8(erf(12)); \
	STEPQ8(erf(11)); \
	STEPR8(erf(10)); \
	STEPQ8(erf(9)); \
	STEPR8(erf(8)); \
	STEPQ8(erf(7)); \
	STEPR8(erf(6)); \
	STEPQ8(erf(5)); \
	STEPR8(erf(4)); \
	STEPQ8(erf(3)); \
	STEPR8(erf(2)); \
	STEPQ8(erf(1)); \
	STEPR8(erf(0)); \
	EIGHT(FMUL, 24, 0, 24); \
	READ8; \
	LET(half, F16); \
	EIGHTWITH(FMUL, 0, 0, 16); \
	EIGHT(FMLA, 0, 24, 0)

#define GELUTANH \
	SAVE; \
	LET(geluTanh3, F20); \
	FOUR(FMUL, 8, 0, 0); \
	LETP(geluTanh1); \
	FOURWITH(FMLA, 4, 8, 20); \
	FOUR(FMUL, 0, 0, 4); \
	SIGMOID; \
	FOUR(FMUL, 0, 16, 0)

#define SILU \
	SAVE; \
	SIGMOID; \
	FOUR(FMUL, 0, 16, 0)

#define QUICKGELU \
	SAVE; \
	LET(quick, F20); \
	FOURWITH(FMUL, 0, 0, 20); \
	SIGMOID; \
	FOUR(FMUL, 0, 16, 0)

// LOOP: to READ while there are blocks, then to part.
#define LOOP \
loop: \
	SUBS $16, N; \
	BLT part

// READ: V from SRC, READ2: P from SRC2.
#define READ \
	FLDPQ.P 32(SRC), (F0, F1); \
	FLDPQ.P 32(SRC), (F2, F3)
#define READ2 \
	FLDPQ.P 32(SRC2), (F4, F5); \
	FLDPQ.P 32(SRC2), (F6, F7)

// PART: C elements are left, or none.
#define PART \
part: \
	ADDS $16, N, C; \
	BEQ done

// MOVEPART(from, to, ...): C elements, with names for labels.
#define MOVEPART(from, to, l8, l4, l2, l1) \
	TBZ $3, C, l8; \
	FLDPQ.P 32(from), (F24, F25); \
	FSTPQ.P (F24, F25), 32(to); \
l8: \
	TBZ $2, C, l4; \
	FMOVQ.P 16(from), F24; \
	FMOVQ.P F24, 16(to); \
l4: \
	TBZ $1, C, l2; \
	FMOVD.P 8(from), F24; \
	FMOVD.P F24, 8(to); \
l2: \
	TBZ $0, C, l1; \
	FMOVS.P 4(from), F24; \
	FMOVS.P F24, 4(to); \
l1:

// FILL(from, buf, fill, ...): a buffer of the frame with C elements, then fill; from points to it.
#define FILL(from, buf, fill, l8, l4, l2, l1) \
	MOVD $buf(SP), BUF; \
	FSTPQ (fill, fill), (BUF); \
	FSTPQ (fill, fill), 32(BUF); \
	MOVEPART(from, BUF, l8, l4, l2, l1); \
	MOVD $buf(SP), from

// WRITE: V to DST, and on to the next block; C elements of the last one, partial block.
#define WRITE(buf) \
	TBNZ $63, N, last; \
	FSTPQ.P (F0, F1), 32(DST); \
	FSTPQ.P (F2, F3), 32(DST); \
	B loop; \
last: \
	MOVD $buf(SP), BUF; \
	FSTPQ (F0, F1), (BUF); \
	FSTPQ (F2, F3), 32(BUF); \
	MOVEPART(BUF, DST, out8, out4, out2, out1); \
	B done

#define BEGIN \
	LOOP; \
read: \
	READ
#define END \
	WRITE(buf-64); \
	PART; \
	ZERO(23); \
	FILL(SRC, buf-64, F23, in8, in4, in2, in1); \
	B read; \
done: \
	RET

// BEGIN2, END2: the same with a second input.
#define BEGIN2 \
	LOOP; \
read: \
	READ; \
	READ2
#define END2 \
	WRITE(buf-64); \
	PART; \
	ZERO(23); \
	FILL(SRC, buf-64, F23, in8, in4, in2, in1); \
	FILL(SRC2, buf2-128, F23, two8, two4, two2, two1); \
	B read; \
done: \
	RET

// The lanes of a reduction begin at a register, or as they were read and written back: a long row comes in pieces.
#define READLANES(begin) \
	COPY(26, begin); \
	COPY(27, begin); \
	COPY(28, begin); \
	COPY(29, begin); \
	CBZ LANES, begun; \
	FLDPQ (LANES), (F26, F27); \
	FLDPQ 32(LANES), (F28, F29); \
begun:
#define WRITELANES \
	CBZ LANES, tree; \
	FSTPQ (F26, F27), (LANES); \
	FSTPQ (F28, F29), 32(LANES); \
tree:

// SUM: 26[0] = the lanes as a tree: +8, +4, +2, +1.
#define SUM \
	FADD(26, 26, 28); \
	FADD(27, 27, 29); \
	FADD(26, 26, 27); \
	ROT8(27, 26); \
	FADD(26, 26, 27); \
	ROT4(27, 26); \
	FADD(26, 26, 27)

// PARAMETER(arg, f, v): every lane = an argument.
#define PARAMETER(arg, f, v) \
	FMOVS arg, f; \
	VDUP v.S[0], v.S4

// dst = src/2·(1+erf(src/√2))
// func geluNEON(dst, src *float32, n int)
TEXT ·geluNEON(SB), NOSPLIT, $64-24
	MOVD dst+0(FP), DST
	MOVD src+8(FP), SRC
	MOVD n+16(FP), N
	START
pairs:
	SUBS $32, N
	BLT single
	GELU8
	ADD $128, SRC
	FSTPQ.P (F0, F1), 32(DST)
	FSTPQ.P (F2, F3), 32(DST)
	FSTPQ.P (F4, F5), 32(DST)
	FSTPQ.P (F6, F7), 32(DST)
	B pairs
single:
	ADD $32, N
	BEGIN
	GELU
	END

// dst = src·sigmoid(2√(2/π)·(src + 0.044715·src³))
// func geluTanhNEON(dst, src *float32, n int)
TEXT ·geluTanhNEON(SB), NOSPLIT, $64-24
	MOVD dst+0(FP), DST
	MOVD src+8(FP), SRC
	MOVD n+16(FP), N
	START
	BEGIN
	GELUTANH
	END

// dst = 0 > src ? 0 : src
// func reluNEON(dst, src *float32, n int)
TEXT ·reluNEON(SB), NOSPLIT, $64-24
	MOVD dst+0(FP), DST
	MOVD src+8(FP), SRC
	MOVD n+16(FP), N
	ZERO(20)
	BEGIN
	ATLEAST
	END

// dst = src·sigmoid(src)
// func siluNEON(dst, src *float32, n int)
TEXT ·siluNEON(SB), NOSPLIT, $64-24
	MOVD dst+0(FP), DST
	MOVD src+8(FP), SRC
	MOVD n+16(FP), N
	START
	BEGIN
	SILU
	END

// dst = src·sigmoid(1.702·src)
// func quickGELUNEON(dst, src *float32, n int)
TEXT ·quickGELUNEON(SB), NOSPLIT, $64-24
	MOVD dst+0(FP), DST
	MOVD src+8(FP), SRC
	MOVD n+16(FP), N
	START
	BEGIN
	QUICKGELU
	END

// dst = tanh(src)
// func tanhNEON(dst, src *float32, n int)
TEXT ·tanhNEON(SB), NOSPLIT, $64-24
	MOVD dst+0(FP), DST
	MOVD src+8(FP), SRC
	MOVD n+16(FP), N
	START
	BEGIN
	TANH
	END

// dst = 1/(1+e^-src)
// func sigmoidNEON(dst, src *float32, n int)
TEXT ·sigmoidNEON(SB), NOSPLIT, $64-24
	MOVD dst+0(FP), DST
	MOVD src+8(FP), SRC
	MOVD n+16(FP), N
	START
	BEGIN
	SAVE
	SIGMOID
	END

// dst = a + b
// func addNEON(dst, a, b *float32, n int)
TEXT ·addNEON(SB), NOSPLIT, $128-32
	MOVD dst+0(FP), DST
	MOVD a+8(FP), SRC
	MOVD b+16(FP), SRC2
	MOVD n+24(FP), N
	BEGIN2
	FOUR(FADD, 0, 0, 4)
	END2

// dst = a · b
// func mulNEON(dst, a, b *float32, n int)
TEXT ·mulNEON(SB), NOSPLIT, $128-32
	MOVD dst+0(FP), DST
	MOVD a+8(FP), SRC
	MOVD b+16(FP), SRC2
	MOVD n+24(FP), N
	BEGIN2
	FOUR(FMUL, 0, 0, 4)
	END2

// dst = a > b ? a : b
// func maxNEON(dst, a, b *float32, n int)
TEXT ·maxNEON(SB), NOSPLIT, $128-32
	MOVD dst+0(FP), DST
	MOVD a+8(FP), SRC
	MOVD b+16(FP), SRC2
	MOVD n+24(FP), N
	BEGIN2
	FOUR(FCMGT, 22, 0, 4)
	FOUR(BIF, 0, 4, 22)
	END2

// dst = s · src
// func scaleNEON(dst, src *float32, n int, s float32)
TEXT ·scaleNEON(SB), NOSPLIT, $64-28
	MOVD dst+0(FP), DST
	MOVD src+8(FP), SRC
	MOVD n+16(FP), N
	PARAMETER(s+24(FP), F30, V30)
	BEGIN
	FOURWITH(FMUL, 0, 0, 30)
	END

// dst = src / s
// func divNEON(dst, src *float32, n int, s float32)
TEXT ·divNEON(SB), NOSPLIT, $64-28
	MOVD dst+0(FP), DST
	MOVD src+8(FP), SRC
	MOVD n+16(FP), N
	PARAMETER(s+24(FP), F30, V30)
	BEGIN
	FOURWITH(FDIV, 0, 0, 30)
	END

// dst = dst + s · src, both rounded
// func addScaledNEON(dst, src *float32, n int, s float32)
TEXT ·addScaledNEON(SB), NOSPLIT, $128-28
	MOVD dst+0(FP), DST
	MOVD DST, SRC2
	MOVD src+8(FP), SRC
	MOVD n+16(FP), N
	PARAMETER(s+24(FP), F30, V30)
	BEGIN2
	FOURWITH(FMUL, 0, 0, 30)
	FOUR(FADD, 0, 4, 0)
	END2

// dst = s · float32(src), for n a multiple of 16
// func dequantizeNEON(dst *float32, src *int8, n int, s float32)
TEXT ·dequantizeNEON(SB), NOSPLIT, $0-28
	MOVD dst+0(FP), DST
	MOVD src+8(FP), SRC
	MOVD n+16(FP), N
	PARAMETER(s+24(FP), F30, V30)
loop:
	SUBS $16, N
	BLT done
	FMOVQ.P 16(SRC), F20
	SXTL8(21, 20)
	SXTL8HIGH(22, 20)
	SXTL16(0, 21)
	SXTL16HIGH(1, 21)
	SXTL16(2, 22)
	SXTL16HIGH(3, 22)
	FOUR2(SCVTF, 0, 0)
	FOURWITH(FMUL, 0, 0, 30)
	FSTPQ.P (F0, F1), 32(DST)
	FSTPQ.P (F2, F3), 32(DST)
	B loop
done:
	RET

// dst = src, 16 numbers of 16 bits at a time, for n a multiple of 16. LOW and HIGH widen four of a register's eight.
#define WIDEN(LOW, HIGH) \
	MOVD dst+0(FP), DST; \
	MOVD src+8(FP), SRC; \
	MOVD n+16(FP), N; \
loop: \
	SUBS $16, N; \
	BLT done; \
	FLDPQ.P 32(SRC), (F20, F21); \
	LOW(0, 20); \
	HIGH(1, 20); \
	LOW(2, 21); \
	HIGH(3, 21); \
	FSTPQ.P (F0, F1), 32(DST); \
	FSTPQ.P (F2, F3), 32(DST); \
	B loop; \
done: \
	RET

// func widenBFloat16NEON(dst *float32, src *uint16, n int)
TEXT ·widenBFloat16NEON(SB), NOSPLIT, $0-24
	WIDEN(SHLL16, SHLL16HIGH)

// func widenFloat16NEON(dst *float32, src *uint16, n int)
TEXT ·widenFloat16NEON(SB), NOSPLIT, $0-24
	WIDEN(FCVTL, FCVTLHIGH)

// lane = src > lane ? src : lane, over the elements; returns the tree. l may be nil: lanes that begin here.
// func rowMaxNEON(l *lanes, src *float32, n int) float32
TEXT ·rowMaxNEON(SB), NOSPLIT, $64-28
	MOVD l+0(FP), LANES
	MOVD src+8(FP), SRC
	MOVD n+16(FP), N
	START
	LET(minusInf, F23)
	READLANES(23)
	LOOP
read:
	READ
	GREATER(26, 0)
	GREATER(27, 1)
	GREATER(28, 2)
	GREATER(29, 3)
	TBZ $63, N, loop
	B done
	PART
	LET(minusInf, F23)
	FILL(SRC, buf-64, F23, in8, in4, in2, in1)
	B read
done:
	WRITELANES
	GREATER(26, 28)
	GREATER(27, 29)
	GREATER(26, 27)
	ROT8(27, 26)
	GREATER(26, 27)
	ROT4(27, 26)
	GREATER(26, 27)
	FMOVS F26, ret+24(FP)
	RET

// The index of the first 16 elements of which one is greater than t, or n, which is a multiple of 16.
// func aboveNEON(x *float32, n int, t float32) int
TEXT ·aboveNEON(SB), NOSPLIT, $0-32
	MOVD x+0(FP), SRC
	MOVD n+8(FP), N
	PARAMETER(t+16(FP), F30, V30)
	MOVD $0, C
loop:
	CMP C, N
	BEQ done
	READ
	FOURWITH(FCMGT, 0, 0, 30)
	VORR V0.B16, V1.B16, V0.B16
	VORR V2.B16, V3.B16, V2.B16
	VORR V0.B16, V2.B16, V0.B16
	VMOV V0.D[0], R11
	VMOV V0.D[1], R12
	ORR R11, R12, R11
	CBNZ R11, done
	ADD $16, C
	B loop
done:
	MOVD C, ret+24(FP)
	RET

// lane += src
// func rowSumNEON(l *lanes, src *float32, n int) float32
TEXT ·rowSumNEON(SB), NOSPLIT, $64-28
	MOVD l+0(FP), LANES
	MOVD src+8(FP), SRC
	MOVD n+16(FP), N
	ZERO(23)
	READLANES(23)
	LOOP
read:
	READ
	FOUR(FADD, 26, 26, 0)
	TBZ $63, N, loop
	B done
	PART
	ZERO(23)
	FILL(SRC, buf-64, F23, in8, in4, in2, in1)
	B read
done:
	WRITELANES
	SUM
	FMOVS F26, ret+24(FP)
	RET

// d = src - mean; lane = d·d + lane. A partial block is filled up with mean: d is 0 there, or NaN if mean is not finite, when
// all of the row becomes NaN.
// func rowVarNEON(l *lanes, src *float32, n int, mean float32) float32
TEXT ·rowVarNEON(SB), NOSPLIT, $64-36
	MOVD l+0(FP), LANES
	MOVD src+8(FP), SRC
	MOVD n+16(FP), N
	PARAMETER(mean+24(FP), F30, V30)
	ZERO(23)
	READLANES(23)
	LOOP
read:
	READ
	FOURWITH(FSUB, 0, 0, 30)
	FOUR(FMLA, 26, 0, 0)
	TBZ $63, N, loop
	B done
	PART
	FILL(SRC, buf-64, F30, in8, in4, in2, in1)
	B read
done:
	WRITELANES
	SUM
	FMOVS F26, ret+32(FP)
	RET

// lane = a·b + lane. A partial block is filled up with -0 and +0, as adding -0 changes nothing, not even -0.
// func dotNEON(l *lanes, a, b *float32, n int) float32
TEXT ·dotNEON(SB), NOSPLIT, $128-36
	MOVD l+0(FP), LANES
	MOVD a+8(FP), SRC
	MOVD b+16(FP), SRC2
	MOVD n+24(FP), N
	START
	ZERO(23)
	READLANES(23)
	LOOP
read:
	READ
	READ2
	FOUR(FMLA, 26, 0, 4)
	TBZ $63, N, loop
	B done
	PART
	LET(signBit, F23)
	FILL(SRC, buf-64, F23, in8, in4, in2, in1)
	ZERO(23)
	FILL(SRC2, buf2-128, F23, two8, two4, two2, two1)
	B read
done:
	WRITELANES
	SUM
	FMOVS F26, ret+32(FP)
	RET

// dst = exp(src - max); lane += dst. A partial block is filled up with -Inf, whose exp is 0, or NaN where all are.
// func expSumNEON(l *lanes, dst, src *float32, n int, max float32) float32
TEXT ·expSumNEON(SB), NOSPLIT, $64-44
	MOVD l+0(FP), LANES
	MOVD dst+8(FP), DST
	MOVD src+16(FP), SRC
	MOVD n+24(FP), N
	PARAMETER(max+32(FP), F30, V30)
	START
	ZERO(23)
	READLANES(23)
	BEGIN
	FOURWITH(FSUB, 0, 0, 30)
	EXP
	FOUR(FADD, 26, 26, 0)
	WRITE(buf-64)
	PART
	LET(minusInf, F23)
	FILL(SRC, buf-64, F23, in8, in4, in2, in1)
	B read
done:
	WRITELANES
	SUM
	FMOVS F26, ret+40(FP)
	RET

// dst = fma((src - mean)·r, gamma + base, beta)
// func normalizeNEON(dst, src, gamma, beta *float32, n int, mean, r, base float32)
TEXT ·normalizeNEON(SB), NOSPLIT, $192-52
	MOVD dst+0(FP), DST
	MOVD src+8(FP), SRC
	MOVD gamma+16(FP), SRC2
	MOVD beta+24(FP), SRC3
	MOVD n+32(FP), N
	PARAMETER(mean+40(FP), F30, V30)
	PARAMETER(r+44(FP), F31, V31)
	PARAMETER(base+48(FP), F29, V29)
	LOOP
read:
	READ
	READ2
	FLDPQ.P 32(SRC3), (F8, F9)
	FLDPQ.P 32(SRC3), (F10, F11)
	FOURWITH(FADD, 4, 4, 29)
	FOURWITH(FSUB, 0, 0, 30)
	FOURWITH(FMUL, 0, 0, 31)
	FOUR(FMLA, 8, 0, 4)
	TBNZ $63, N, last
	FSTPQ.P (F8, F9), 32(DST)
	FSTPQ.P (F10, F11), 32(DST)
	B loop
last:
	MOVD $buf-64(SP), BUF
	FSTPQ (F8, F9), (BUF)
	FSTPQ (F10, F11), 32(BUF)
	MOVEPART(BUF, DST, out8, out4, out2, out1)
	B done
	PART
	ZERO(23)
	FILL(SRC, buf-64, F23, in8, in4, in2, in1)
	FILL(SRC2, buf2-128, F23, two8, two4, two2, two1)
	FILL(SRC3, buf3-192, F23, three8, three4, three2, three1)
	B read
done:
	RET

// dst = ((src - mean)·r)·(gamma + base)
// func normalizeScaleNEON(dst, src, gamma *float32, n int, mean, r, base float32)
TEXT ·normalizeScaleNEON(SB), NOSPLIT, $128-44
	MOVD dst+0(FP), DST
	MOVD src+8(FP), SRC
	MOVD gamma+16(FP), SRC2
	MOVD n+24(FP), N
	PARAMETER(mean+32(FP), F30, V30)
	PARAMETER(r+36(FP), F31, V31)
	PARAMETER(base+40(FP), F29, V29)
	BEGIN2
	FOURWITH(FADD, 4, 4, 29)
	FOURWITH(FSUB, 0, 0, 30)
	FOURWITH(FMUL, 0, 0, 31)
	FOUR(FMUL, 0, 0, 4)
	END2

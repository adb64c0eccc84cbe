// What the row routines for AVX2 and AVX-512 have in common: constants, and bodies of which rows_avx2_amd64.s and
// rows_avx512_amd64.s say what a register is, how blocks are read and written at their end, and how a lane is selected. Both
// compute what functions.go and rows_go.go define, operation by operation.
//
// A block is four vectors, so that four chains of fused multiply-adds hide each other's latency. Values live in
//
//	V0 V1 V2 V3   the elements, and the result
//	P0 P1 P2 P3   a second operand
//	Q0 Q1 Q2 Q3   a third, the polynomial's accumulator
//	S0 S1 S2 S3   the elements once more, where they are needed at the end (AVX2: in the frame)
//	T, C, U       constants, and a scratch register
//
// Operands are in Go's order: VSUBPS b, a, d is d = a - b; VMAXPS b, a, d is d = a > b ? a : b;
// VFMADD213PS c, a, d is d = a·d + c; VFMADD231PS b, a, d is d = a·b + d.

#define CONSTANT(name, bits) \
	DATA name<>+0(SB)/4, $bits \
	GLOBL name<>(SB), RODATA|NOPTR, $4

CONSTANT(one, 0x3f800000)
CONSTANT(two, 0x40000000)
CONSTANT(half, 0x3f000000)
CONSTANT(minusOne, 0xbf800000)
CONSTANT(minusTwo, 0xc0000000)
CONSTANT(minusInf, 0xff800000)
CONSTANT(signBit, 0x80000000)
CONSTANT(absBits, 0x7fffffff)
CONSTANT(expClamp, 0xc2b00000)  // -88: 2^n is 0 there
CONSTANT(expLow, 0xc2aeac4f)
CONSTANT(log2e, 0x3fb8aa3b)
CONSTANT(magic, 0x4b40007f)
CONSTANT(magicOnly, 0x4b400000) // magic without the 127
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
CONSTANT(erf0, 0x3e83a31e)
CONSTANT(erf1, 0xbe036cc9)
CONSTANT(erf2, 0x3dc38889)
CONSTANT(erf3, 0xbd9ee531)
CONSTANT(erf4, 0x3d835c0a)
CONSTANT(erf5, 0xbd5562ea)
CONSTANT(erf6, 0x3d26d47c)
CONSTANT(erf7, 0xbcf5c1ab)
CONSTANT(erf8, 0x3ca78cad)
CONSTANT(erf9, 0xbc5f67c6)
CONSTANT(erf10, 0x3c178657)
CONSTANT(erf11, 0xbb9eb9ea)
CONSTANT(erf12, 0x3abc40f6)
CONSTANT(erf13, 0xba8a06a8)
CONSTANT(erf14, 0x3aa5b9e6)
CONSTANT(erf15, 0xb9f8bf34)
CONSTANT(geluTanh1, 0x3fcc422a)
CONSTANT(geluTanh3, 0x3d922279)
CONSTANT(quick, 0x3fd9db23)     // 1.702

// LET(c, r): every lane of r = the constant c.
#define LET(c, r) VBROADCASTSS c<>(SB), r

// SAVE: S = V.
#define SAVE \
	VMOVUPS V0, S0; \
	VMOVUPS V1, S1; \
	VMOVUPS V2, S2; \
	VMOVUPS V3, S3

// WITH(op, r): V = V op r, for one register or constant r in a register.
#define WITH(op, r) \
	op r, V0, V0; \
	op r, V1, V1; \
	op r, V2, V2; \
	op r, V3, V3

// BOUND(op, r): V = op(r, V) with r first: of max and min the one that lets NaN pass.
#define BOUND(op, r) \
	op V0, r, V0; \
	op V1, r, V1; \
	op V2, r, V2; \
	op V3, r, V3

// BOTH(op, A): V = V op A, for the four registers or places A0 to A3.
#define BOTH(op, A0, A1, A2, A3) \
	op A0, V0, V0; \
	op A1, V1, V1; \
	op A2, V2, V2; \
	op A3, V3, V3

// STEP(c): Q = Q·V + c, a step of Horner's rule.
#define STEP(c) \
	LET(c, T); \
	VFMADD213PS T, V0, Q0; \
	VFMADD213PS T, V1, Q1; \
	VFMADD213PS T, V2, Q2; \
	VFMADD213PS T, V3, Q3

// HORNER(c): Q = c, the beginning of it.
#define HORNER(c) \
	LET(c, Q0); \
	VMOVAPS Q0, Q1; \
	VMOVAPS Q0, Q2; \
	VMOVAPS Q0, Q3

// ROUND(magic): P = V·log2e + magic; Q = P - magic: the integer n nearest to V/ln2.
#define ROUND(magic) \
	LET(log2e, T); \
	LET(magic, C); \
	VMOVAPS V0, P0; \
	VMOVAPS V1, P1; \
	VMOVAPS V2, P2; \
	VMOVAPS V3, P3; \
	VFMADD213PS C, T, P0; \
	VFMADD213PS C, T, P1; \
	VFMADD213PS C, T, P2; \
	VFMADD213PS C, T, P3; \
	VSUBPS C, P0, Q0; \
	VSUBPS C, P1, Q1; \
	VSUBPS C, P2, Q2; \
	VSUBPS C, P3, Q3

// REMAINDER: V = V - Q·ln2, in two pieces; Q = the polynomial p(V) with e^V = 1 + V + V²·p.
#define REMAINDER \
	LET(minusLn2Hi, T); \
	LET(minusLn2Lo, C); \
	VFMADD231PS T, Q0, V0; \
	VFMADD231PS T, Q1, V1; \
	VFMADD231PS T, Q2, V2; \
	VFMADD231PS T, Q3, V3; \
	VFMADD231PS C, Q0, V0; \
	VFMADD231PS C, Q1, V1; \
	VFMADD231PS C, Q2, V2; \
	VFMADD231PS C, Q3, V3; \
	HORNER(exp6); \
	STEP(exp5); \
	STEP(exp4); \
	STEP(exp3); \
	STEP(exp2)

// EXP: V = e^V for V ≤ 0 or NaN: 2^n·e^r, where 2^n is 0 below expLow; the clamp keeps r small there.
#define EXP \
	LET(expClamp, T); \
	BOUND(VMAXPS, T); \
	ROUND(magic); \
	LET(expLow, T); \
	POWER(V0, P0); \
	POWER(V1, P1); \
	POWER(V2, P2); \
	POWER(V3, P3); \
	REMAINDER; \
	STEP(one); \
	STEP(one); \
	VMULPS P0, Q0, V0; \
	VMULPS P1, Q1, V1; \
	VMULPS P2, Q2, V2; \
	VMULPS P3, Q3, V3

#define RELU \
	VXORPS T, T, T; \
	BOUND(VMAXPS, T)

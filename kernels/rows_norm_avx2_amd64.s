//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// The norms for AVX2 and FMA3, of four rows at a time, so that the chains of four rows hide each other's latency and gamma
// and beta are read once. Each routine is one pass over the rows, which stay in the first-level cache from one to the next:
//
//	sum:        lane += x                      addSum:      x += r, lane += x
//	squares:    d = x - mean; lane += d·d      addSquares:  x += r, lane += x·x
//	normalize:  y = fma((x - mean)·scale, gamma + base, beta)
//
// A pass of sums may take a row in pieces, the lanes handed on. At the end of the row it folds the lanes of all four rows
// at once, and leaves -mean or scale = 1/√(v + eps) in the norm4. Rows may be the same one: all are read before any is
// written. The last, partial step of 16 elements is read and written with masks.
//
// x - mean is computed as x + (-mean), which is the same number, as -0 is for a mean of +0; base is 1 or -0, and a missing
// beta is -0: what is added changes nothing, not even the sign of a zero.

#define N     CX  // bytes of a row in whole steps of 64
#define AT    AX  // bytes done
#define SRC0  SI
#define SRC1  DI
#define SRC2  R8
#define SRC3  R9
#define OTHER0 R10
#define OTHER1 R11
#define OTHER2 R12
#define OTHER3 R13
#define GAMMA DX
#define BETA  R14
#define STEP  BX  // in place of ARG
#define ARG   BX  // the norm4
#define AHEAD R15 // bytes to what is prefetched

// stepMask: 16 times -1, 16 times 0: the numbers from stepMask+4·(16-n) select the first n elements of a step.
DATA stepMask<>+0(SB)/8, $-1
DATA stepMask<>+8(SB)/8, $-1
DATA stepMask<>+16(SB)/8, $-1
DATA stepMask<>+24(SB)/8, $-1
DATA stepMask<>+32(SB)/8, $-1
DATA stepMask<>+40(SB)/8, $-1
DATA stepMask<>+48(SB)/8, $-1
DATA stepMask<>+56(SB)/8, $-1
GLOBL stepMask<>(SB), RODATA|NOPTR, $128

DATA normSign<>+0(SB)/8, $0x8000000080000000
DATA normSign<>+8(SB)/8, $0x8000000080000000
GLOBL normSign<>(SB), RODATA|NOPTR, $16
DATA normOne<>+0(SB)/8, $0x3f8000003f800000
DATA normOne<>+8(SB)/8, $0x3f8000003f800000
GLOBL normOne<>(SB), RODATA|NOPTR, $16

// ROWS: the rows of x, and the length. OTHERROWS: those of r or y.
#define ROWS \
	MOVQ t+0(FP), ARG; \
	MOVQ norm4_x(ARG), SRC0; \
	MOVQ norm4_offset+0(ARG), SRC1; \
	MOVQ norm4_offset+8(ARG), SRC2; \
	MOVQ norm4_offset+16(ARG), SRC3; \
	ADDQ SRC0, SRC1; \
	ADDQ SRC0, SRC2; \
	ADDQ SRC0, SRC3; \
	MOVQ norm4_n(ARG), N; \
	ANDQ $~15, N; \
	SHLQ $2, N; \
	XORL AT, AT
#define OTHERROWS(field) \
	MOVQ field(ARG), OTHER0; \
	MOVQ norm4_offset+0(ARG), OTHER1; \
	MOVQ norm4_offset+8(ARG), OTHER2; \
	MOVQ norm4_offset+16(ARG), OTHER3; \
	ADDQ OTHER0, OTHER1; \
	ADDQ OTHER0, OTHER2; \
	ADDQ OTHER0, OTHER3

// MASKS: Y15, and Y14 for eight elements more, select the elements of the last step; on to done if there are none.
#define MASKS \
	MOVQ norm4_n(ARG), N; \
	ANDQ $15, N; \
	JEQ done; \
	SHLQ $2, N; \
	LEAQ stepMask<>+64(SB), R14; \
	SUBQ N, R14; \
	VMOVUPS 0(R14), Y15; \
	VMOVUPS 32(R14), Y14

// BEGINLANES: the lanes, in Y0 Y1 for row 0 to Y6 Y7 for row 3, begin at +0 or go on.
#define BEGINLANES \
	VMOVUPS norm4_lanes+0(ARG), Y0; \
	VMOVUPS norm4_lanes+32(ARG), Y1; \
	VMOVUPS norm4_lanes+64(ARG), Y2; \
	VMOVUPS norm4_lanes+96(ARG), Y3; \
	VMOVUPS norm4_lanes+128(ARG), Y4; \
	VMOVUPS norm4_lanes+160(ARG), Y5; \
	VMOVUPS norm4_lanes+192(ARG), Y6; \
	VMOVUPS norm4_lanes+224(ARG), Y7; \
	CMPB norm4_begins(ARG), $0; \
	JEQ loop; \
	VXORPS Y0, Y0, Y0; \
	VXORPS Y1, Y1, Y1; \
	VXORPS Y2, Y2, Y2; \
	VXORPS Y3, Y3, Y3; \
	VXORPS Y4, Y4, Y4; \
	VXORPS Y5, Y5, Y5; \
	VXORPS Y6, Y6, Y6; \
	VXORPS Y7, Y7, Y7

// ENDLANES: a row that goes on keeps its lanes; of one that ends, X0 = the four sums / length: the tree, +8, +4, then +2
// and +1 on the four rows transposed.
#define ENDLANES \
	CMPB norm4_ends(ARG), $0; \
	JNE tree; \
	VMOVUPS Y0, norm4_lanes+0(ARG); \
	VMOVUPS Y1, norm4_lanes+32(ARG); \
	VMOVUPS Y2, norm4_lanes+64(ARG); \
	VMOVUPS Y3, norm4_lanes+96(ARG); \
	VMOVUPS Y4, norm4_lanes+128(ARG); \
	VMOVUPS Y5, norm4_lanes+160(ARG); \
	VMOVUPS Y6, norm4_lanes+192(ARG); \
	VMOVUPS Y7, norm4_lanes+224(ARG); \
	VZEROUPPER; \
	RET; \
tree: \
	VADDPS Y1, Y0, Y0; \
	VADDPS Y3, Y2, Y2; \
	VADDPS Y5, Y4, Y4; \
	VADDPS Y7, Y6, Y6; \
	VEXTRACTF128 $1, Y0, X1; \
	VEXTRACTF128 $1, Y2, X3; \
	VEXTRACTF128 $1, Y4, X5; \
	VEXTRACTF128 $1, Y6, X7; \
	VADDPS X1, X0, X0; \
	VADDPS X3, X2, X2; \
	VADDPS X5, X4, X4; \
	VADDPS X7, X6, X6; \
	VUNPCKLPS X2, X0, X1; \
	VUNPCKHPS X2, X0, X3; \
	VUNPCKLPS X6, X4, X5; \
	VUNPCKHPS X6, X4, X7; \
	VADDPS X3, X1, X0; \
	VADDPS X7, X5, X4; \
	VMOVLHPS X4, X0, X1; \
	VMOVHLPS X0, X4, X3; \
	VADDPS X3, X1, X0; \
	VBROADCASTSS norm4_length(ARG), X1; \
	VDIVPS X1, X0, X0


// SUM, SQUARE: eight elements of a row from SRC, for the lanes L; M is -mean.
#define SUM(at, SRC, M, V, L) VADDPS at(SRC)(AT*1), L, L
#define SQUARE(at, SRC, M, V, L) \
	VADDPS at(SRC)(AT*1), M, V; \
	VFMADD231PS V, V, L
#define SUMPART(at, SRC, M, V, L, MASK) \
	VMASKMOVPS at(SRC)(AT*1), MASK, V; \
	VADDPS V, L, L
#define SQUAREPART(at, SRC, M, V, L, MASK) \
	VMASKMOVPS at(SRC)(AT*1), MASK, V; \
	VADDPS V, M, V; \
	VANDPS MASK, V, V; \
	VFMADD231PS V, V, L

// STEPOF(OP): OP for 16 elements of four rows.
#define STEPOF(OP) \
	OP(0, SRC0, Y8, Y12, Y0); \
	OP(32, SRC0, Y8, Y13, Y1); \
	OP(0, SRC1, Y9, Y12, Y2); \
	OP(32, SRC1, Y9, Y13, Y3); \
	OP(0, SRC2, Y10, Y12, Y4); \
	OP(32, SRC2, Y10, Y13, Y5); \
	OP(0, SRC3, Y11, Y12, Y6); \
	OP(32, SRC3, Y11, Y13, Y7)
#define LASTSTEPOF(OP) \
	OP(0, SRC0, Y8, Y12, Y0, Y15); \
	OP(32, SRC0, Y8, Y12, Y1, Y14); \
	OP(0, SRC1, Y9, Y12, Y2, Y15); \
	OP(32, SRC1, Y9, Y12, Y3, Y14); \
	OP(0, SRC2, Y10, Y12, Y4, Y15); \
	OP(32, SRC2, Y10, Y12, Y5, Y14); \
	OP(0, SRC3, Y11, Y12, Y6, Y15); \
	OP(32, SRC3, Y11, Y12, Y7, Y14)

// ADDED(at, OP, L): eight elements of each row = x + r, written and given to OP.
#define ADDED(at, OP, L0, L1, L2, L3) \
	VMOVUPS at(SRC0)(AT*1), Y8; \
	VMOVUPS at(SRC1)(AT*1), Y9; \
	VMOVUPS at(SRC2)(AT*1), Y10; \
	VMOVUPS at(SRC3)(AT*1), Y11; \
	VADDPS at(OTHER0)(AT*1), Y8, Y8; \
	VADDPS at(OTHER1)(AT*1), Y9, Y9; \
	VADDPS at(OTHER2)(AT*1), Y10, Y10; \
	VADDPS at(OTHER3)(AT*1), Y11, Y11; \
	VMOVUPS Y8, at(SRC0)(AT*1); \
	VMOVUPS Y9, at(SRC1)(AT*1); \
	VMOVUPS Y10, at(SRC2)(AT*1); \
	VMOVUPS Y11, at(SRC3)(AT*1); \
	OP(Y8, L0); \
	OP(Y9, L1); \
	OP(Y10, L2); \
	OP(Y11, L3)
#define ADDEDPART(at, OP, L0, L1, L2, L3, MASK) \
	VMASKMOVPS at(SRC0)(AT*1), MASK, Y8; \
	VMASKMOVPS at(SRC1)(AT*1), MASK, Y9; \
	VMASKMOVPS at(SRC2)(AT*1), MASK, Y10; \
	VMASKMOVPS at(SRC3)(AT*1), MASK, Y11; \
	VMASKMOVPS at(OTHER0)(AT*1), MASK, Y12; \
	VADDPS Y12, Y8, Y8; \
	VMASKMOVPS at(OTHER1)(AT*1), MASK, Y12; \
	VADDPS Y12, Y9, Y9; \
	VMASKMOVPS at(OTHER2)(AT*1), MASK, Y12; \
	VADDPS Y12, Y10, Y10; \
	VMASKMOVPS at(OTHER3)(AT*1), MASK, Y12; \
	VADDPS Y12, Y11, Y11; \
	VMASKMOVPS Y8, MASK, at(SRC0)(AT*1); \
	VMASKMOVPS Y9, MASK, at(SRC1)(AT*1); \
	VMASKMOVPS Y10, MASK, at(SRC2)(AT*1); \
	VMASKMOVPS Y11, MASK, at(SRC3)(AT*1); \
	OP(Y8, L0); \
	OP(Y9, L1); \
	OP(Y10, L2); \
	OP(Y11, L3)
#define PLUS(V, L) VADDPS V, L, L
#define PLUSSQUARE(V, L) VFMADD231PS V, V, L

// PASS, ADDPASS: the loop, to done.
#define PASS(OP, OPPART) \
loop: \
	CMPQ AT, N; \
	JEQ part; \
	STEPOF(OP); \
	ADDQ $64, AT; \
	JMP loop; \
part: \
	MASKS; \
	LASTSTEPOF(OPPART); \
done:
#define ADDPASS(OP) \
loop: \
	CMPQ AT, N; \
	JEQ part; \
	ADDED(0, OP, Y0, Y2, Y4, Y6); \
	ADDED(32, OP, Y1, Y3, Y5, Y7); \
	ADDQ $64, AT; \
	JMP loop; \
part: \
	MASKS; \
	ADDEDPART(0, OP, Y0, Y2, Y4, Y6, Y15); \
	ADDEDPART(32, OP, Y1, Y3, Y5, Y7, Y14); \
done:

// MEAN: -mean from X0; SCALE: 1/√(v + eps) from X0 = v.
#define MEAN \
	VXORPS normSign<>(SB), X0, X0; \
	VMOVUPS X0, norm4_minusMean(ARG); \
	VZEROUPPER; \
	RET
#define SCALE \
	VBROADCASTSS norm4_eps(ARG), X1; \
	VADDPS X1, X0, X0; \
	VSQRTPS X0, X0; \
	VMOVUPS normOne<>(SB), X1; \
	VDIVPS X0, X1, X0; \
	VMOVUPS X0, norm4_scale(ARG); \
	VZEROUPPER; \
	RET

// func normSumAVX2(t *norm4)
TEXT ·normSumAVX2(SB), NOSPLIT, $0-8
	ROWS
	BEGINLANES
	PASS(SUM, SUMPART)
	ENDLANES
	MEAN

// func normSquaresAVX2(t *norm4)
TEXT ·normSquaresAVX2(SB), NOSPLIT, $0-8
	ROWS
	VBROADCASTSS norm4_minusMean+0(ARG), Y8
	VBROADCASTSS norm4_minusMean+4(ARG), Y9
	VBROADCASTSS norm4_minusMean+8(ARG), Y10
	VBROADCASTSS norm4_minusMean+12(ARG), Y11
	BEGINLANES
	PASS(SQUARE, SQUAREPART)
	ENDLANES
	SCALE

// func normAddSumAVX2(t *norm4)
TEXT ·normAddSumAVX2(SB), NOSPLIT, $0-8
	ROWS
	OTHERROWS(norm4_r)
	BEGINLANES
	ADDPASS(PLUS)
	ENDLANES
	MEAN

// func normAddSquaresAVX2(t *norm4)
TEXT ·normAddSquaresAVX2(SB), NOSPLIT, $0-8
	ROWS
	OTHERROWS(norm4_r)
	BEGINLANES
	ADDPASS(PLUSSQUARE)
	ENDLANES
	SCALE

// ROWOF: V = (x - mean)·scale of eight elements.
#define ROWOF(at, SRC, M, S, V) \
	VADDPS at(SRC)(AT*1), M, V; \
	VMULPS S, V, V

// WHOLE: y of eight elements of each row, gamma and beta in Y12 and Y13.
#define WHOLE(at) \
	VADDPS at(GAMMA)(AT*1), Y15, Y12; \
	VMOVUPS at(BETA), Y13; \
	ROWOF(at, SRC0, Y0, Y4, Y8); \
	ROWOF(at, SRC1, Y1, Y5, Y9); \
	ROWOF(at, SRC2, Y2, Y6, Y10); \
	ROWOF(at, SRC3, Y3, Y7, Y11); \
	VFMADD213PS Y13, Y12, Y8; \
	VFMADD213PS Y13, Y12, Y9; \
	VFMADD213PS Y13, Y12, Y10; \
	VFMADD213PS Y13, Y12, Y11; \
	VMOVUPS Y8, at(OTHER0)(AT*1); \
	VMOVUPS Y9, at(OTHER1)(AT*1); \
	VMOVUPS Y10, at(OTHER2)(AT*1); \
	VMOVUPS Y11, at(OTHER3)(AT*1)

// PARTOF: the same of the elements that a mask selects.
#define ROWPART(at, SRC, M, S, V) \
	VMASKMOVPS at(SRC)(AT*1), Y14, V; \
	VADDPS V, M, V; \
	VMULPS S, V, V; \
	VFMADD213PS Y13, Y12, V
#define PARTOF(at) \
	VMASKMOVPS at(GAMMA)(AT*1), Y14, Y12; \
	VADDPS Y12, Y15, Y12; \
	VMASKMOVPS at(BETA), Y14, Y13; \
	ROWPART(at, SRC0, Y0, Y4, Y8); \
	ROWPART(at, SRC1, Y1, Y5, Y9); \
	ROWPART(at, SRC2, Y2, Y6, Y10); \
	ROWPART(at, SRC3, Y3, Y7, Y11); \
	VMASKMOVPS Y8, Y14, at(OTHER0)(AT*1); \
	VMASKMOVPS Y9, Y14, at(OTHER1)(AT*1); \
	VMASKMOVPS Y10, Y14, at(OTHER2)(AT*1); \
	VMASKMOVPS Y11, Y14, at(OTHER3)(AT*1)

// func normalizeAVX2(t *norm4)
TEXT ·normalizeAVX2(SB), NOSPLIT, $0-8
	ROWS
	OTHERROWS(norm4_y)
	MOVQ norm4_gamma(ARG), GAMMA
	MOVQ norm4_beta(ARG), BETA
	VBROADCASTSS norm4_minusMean+0(ARG), Y0
	VBROADCASTSS norm4_minusMean+4(ARG), Y1
	VBROADCASTSS norm4_minusMean+8(ARG), Y2
	VBROADCASTSS norm4_minusMean+12(ARG), Y3
	VBROADCASTSS norm4_scale+0(ARG), Y4
	VBROADCASTSS norm4_scale+4(ARG), Y5
	VBROADCASTSS norm4_scale+8(ARG), Y6
	VBROADCASTSS norm4_scale+12(ARG), Y7
	VBROADCASTSS norm4_base(ARG), Y15
	MOVQ norm4_ahead(ARG), AHEAD
	MOVQ norm4_betaStep(ARG), STEP
	TESTQ AHEAD, AHEAD
	JEQ loop
	TESTQ N, N
	JEQ part
	PCALIGN $64
ahead:
	WHOLE(0)
	PREFETCHT0 (SRC0)(AHEAD*1)
	PREFETCHT0 (SRC1)(AHEAD*1)
	WHOLE(32)
	PREFETCHT0 (SRC2)(AHEAD*1)
	PREFETCHT0 (SRC3)(AHEAD*1)
	ADDQ $64, AT
	ADDQ $64, AHEAD
	ADDQ STEP, BETA
	CMPQ AT, N
	JNE ahead
	JMP part
loop:
	CMPQ AT, N
	JEQ part
	WHOLE(0)
	WHOLE(32)
	ADDQ $64, AT
	ADDQ STEP, BETA
	JMP loop
part:
	MOVQ t+0(FP), N
	MOVQ norm4_n(N), N
	ANDQ $15, N
	JEQ done
	SHLQ $2, N
	LEAQ stepMask<>+64(SB), STEP
	SUBQ N, STEP
	VMOVUPS 0(STEP), Y14
	PARTOF(0)
	CMPQ N, $32
	JLE done
	VMOVUPS 32(STEP), Y14
	PARTOF(32)
done:
	VZEROUPPER
	RET

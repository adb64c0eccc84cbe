//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "tile_amd64.h"

// Tiles of AVX2; what they compute stands at the type tile, and their form in tile_amd64.h.
//
// The greatest is 6 rows by one panel: 12 accumulators, two registers of b, two broadcasts in turn. A step of k is 12
// multiply-adds (6 cycles on two ports) and 8 loads (4 cycles). These are 20 instructions of the 36 that a core of Zen 3 takes in
// 6 cycles, but half of those are another thread's if the core has one: what else a step does, then costs time.
//
//	                 b[l][0..7]  b[l][8..15]
//	                    Y12         Y13
//	a[0][l] → Y14   │   Y0    │    Y1    │
//	a[1][l] → Y15   │   Y2    │    Y3    │
//	a[2][l] → Y14   │   Y4    │    Y5    │
//	a[3][l] → Y15   │   Y6    │    Y7    │
//	a[4][l] → Y14   │   Y8    │    Y9    │
//	a[5][l] → Y15   │   Y10   │    Y11   │
//
// Fewer rows take more panels, so that eight chains or more hide the latency of the multiply-add: 3 rows by two panels
// (12 accumulators, broadcasts in Y12..Y14, b in Y15), one row by four (8 accumulators, b from memory).

// One step of k, a row of 16 columns: a is the element of A, y0 and y1 the accumulators, x a register for the broadcast. In the
// steps d is 4·l.
#define ROW(a, x, y0, y1) \
	VBROADCASTSS a, x         \
	VFMADD231PS  Y12, x, y0   \
	VFMADD231PS  Y13, x, y1

#define STEP1(d) \
	VMOVUPS (16*d)(B), Y12            \
	VMOVUPS (16*d+32)(B), Y13         \
	ROW(d(A), Y14, Y0, Y1)
#define STEP2(d) STEP1(d) \
	ROW(d(A)(LDA*1), Y15, Y2, Y3)
#define STEP3(d) STEP2(d) \
	ROW(d(A)(LDA*2), Y14, Y4, Y5)
#define STEP4(d) STEP3(d) \
	ROW(d(A)(LDA3*1), Y15, Y6, Y7)
#define STEP5(d) STEP4(d) \
	ROW(d(A)(LDA*4), Y14, Y8, Y9)
#define STEP6(d) STEP5(d) \
	ROW(d(A)(LDA5*1), Y15, Y10, Y11)

// With few rows, panels come from far, and nothing else prefetches them: these do, 32 steps ahead.
#define FAR(d) PREFETCHT0 (16*d+2048)(B)
#define FAR1(d) FAR(d) \
	STEP1(d)
#define FAR2(d) FAR(d) \
	STEP2(d)
#define FAR3(d) FAR(d) \
	STEP3(d)
#define FAR4(d) FAR(d) \
	STEP4(d)
#define FAR5(d) FAR(d) \
	STEP5(d)
#define FAR6(d) FAR(d) \
	STEP6(d)

// The same for two panels: a half panel of b in Y15, by the broadcasts Y12..Y14.
#define HALF1(b, y0) \
	VMOVUPS     b, Y15       \
	VFMADD231PS Y15, Y12, y0
#define HALF2(b, y0, y1) HALF1(b, y0) \
	VFMADD231PS Y15, Y13, y1
#define HALF3(b, y0, y1, y2) HALF2(b, y0, y1) \
	VFMADD231PS Y15, Y14, y2

#define STEP1x2(d) \
	PREFETCHT0 (16*d+512)(B) \
	PREFETCHT0 (16*d+512)(B)(PANEL*1) \
	VBROADCASTSS d(A), Y12              \
	HALF1((16*d)(B), Y0)                \
	HALF1((16*d+32)(B), Y1)             \
	HALF1((16*d)(B)(PANEL*1), Y2)       \
	HALF1((16*d+32)(B)(PANEL*1), Y3)
#define STEP2x2(d) \
	PREFETCHT0 (16*d+512)(B) \
	PREFETCHT0 (16*d+512)(B)(PANEL*1) \
	VBROADCASTSS d(A), Y12              \
	VBROADCASTSS d(A)(LDA*1), Y13       \
	HALF2((16*d)(B), Y0, Y4)            \
	HALF2((16*d+32)(B), Y1, Y5)         \
	HALF2((16*d)(B)(PANEL*1), Y2, Y6)   \
	HALF2((16*d+32)(B)(PANEL*1), Y3, Y7)
#define STEP3x2(d) \
	PREFETCHT0 (16*d+512)(B) \
	PREFETCHT0 (16*d+512)(B)(PANEL*1) \
	VBROADCASTSS d(A), Y12                  \
	VBROADCASTSS d(A)(LDA*1), Y13           \
	VBROADCASTSS d(A)(LDA*2), Y14           \
	HALF3((16*d)(B), Y0, Y4, Y8)            \
	HALF3((16*d+32)(B), Y1, Y5, Y9)         \
	HALF3((16*d)(B)(PANEL*1), Y2, Y6, Y10)  \
	HALF3((16*d+32)(B)(PANEL*1), Y3, Y7, Y11)
#define STEP1x4(d) \
	PREFETCHT0 (16*d+512)(B) \
	PREFETCHT0 (16*d+512)(B)(PANEL*1) \
	PREFETCHT0 (16*d+512)(B)(PANEL*2) \
	PREFETCHT0 (16*d+512)(B)(PANEL3*1) \
	VBROADCASTSS d(A), Y12                          \
	VFMADD231PS  (16*d)(B), Y12, Y0                 \
	VFMADD231PS  (16*d+32)(B), Y12, Y1              \
	VFMADD231PS  (16*d)(B)(PANEL*1), Y12, Y2        \
	VFMADD231PS  (16*d+32)(B)(PANEL*1), Y12, Y3     \
	VFMADD231PS  (16*d)(B)(PANEL*2), Y12, Y4        \
	VFMADD231PS  (16*d+32)(B)(PANEL*2), Y12, Y5     \
	VFMADD231PS  (16*d)(B)(PANEL3*1), Y12, Y6       \
	VFMADD231PS  (16*d+32)(B)(PANEL3*1), Y12, Y7

// EACH applies OP to the accumulators of each row, with P at the row: OP(offset in the row, two registers).
#define NEXT ADDQ LD, P
#define EACH1(OP) OP(0, Y0, Y1)
#define EACH2(OP) EACH1(OP) \
	NEXT             \
	OP(0, Y2, Y3)
#define EACH3(OP) EACH2(OP) \
	NEXT             \
	OP(0, Y4, Y5)
#define EACH4(OP) EACH3(OP) \
	NEXT             \
	OP(0, Y6, Y7)
#define EACH5(OP) EACH4(OP) \
	NEXT             \
	OP(0, Y8, Y9)
#define EACH6(OP) EACH5(OP) \
	NEXT             \
	OP(0, Y10, Y11)
#define EACH1x2(OP) OP(0, Y0, Y1) \
	OP(64, Y2, Y3)
#define EACH2x2(OP) EACH1x2(OP) \
	NEXT             \
	OP(0, Y4, Y5)    \
	OP(64, Y6, Y7)
#define EACH3x2(OP) EACH2x2(OP) \
	NEXT             \
	OP(0, Y8, Y9)    \
	OP(64, Y10, Y11)
#define EACH1x4(OP) EACH1x2(OP) \
	OP(128, Y4, Y5)  \
	OP(192, Y6, Y7)

#define ADD(o, y0, y1) \
	VADDPS o(P), y0, y0     \
	VADDPS o+32(P), y1, y1
#define MUL(o, y0, y1) \
	VBROADCASTSS (P), Y15   \
	VMULPS Y15, y0, y0      \
	VMULPS Y15, y1, y1
#define STORE(o, y0, y1) \
	VMOVUPS y0, o(P)        \
	VMOVUPS y1, o+32(P)
#define LOAD(o, y0, y1) \
	VMOVUPS o(P), y0        \
	VMOVUPS o+32(P), y1
#define FETCH(o, y0, y1) \
	PREFETCHT0 o(P)
#define ZERO(o, y0, y1) \
	VXORPS y0, y0, y0       \
	VXORPS y1, y1, y1

// What comes next is prefetched into the second-level cache. No tile has another pointer.
#define ASK(a) PREFETCHT1 a
#define BEGIN
#define ON(n)

COLUMN(column1x1, 1, 64, FAR1, EACH1, ASK, BEGIN, ON)
COLUMN(column2x1, 2, 64, FAR2, EACH2, ASK, BEGIN, ON)
COLUMN(column3x1, 3, 64, FAR3, EACH3, ASK, BEGIN, ON)
COLUMN(column4x1, 4, 64, FAR4, EACH4, ASK, BEGIN, ON)
COLUMN(column5x1, 5, 64, FAR5, EACH5, ASK, BEGIN, ON)
COLUMN(column6x1, 6, 64, FAR6, EACH6, ASK, BEGIN, ON)
COLUMN(column4x1Many, 4, 64, STEP4, EACH4, ASK, BEGIN, ON)
COLUMN(column5x1Many, 5, 64, STEP5, EACH5, ASK, BEGIN, ON)
COLUMN(column6x1Many, 6, 64, STEP6, EACH6, ASK, BEGIN, ON)
COLUMN(column1x2, 1, 64, STEP1x2, EACH1x2, ASK, BEGIN, ON)
COLUMN(column2x2, 2, 64, STEP2x2, EACH2x2, ASK, BEGIN, ON)
COLUMN(column3x2, 3, 64, STEP3x2, EACH3x2, ASK, BEGIN, ON)
COLUMN(column1x4, 1, 64, STEP1x4, EACH1x4, ASK, BEGIN, ON)

TILE(·tile1x1AVX2, column1x1, column1x1)
TILE(·tile2x1AVX2, column2x1, column1x1)
TILE(·tile3x1AVX2, column3x1, column2x1)
TILE(·tile4x1AVX2, column4x1, column3x1)
TILE(·tile5x1AVX2, column5x1, column4x1)
TILE(·tile6x1AVX2, column6x1, column5x1)
TILE(·tile4x1ManyAVX2, column4x1Many, column3x1)
TILE(·tile5x1ManyAVX2, column5x1Many, column4x1Many)
TILE(·tile6x1ManyAVX2, column6x1Many, column5x1Many)
TILE(·tile1x2AVX2, column1x2, column1x2)
TILE(·tile2x2AVX2, column2x2, column1x2)
TILE(·tile3x2AVX2, column3x2, column2x2)
TILE(·tile1x4AVX2, column1x4, column1x4)

// func packKeys8AVX2(dst, src *float32, ld uintptr, rows, d int)
//
// Transposes 8 rows of 8·d elements, ld bytes apart, into a half panel: dst[i·16 + j] = src[j][i]. Rows from number rows on
// repeat the last: the columns that they fill mean nothing.
TEXT ·packKeys8AVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ ld+16(FP), AX
	MOVQ rows+24(FP), BX
	MOVQ d+32(FP), CX
	XORQ DX, DX

#define ROWPTR(i, prev, p) \
	CMPQ BX, $i            \
	CMOVQLE DX, AX         \
	LEAQ (prev)(AX*1), p

	ROWPTR(1, SI, R8)
	ROWPTR(2, R8, R9)
	ROWPTR(3, R9, R10)
	ROWPTR(4, R10, R11)
	ROWPTR(5, R11, R12)
	ROWPTR(6, R12, R13)
	ROWPTR(7, R13, R14)

eight:
	VMOVUPS (SI)(DX*1), Y0
	VMOVUPS (R8)(DX*1), Y1
	VMOVUPS (R9)(DX*1), Y2
	VMOVUPS (R10)(DX*1), Y3
	VMOVUPS (R11)(DX*1), Y4
	VMOVUPS (R12)(DX*1), Y5
	VMOVUPS (R13)(DX*1), Y6
	VMOVUPS (R14)(DX*1), Y7

	VUNPCKLPS Y1, Y0, Y8
	VUNPCKHPS Y1, Y0, Y9
	VUNPCKLPS Y3, Y2, Y10
	VUNPCKHPS Y3, Y2, Y11
	VUNPCKLPS Y5, Y4, Y12
	VUNPCKHPS Y5, Y4, Y13
	VUNPCKLPS Y7, Y6, Y14
	VUNPCKHPS Y7, Y6, Y15

	VUNPCKLPD Y10, Y8, Y0
	VUNPCKHPD Y10, Y8, Y1
	VUNPCKLPD Y11, Y9, Y2
	VUNPCKHPD Y11, Y9, Y3
	VUNPCKLPD Y14, Y12, Y4
	VUNPCKHPD Y14, Y12, Y5
	VUNPCKLPD Y15, Y13, Y6
	VUNPCKHPD Y15, Y13, Y7

	VINSERTF128 $1, X4, Y0, Y8
	VINSERTF128 $1, X5, Y1, Y9
	VINSERTF128 $1, X6, Y2, Y10
	VINSERTF128 $1, X7, Y3, Y11
	VPERM2F128  $0x31, Y4, Y0, Y12
	VPERM2F128  $0x31, Y5, Y1, Y13
	VPERM2F128  $0x31, Y6, Y2, Y14
	VPERM2F128  $0x31, Y7, Y3, Y15

	VMOVUPS Y8, (DI)
	VMOVUPS Y9, 64(DI)
	VMOVUPS Y10, 128(DI)
	VMOVUPS Y11, 192(DI)
	VMOVUPS Y12, 256(DI)
	VMOVUPS Y13, 320(DI)
	VMOVUPS Y14, 384(DI)
	VMOVUPS Y15, 448(DI)
	ADDQ    $512, DI
	ADDQ    $32, DX
	DECQ    CX
	JNE     eight
	VZEROUPPER
	RET

// func packColumns16AVX2(dst, src *uint16, ld uintptr, d int)
//
// Transposes 16 rows of 8·d numbers of 16 bits, ld bytes apart, into a panel: dst[i·16 + j] = src[j][i]. A register holds 8
// numbers of row j and 8 of row j+8; what ZIP does, it does in both halves. Three times it puts numbers of two registers side by
// side: those of the rows j and j+4, then of j and j+2, then of j and j+1.
#define ROWS(j, j8, x, y)         \
	VMOVDQU     j, x          \
	VINSERTI128 $1, j8, y, y
#define ZIP(a, b, low, high)      \
	VPUNPCKLWD b, a, low      \
	VPUNPCKHWD b, a, high

TEXT ·packColumns16AVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ ld+16(FP), R8
	MOVQ d+24(FP), CX
	LEAQ (R8)(R8*2), R9  // 3 rows
	LEAQ (SI)(R8*4), R10 // row 4
	LEAQ (SI)(R8*8), R11 // row 8
	LEAQ (R10)(R8*8), R12 // row 12

eight:
	ROWS((SI), (R11), X0, Y0)
	ROWS((SI)(R8*1), (R11)(R8*1), X1, Y1)
	ROWS((SI)(R8*2), (R11)(R8*2), X2, Y2)
	ROWS((SI)(R9*1), (R11)(R9*1), X3, Y3)
	ROWS((R10), (R12), X4, Y4)
	ROWS((R10)(R8*1), (R12)(R8*1), X5, Y5)
	ROWS((R10)(R8*2), (R12)(R8*2), X6, Y6)
	ROWS((R10)(R9*1), (R12)(R9*1), X7, Y7)

	ZIP(Y0, Y4, Y8, Y9)
	ZIP(Y1, Y5, Y10, Y11)
	ZIP(Y2, Y6, Y12, Y13)
	ZIP(Y3, Y7, Y14, Y15)
	ZIP(Y8, Y12, Y0, Y1)   // numbers 0 and 1, 2 and 3 of the even rows
	ZIP(Y10, Y14, Y2, Y3)  // of the odd rows
	ZIP(Y9, Y13, Y4, Y5)   // 4 and 5, 6 and 7
	ZIP(Y11, Y15, Y6, Y7)
	ZIP(Y0, Y2, Y8, Y9)
	ZIP(Y1, Y3, Y10, Y11)
	ZIP(Y4, Y6, Y12, Y13)
	ZIP(Y5, Y7, Y14, Y15)

	VMOVDQU Y8, (DI)
	VMOVDQU Y9, 32(DI)
	VMOVDQU Y10, 64(DI)
	VMOVDQU Y11, 96(DI)
	VMOVDQU Y12, 128(DI)
	VMOVDQU Y13, 160(DI)
	VMOVDQU Y14, 192(DI)
	VMOVDQU Y15, 224(DI)
	ADDQ    $16, SI
	ADDQ    $16, R10
	ADDQ    $16, R11
	ADDQ    $16, R12
	ADDQ    $256, DI
	DECQ    CX
	JNE     eight
	VZEROUPPER
	RET

// func packValues16AVX2(dst, src *float32, ld uintptr, rows int)
//
// Copies 16 elements of each of the rows, ld bytes apart, one after the other.
TEXT ·packValues16AVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ ld+16(FP), AX
	MOVQ rows+24(FP), CX

copy:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	ADDQ    AX, SI
	ADDQ    $64, DI
	DECQ    CX
	JNE     copy
	VZEROUPPER
	RET

// Grids: tiles of one panel in two loops, as type gridLoop has them. Each tile prefetches what it will store, and some of what
// comes after the grid. Where rows grow, the steps after k are stairs: the first for all rows but the first, the second for all but
// two, and so on.

#define GC    R13 // c, a, b and scale of the tile
#define GA    R14
#define GB    R15
#define GS    BX
#define INNER DX

#define BROW(d) \
	VMOVUPS (16*d)(B), Y12     \
	VMOVUPS (16*d+32)(B), Y13
#define TREAD1(d) ROW(d(A)(LDA*1), Y15, Y2, Y3)
#define TREAD2(d) ROW(d(A)(LDA*2), Y14, Y4, Y5)
#define TREAD3(d) ROW(d(A)(LDA3*1), Y15, Y6, Y7)
#define TREAD4(d) ROW(d(A)(LDA*4), Y14, Y8, Y9)
#define TREAD5(d) ROW(d(A)(LDA5*1), Y15, Y10, Y11)
#define STAIRS4 \
	BROW(0)   \
	TREAD1(0) \
	TREAD2(0) \
	TREAD3(0) \
	BROW(4)   \
	TREAD2(4) \
	TREAD3(4) \
	BROW(8)   \
	TREAD3(8)
#define STAIRS5 \
	BROW(0)    \
	TREAD1(0)  \
	TREAD2(0)  \
	TREAD3(0)  \
	TREAD4(0)  \
	BROW(4)    \
	TREAD2(4)  \
	TREAD3(4)  \
	TREAD4(4)  \
	BROW(8)    \
	TREAD3(8)  \
	TREAD4(8)  \
	BROW(12)   \
	TREAD4(12)
#define STAIRS6 \
	BROW(0)    \
	TREAD1(0)  \
	TREAD2(0)  \
	TREAD3(0)  \
	TREAD4(0)  \
	TREAD5(0)  \
	BROW(4)    \
	TREAD2(4)  \
	TREAD3(4)  \
	TREAD4(4)  \
	TREAD5(4)  \
	BROW(8)    \
	TREAD3(8)  \
	TREAD4(8)  \
	TREAD5(8)  \
	BROW(12)   \
	TREAD4(12) \
	TREAD5(12) \
	BROW(16)   \
	TREAD5(16)

#define GRID(name, ONE, STAIRS, EACH) \
TEXT name(SB), NOSPLIT, $0-8              \
	MOVQ  t+0(FP), T                  \
	MOVQ  gridLoop_lda(T), LDA        \
	LEAQ  (LDA)(LDA*2), LDA3          \
	LEAQ  (LDA)(LDA*4), LDA5          \
outer:                                    \
	MOVQ  gridLoop_inner(T), INNER    \
	MOVQ  gridLoop_c(T), GC           \
	MOVQ  gridLoop_a(T), GA           \
	MOVQ  gridLoop_b(T), GB           \
	MOVQ  gridLoop_scale(T), GS       \
inner:                                    \
	CMPQ  gridLoop_pieces(T), $0      \
	JLE   tile                        \
	MOVQ  gridLoop_next(T), P         \
	MOVQ  gridLoop_step(T), LD        \
	PREFETCHT1 (P)                    \
	PREFETCHT1 64(P)                  \
	PREFETCHT1 128(P)                 \
	PREFETCHT1 192(P)                 \
	ADDQ  LD, P                       \
	PREFETCHT1 (P)                    \
	PREFETCHT1 64(P)                  \
	PREFETCHT1 128(P)                 \
	PREFETCHT1 192(P)                 \
	ADDQ  LD, P                       \
	MOVQ  P, gridLoop_next(T)         \
	SUBQ  $2, gridLoop_pieces(T)      \
tile:                                     \
	MOVQ  GC, P                       \
	MOVQ  gridLoop_ldc(T), LD         \
	EACH(FETCH)                       \
	EACH(ZERO)                        \
	MOVQ  GA, A                       \
	MOVQ  GB, B                       \
	MOVQ  gridLoop_k(T), K            \
	SUBQ  $8, K                       \
	JLT   four                        \
eight:                                    \
	ONE(0)                            \
	ONE(4)                            \
	ONE(8)                            \
	ONE(12)                           \
	ONE(16)                           \
	ONE(20)                           \
	ONE(24)                           \
	ONE(28)                           \
	ADDQ  $32, A                      \
	ADDQ  $512, B                     \
	SUBQ  $8, K                       \
	JGE   eight                       \
four:                                     \
	ADDQ  $4, K                       \
	JLT   last                        \
	ONE(0)                            \
	ONE(4)                            \
	ONE(8)                            \
	ONE(12)                           \
	ADDQ  $16, A                      \
	ADDQ  $256, B                     \
	SUBQ  $4, K                       \
last:                                     \
	ADDQ  $4, K                       \
	JEQ   stairs                      \
one:                                      \
	ONE(0)                            \
	ADDQ  $4, A                       \
	ADDQ  $64, B                      \
	DECQ  K                           \
	JNE   one                         \
stairs:                                   \
	CMPQ  gridLoop_grow(T), $0        \
	JEQ   store                       \
	STAIRS                            \
store:                                    \
	MOVQ  GS, P                       \
	MOVQ  gridLoop_scales(T), LD      \
	EACH(MUL)                         \
	MOVQ  GC, P                       \
	MOVQ  gridLoop_ldc(T), LD         \
	EACH(STORE)                       \
	ADDQ  gridLoop_inC(T), GC         \
	ADDQ  gridLoop_inA(T), GA         \
	ADDQ  gridLoop_inB(T), GB         \
	ADDQ  gridLoop_inScale(T), GS     \
	DECQ  INNER                       \
	JNE   inner                       \
	MOVQ  gridLoop_outC(T), GC        \
	MOVQ  gridLoop_outA(T), GA        \
	MOVQ  gridLoop_outB(T), GB        \
	MOVQ  gridLoop_outScale(T), GS    \
	ADDQ  GC, gridLoop_c(T)           \
	ADDQ  GA, gridLoop_a(T)           \
	ADDQ  GB, gridLoop_b(T)           \
	ADDQ  GS, gridLoop_scale(T)       \
	MOVQ  gridLoop_grow(T), K         \
	ADDQ  K, gridLoop_k(T)            \
	DECQ  gridLoop_outer(T)           \
	JNE   outer                       \
	VZEROUPPER                        \
	RET

GRID(·grid4x1AVX2, STEP4, STAIRS4, EACH4)
GRID(·grid5x1AVX2, STEP5, STAIRS5, EACH5)
GRID(·grid6x1AVX2, STEP6, STAIRS6, EACH6)

//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// Grids of AVX-512: tiles of 4 to 7 rows by one or two panels, in two loops, as type gridLoop512 has them.
//
// A store takes the place of multiply-adds on Zen 4, unless it stores what has just been computed and is not one of many. So there
// are two sets of accumulators: while one takes the steps of a tile, the tile before is scaled and stored from the other, a row
// in each of the first steps, and its maxima are taken on the way.
//
//	                  b[l][0..15]  b[l][16..31]
//	                     Z28          Z29
//	a[0][l]  → Z30   │   Z0     │     Z1     │  or  │   Z14    │    Z15     │
//	a[1][l]  → Z30   │   Z2     │     Z3     │      │   Z16    │    Z17     │
//	  ...                 ...          ...                ...        ...
//	a[6][l]  → Z30   │   Z12    │     Z13    │      │   Z26    │    Z27     │
//
// Every four steps prefetch a piece of what comes after the grid. Where rows grow, the steps after k are stairs: the first for all
// rows but the first, the second for all but two, and so on.

#define T      DI  // the loops
#define A0     R8  // row 0 of A, at l; row 4
#define A4     R10
#define LDA    R9  // bytes from a row of A to the next
#define LDA3   AX  // 3·LDA
#define B      R12 // row l of the first panel
#define PANEL  R13 // bytes from there to the second
#define K      CX
#define P      SI  // of the tile before: its next row of C, of maxima, and its next scale
#define M      BX
#define S      R11
#define AHEAD  DX  // what is prefetched next, and bytes from there to what comes then
#define STEP   R15

// One step of k: LOADB(d) and for each row ROW(element of A, accumulators). d is 4·l.
// ENDw ends a tile's row of w panels: it scales, takes maxima, stores, and clears.
#define LOADB2(d) \
	VMOVUPS (16*d)(B), Z28          \
	VMOVUPS (16*d)(B)(PANEL*1), Z29
#define ROW2(a, z0, z1) \
	VBROADCASTSS a, Z30       \
	VFMADD231PS  Z28, Z30, z0 \
	VFMADD231PS  Z29, Z30, z1
#define END2(z0, z1) \
	VMULPS.BCST (S), z0, z0  \
	VMULPS.BCST (S), z1, z1  \
	VMAXPS      (M), z0, Z31 \
	VMAXPS      Z31, z1, Z31 \
	VMOVUPS     Z31, (M)     \
	VMOVUPS     z0, (P)      \
	VMOVUPS     z1, 64(P)    \
	VPXORD      z0, z0, z0   \
	VPXORD      z1, z1, z1   \
	ADDQ        $64, M       \
	ADDQ        gridLoop512_scales(T), S \
	ADDQ        gridLoop512_ld(T), P
#define LOADB1(d) \
	VMOVUPS (16*d)(B), Z28
#define ROW1(a, z0, z1) \
	VFMADD231PS.BCST a, Z28, z0
#define END1(z0, z1) \
	VMULPS.BCST (S), z0, z0  \
	VMAXPS      (M), z0, Z31 \
	VMOVUPS     Z31, (M)     \
	VMOVUPS     z0, (P)      \
	VPXORD      z0, z0, z0   \
	ADDQ        $64, M       \
	ADDQ        gridLoop512_scales(T), S \
	ADDQ        gridLoop512_ld(T), P

#define ROWS4X(ROW, d) \
	ROW(d(A0), Z0, Z1) \
	ROW(d(A0)(LDA*1), Z2, Z3) \
	ROW(d(A0)(LDA*2), Z4, Z5) \
	ROW(d(A0)(LDA3*1), Z6, Z7)
#define ROWS5X(ROW, d) ROWS4X(ROW, d) \
	ROW(d(A4), Z8, Z9)
#define ROWS6X(ROW, d) ROWS5X(ROW, d) \
	ROW(d(A4)(LDA*1), Z10, Z11)
#define ROWS7X(ROW, d) ROWS6X(ROW, d) \
	ROW(d(A4)(LDA*2), Z12, Z13)
#define ROWS4Y(ROW, d) \
	ROW(d(A0), Z14, Z15) \
	ROW(d(A0)(LDA*1), Z16, Z17) \
	ROW(d(A0)(LDA*2), Z18, Z19) \
	ROW(d(A0)(LDA3*1), Z20, Z21)
#define ROWS5Y(ROW, d) ROWS4Y(ROW, d) \
	ROW(d(A4), Z22, Z23)
#define ROWS6Y(ROW, d) ROWS5Y(ROW, d) \
	ROW(d(A4)(LDA*1), Z24, Z25)
#define ROWS7Y(ROW, d) ROWS6Y(ROW, d) \
	ROW(d(A4)(LDA*2), Z26, Z27)

// END is the end of row i, if there is one.
#define END0X(END) END(Z0, Z1)
#define END1X(END) END(Z2, Z3)
#define END2X(END) END(Z4, Z5)
#define END3X(END) END(Z6, Z7)
#define END4X(END) END(Z8, Z9)
#define END5X(END) END(Z10, Z11)
#define END6X(END) END(Z12, Z13)
#define END0Y(END) END(Z14, Z15)
#define END1Y(END) END(Z16, Z17)
#define END2Y(END) END(Z18, Z19)
#define END3Y(END) END(Z20, Z21)
#define END4Y(END) END(Z22, Z23)
#define END5Y(END) END(Z24, Z25)
#define END6Y(END) END(Z26, Z27)
#define NONE(END)

// STAIRS are the steps after k, where rows grow: FROMi_n has rows i to n-1.
#define FROM3_4X(ROW, d) ROW(d(A0)(LDA3*1), Z6, Z7)
#define FROM2_4X(ROW, d) FROM3_4X(ROW, d) \
	ROW(d(A0)(LDA*2), Z4, Z5)
#define FROM1_4X(ROW, d) FROM2_4X(ROW, d) \
	ROW(d(A0)(LDA*1), Z2, Z3)
#define STAIRS4X(LOADB, ROW) \
	LOADB(0) \
	FROM1_4X(ROW, 0) \
	LOADB(4) \
	FROM2_4X(ROW, 4) \
	LOADB(8) \
	FROM3_4X(ROW, 8)
#define FROM4_5X(ROW, d) ROW(d(A4), Z8, Z9)
#define FROM3_5X(ROW, d) FROM4_5X(ROW, d) \
	ROW(d(A0)(LDA3*1), Z6, Z7)
#define FROM2_5X(ROW, d) FROM3_5X(ROW, d) \
	ROW(d(A0)(LDA*2), Z4, Z5)
#define FROM1_5X(ROW, d) FROM2_5X(ROW, d) \
	ROW(d(A0)(LDA*1), Z2, Z3)
#define STAIRS5X(LOADB, ROW) \
	LOADB(0) \
	FROM1_5X(ROW, 0) \
	LOADB(4) \
	FROM2_5X(ROW, 4) \
	LOADB(8) \
	FROM3_5X(ROW, 8) \
	LOADB(12) \
	FROM4_5X(ROW, 12)
#define FROM5_6X(ROW, d) ROW(d(A4)(LDA*1), Z10, Z11)
#define FROM4_6X(ROW, d) FROM5_6X(ROW, d) \
	ROW(d(A4), Z8, Z9)
#define FROM3_6X(ROW, d) FROM4_6X(ROW, d) \
	ROW(d(A0)(LDA3*1), Z6, Z7)
#define FROM2_6X(ROW, d) FROM3_6X(ROW, d) \
	ROW(d(A0)(LDA*2), Z4, Z5)
#define FROM1_6X(ROW, d) FROM2_6X(ROW, d) \
	ROW(d(A0)(LDA*1), Z2, Z3)
#define STAIRS6X(LOADB, ROW) \
	LOADB(0) \
	FROM1_6X(ROW, 0) \
	LOADB(4) \
	FROM2_6X(ROW, 4) \
	LOADB(8) \
	FROM3_6X(ROW, 8) \
	LOADB(12) \
	FROM4_6X(ROW, 12) \
	LOADB(16) \
	FROM5_6X(ROW, 16)
#define FROM6_7X(ROW, d) ROW(d(A4)(LDA*2), Z12, Z13)
#define FROM5_7X(ROW, d) FROM6_7X(ROW, d) \
	ROW(d(A4)(LDA*1), Z10, Z11)
#define FROM4_7X(ROW, d) FROM5_7X(ROW, d) \
	ROW(d(A4), Z8, Z9)
#define FROM3_7X(ROW, d) FROM4_7X(ROW, d) \
	ROW(d(A0)(LDA3*1), Z6, Z7)
#define FROM2_7X(ROW, d) FROM3_7X(ROW, d) \
	ROW(d(A0)(LDA*2), Z4, Z5)
#define FROM1_7X(ROW, d) FROM2_7X(ROW, d) \
	ROW(d(A0)(LDA*1), Z2, Z3)
#define STAIRS7X(LOADB, ROW) \
	LOADB(0) \
	FROM1_7X(ROW, 0) \
	LOADB(4) \
	FROM2_7X(ROW, 4) \
	LOADB(8) \
	FROM3_7X(ROW, 8) \
	LOADB(12) \
	FROM4_7X(ROW, 12) \
	LOADB(16) \
	FROM5_7X(ROW, 16) \
	LOADB(20) \
	FROM6_7X(ROW, 20)
#define FROM3_4Y(ROW, d) ROW(d(A0)(LDA3*1), Z20, Z21)
#define FROM2_4Y(ROW, d) FROM3_4Y(ROW, d) \
	ROW(d(A0)(LDA*2), Z18, Z19)
#define FROM1_4Y(ROW, d) FROM2_4Y(ROW, d) \
	ROW(d(A0)(LDA*1), Z16, Z17)
#define STAIRS4Y(LOADB, ROW) \
	LOADB(0) \
	FROM1_4Y(ROW, 0) \
	LOADB(4) \
	FROM2_4Y(ROW, 4) \
	LOADB(8) \
	FROM3_4Y(ROW, 8)
#define FROM4_5Y(ROW, d) ROW(d(A4), Z22, Z23)
#define FROM3_5Y(ROW, d) FROM4_5Y(ROW, d) \
	ROW(d(A0)(LDA3*1), Z20, Z21)
#define FROM2_5Y(ROW, d) FROM3_5Y(ROW, d) \
	ROW(d(A0)(LDA*2), Z18, Z19)
#define FROM1_5Y(ROW, d) FROM2_5Y(ROW, d) \
	ROW(d(A0)(LDA*1), Z16, Z17)
#define STAIRS5Y(LOADB, ROW) \
	LOADB(0) \
	FROM1_5Y(ROW, 0) \
	LOADB(4) \
	FROM2_5Y(ROW, 4) \
	LOADB(8) \
	FROM3_5Y(ROW, 8) \
	LOADB(12) \
	FROM4_5Y(ROW, 12)
#define FROM5_6Y(ROW, d) ROW(d(A4)(LDA*1), Z24, Z25)
#define FROM4_6Y(ROW, d) FROM5_6Y(ROW, d) \
	ROW(d(A4), Z22, Z23)
#define FROM3_6Y(ROW, d) FROM4_6Y(ROW, d) \
	ROW(d(A0)(LDA3*1), Z20, Z21)
#define FROM2_6Y(ROW, d) FROM3_6Y(ROW, d) \
	ROW(d(A0)(LDA*2), Z18, Z19)
#define FROM1_6Y(ROW, d) FROM2_6Y(ROW, d) \
	ROW(d(A0)(LDA*1), Z16, Z17)
#define STAIRS6Y(LOADB, ROW) \
	LOADB(0) \
	FROM1_6Y(ROW, 0) \
	LOADB(4) \
	FROM2_6Y(ROW, 4) \
	LOADB(8) \
	FROM3_6Y(ROW, 8) \
	LOADB(12) \
	FROM4_6Y(ROW, 12) \
	LOADB(16) \
	FROM5_6Y(ROW, 16)
#define FROM6_7Y(ROW, d) ROW(d(A4)(LDA*2), Z26, Z27)
#define FROM5_7Y(ROW, d) FROM6_7Y(ROW, d) \
	ROW(d(A4)(LDA*1), Z24, Z25)
#define FROM4_7Y(ROW, d) FROM5_7Y(ROW, d) \
	ROW(d(A4), Z22, Z23)
#define FROM3_7Y(ROW, d) FROM4_7Y(ROW, d) \
	ROW(d(A0)(LDA3*1), Z20, Z21)
#define FROM2_7Y(ROW, d) FROM3_7Y(ROW, d) \
	ROW(d(A0)(LDA*2), Z18, Z19)
#define FROM1_7Y(ROW, d) FROM2_7Y(ROW, d) \
	ROW(d(A0)(LDA*1), Z16, Z17)
#define STAIRS7Y(LOADB, ROW) \
	LOADB(0) \
	FROM1_7Y(ROW, 0) \
	LOADB(4) \
	FROM2_7Y(ROW, 4) \
	LOADB(8) \
	FROM3_7Y(ROW, 8) \
	LOADB(12) \
	FROM4_7Y(ROW, 12) \
	LOADB(16) \
	FROM5_7Y(ROW, 16) \
	LOADB(20) \
	FROM6_7Y(ROW, 20)

#define ON(n) \
	ADDQ $(4*n), A0 \
	ADDQ $(4*n), A4 \
	ADDQ $(64*n), B

// HALF is a tile in one set of accumulators, and the ends E0 to E6 of the rows of the tile before, in the other. After it come the
// tile in the other set, or the end.
#define HALF(begin, short, four, few, one, stairs, end, beyond, next, last, LOADB, ROW, EACH, STAIRS, END, E0, E1, E2, E3, E4, E5, E6) \
begin:                                       \
	MOVQ  gridLoop512_a(T), A0           \
	LEAQ  (A0)(LDA*4), A4                \
	MOVQ  gridLoop512_b(T), B            \
	MOVQ  gridLoop512_next(T), AHEAD     \
	MOVQ  gridLoop512_k(T), K            \
	SUBQ  $8, K                          \
	JLT   short                          \
	PREFETCHT1 (AHEAD)                   \
	LOADB(0)                             \
	EACH(ROW, 0)                         \
	E0(END)                              \
	PREFETCHT1 64(AHEAD)                 \
	LOADB(4)                             \
	EACH(ROW, 4)                         \
	E1(END)                              \
	PREFETCHT1 128(AHEAD)                \
	LOADB(8)                             \
	EACH(ROW, 8)                         \
	E2(END)                              \
	PREFETCHT1 192(AHEAD)                \
	LOADB(12)                            \
	EACH(ROW, 12)                        \
	E3(END)                              \
	ADDQ  STEP, AHEAD                    \
	PREFETCHT1 (AHEAD)                   \
	LOADB(16)                            \
	EACH(ROW, 16)                        \
	E4(END)                              \
	PREFETCHT1 64(AHEAD)                 \
	LOADB(20)                            \
	EACH(ROW, 20)                        \
	E5(END)                              \
	PREFETCHT1 128(AHEAD)                \
	LOADB(24)                            \
	EACH(ROW, 24)                        \
	E6(END)                              \
	PREFETCHT1 192(AHEAD)                \
	LOADB(28)                            \
	EACH(ROW, 28)                        \
	ADDQ  STEP, AHEAD                    \
	ON(8)                                \
	SUBQ  $4, K                          \
	JLT   few                            \
four:                                        \
	LOADB(0)                             \
	EACH(ROW, 0)                         \
	LOADB(4)                             \
	EACH(ROW, 4)                         \
	LOADB(8)                             \
	EACH(ROW, 8)                         \
	LOADB(12)                            \
	EACH(ROW, 12)                        \
	ON(4)                                \
	SUBQ  $4, K                          \
	JGE   four                           \
few:                                         \
	ADDQ  $4, K                          \
	JEQ   stairs                         \
one:                                         \
	LOADB(0)                             \
	EACH(ROW, 0)                         \
	ON(1)                                \
	DECQ  K                              \
	JNE   one                            \
stairs:                                      \
	MOVQ  AHEAD, gridLoop512_next(T)     \
	CMPQ  gridLoop512_grow(T), $0        \
	JEQ   end                            \
	STAIRS(LOADB, ROW)                   \
end:                                         \
	MOVQ  gridLoop512_c(T), P            \
	MOVQ  gridLoop512_ldc(T), K          \
	MOVQ  K, gridLoop512_ld(T)           \
	MOVQ  gridLoop512_maxima(T), M       \
	MOVQ  gridLoop512_scale(T), S        \
	SUBQ  $2, gridLoop512_pieces(T)      \
	JGT   beyond                         \
	MOVQ  gridLoop512_b(T), K            \
	MOVQ  K, gridLoop512_next(T)         \
	XORQ  STEP, STEP                     \
beyond:                                      \
	CALL  on512<>(SB)                    \
	JNE   next                           \
	JMP   last                           \
short:                                       \
	E0(END)                              \
	E1(END)                              \
	E2(END)                              \
	E3(END)                              \
	E4(END)                              \
	E5(END)                              \
	E6(END)                              \
	ADDQ  $8, K                          \
	JNE   one                            \
	JMP   stairs

// on512 goes on to the next tile, or sets the zero flag.
TEXT on512<>(SB), NOSPLIT, $0-0
	DECQ  gridLoop512_left(T)
	JEQ   outer
#define MOVE(field, by) \
	MOVQ  by(T), K     \
	ADDQ  K, field(T)
	MOVE(gridLoop512_c, gridLoop512_inC)
	MOVE(gridLoop512_a, gridLoop512_inA)
	MOVE(gridLoop512_b, gridLoop512_inB)
	MOVE(gridLoop512_scale, gridLoop512_inScale)
	MOVE(gridLoop512_maxima, gridLoop512_inMaxima)
	TESTQ T, T
	RET
outer:
	MOVE(gridLoop512_c, gridLoop512_outC)
	MOVE(gridLoop512_a, gridLoop512_outA)
	MOVE(gridLoop512_b, gridLoop512_outB)
	MOVE(gridLoop512_scale, gridLoop512_outScale)
	MOVE(gridLoop512_maxima, gridLoop512_outMaxima)
	MOVE(gridLoop512_k, gridLoop512_grow)
	MOVQ  gridLoop512_inner(T), K
	MOVQ  K, gridLoop512_left(T)
	DECQ  gridLoop512_outer(T)
	RET

#define GRID(name, LOADB, ROW, EACHX, EACHY, STAIRSX, STAIRSY, END, X4, X5, X6, Y4, Y5, Y6) \
TEXT name(SB), 0, $448-8                     \
	MOVQ  t+0(FP), T                     \
	CMPQ  gridLoop512_maxima(T), $0      \
	JNE   first                          \
	MOVQ  SP, gridLoop512_maxima(T)      \
first:                                       \
	MOVQ  gridLoop512_lda(T), LDA        \
	LEAQ  (LDA)(LDA*2), LDA3             \
	MOVQ  gridLoop512_panel(T), PANEL    \
	MOVQ  gridLoop512_step(T), STEP      \
	VPXORD Z0, Z0, Z0 \
	VPXORD Z1, Z1, Z1 \
	VPXORD Z2, Z2, Z2 \
	VPXORD Z3, Z3, Z3 \
	VPXORD Z4, Z4, Z4 \
	VPXORD Z5, Z5, Z5 \
	VPXORD Z6, Z6, Z6 \
	VPXORD Z7, Z7, Z7 \
	VPXORD Z8, Z8, Z8 \
	VPXORD Z9, Z9, Z9 \
	VPXORD Z10, Z10, Z10 \
	VPXORD Z11, Z11, Z11 \
	VPXORD Z12, Z12, Z12 \
	VPXORD Z13, Z13, Z13 \
	VPXORD Z14, Z14, Z14 \
	VPXORD Z15, Z15, Z15 \
	VPXORD Z16, Z16, Z16 \
	VPXORD Z17, Z17, Z17 \
	VPXORD Z18, Z18, Z18 \
	VPXORD Z19, Z19, Z19 \
	VPXORD Z20, Z20, Z20 \
	VPXORD Z21, Z21, Z21 \
	VPXORD Z22, Z22, Z22 \
	VPXORD Z23, Z23, Z23 \
	VPXORD Z24, Z24, Z24 \
	VPXORD Z25, Z25, Z25 \
	VPXORD Z26, Z26, Z26 \
	VPXORD Z27, Z27, Z27 \
	MOVQ  gridLoop512_a(T), A0           \
	LEAQ  (A0)(LDA*4), A4                \
	MOVQ  gridLoop512_b(T), B            \
	MOVQ  gridLoop512_next(T), AHEAD     \
	MOVQ  gridLoop512_k(T), K            \
	SUBQ  $4, K                          \
	JGE   fourX                          \
	JMP   fewX                           \
	HALF(beginX, shortX, fourX, fewX, oneX, stairsX, endX, beyondX, beginY, lastX, LOADB, ROW, EACHX, STAIRSX, END, END0Y, END1Y, END2Y, END3Y, Y4, Y5, Y6) \
	HALF(beginY, shortY, fourY, fewY, oneY, stairsY, endY, beyondY, beginX, lastY, LOADB, ROW, EACHY, STAIRSY, END, END0X, END1X, END2X, END3X, X4, X5, X6) \
lastX:                                       \
	END0X(END)                           \
	END1X(END)                           \
	END2X(END)                           \
	END3X(END)                           \
	X4(END)                              \
	X5(END)                              \
	X6(END)                              \
	VZEROUPPER                           \
	RET                                  \
lastY:                                       \
	END0Y(END)                           \
	END1Y(END)                           \
	END2Y(END)                           \
	END3Y(END)                           \
	Y4(END)                              \
	Y5(END)                              \
	Y6(END)                              \
	VZEROUPPER                           \
	RET

GRID(·grid4x1AVX512, LOADB1, ROW1, ROWS4X, ROWS4Y, STAIRS4X, STAIRS4Y, END1, NONE, NONE, NONE, NONE, NONE, NONE)
GRID(·grid5x1AVX512, LOADB1, ROW1, ROWS5X, ROWS5Y, STAIRS5X, STAIRS5Y, END1, END4X, NONE, NONE, END4Y, NONE, NONE)
GRID(·grid6x1AVX512, LOADB1, ROW1, ROWS6X, ROWS6Y, STAIRS6X, STAIRS6Y, END1, END4X, END5X, NONE, END4Y, END5Y, NONE)
GRID(·grid7x1AVX512, LOADB1, ROW1, ROWS7X, ROWS7Y, STAIRS7X, STAIRS7Y, END1, END4X, END5X, END6X, END4Y, END5Y, END6Y)
GRID(·grid4x2AVX512, LOADB2, ROW2, ROWS4X, ROWS4Y, STAIRS4X, STAIRS4Y, END2, NONE, NONE, NONE, NONE, NONE, NONE)
GRID(·grid5x2AVX512, LOADB2, ROW2, ROWS5X, ROWS5Y, STAIRS5X, STAIRS5Y, END2, END4X, NONE, NONE, END4Y, NONE, NONE)
GRID(·grid6x2AVX512, LOADB2, ROW2, ROWS6X, ROWS6Y, STAIRS6X, STAIRS6Y, END2, END4X, END5X, NONE, END4Y, END5Y, NONE)
GRID(·grid7x2AVX512, LOADB2, ROW2, ROWS7X, ROWS7Y, STAIRS7X, STAIRS7Y, END2, END4X, END5X, END6X, END4Y, END5Y, END6Y)

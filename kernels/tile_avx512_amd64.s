//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// Tiles of AVX-512; what they compute stands at the type tile, and their form in tile_avx2_amd64.s.
//
// The greatest is 14 rows by two panels: 28 accumulators, two registers of b, two broadcasts in turn. A step of k is 28
// multiply-adds (14 cycles on two ports) and 16 loads (8 cycles).
//
//	                  b[l][0..15]  b[l][16..31]
//	                     Z28          Z29
//	a[0][l]  → Z30   │   Z0     │     Z1     │
//	a[1][l]  → Z31   │   Z2     │     Z3     │
//	  ...                 ...          ...
//	a[13][l] → Z31   │   Z26    │     Z27    │
//
// Few rows take more panels, so that eight chains or more hide the latency of the multiply-add: up to 3 rows by four panels
// (12 accumulators, broadcasts in Z24..Z26, b in Z28), one row by eight (8 accumulators, b from memory).

#define T      DI  // the tile
#define A0     R8  // row 0 of A, at l; row 4; row 8; row 12
#define A4     R10
#define A8     R11
#define A12    BX
#define LDA    R9  // bytes from a row of A to the next
#define LDA3   AX  // 3·LDA
#define B      R12 // row l of panel 0; of panel 4
#define B4     SI
#define PANEL  R13 // bytes from a panel to the next
#define PANEL3 R14 // 3·PANEL
#define COUNT  R15 // tiles to do
#define DONE   DX  // rows done
#define K      CX
#define P      SI  // after the steps: a row of C, or of what is added
#define LD     AX  // bytes from there to the next

// One step of k. b is prefetched 32 rows ahead, for when it comes from far: with few rows, or with the next block.
// ROW is a row of two panels: a is the element, x a register for the broadcast, z0 and z1 the accumulators.
#define ROW(a, x, z0, z1) \
	VBROADCASTSS a, x        \
	VFMADD231PS  Z28, x, z0  \
	VFMADD231PS  Z29, x, z1

#define STEP1x2(d) \
	VMOVUPS (16*d)(B), Z28           \
	VMOVUPS (16*d)(B)(PANEL*1), Z29  \
	PREFETCHT0 (16*d+2048)(B)        \
	PREFETCHT0 (16*d+2048)(B)(PANEL*1) \
	ROW(d(A0), Z30, Z0, Z1)
#define STEP2x2(d) STEP1x2(d) \
	ROW(d(A0)(LDA*1), Z31, Z2, Z3)
#define STEP3x2(d) STEP2x2(d) \
	ROW(d(A0)(LDA*2), Z30, Z4, Z5)
#define STEP4x2(d) STEP3x2(d) \
	ROW(d(A0)(LDA3*1), Z31, Z6, Z7)
#define STEP5x2(d) STEP4x2(d) \
	ROW(d(A4), Z30, Z8, Z9)
#define STEP6x2(d) STEP5x2(d) \
	ROW(d(A4)(LDA*1), Z31, Z10, Z11)
#define STEP7x2(d) STEP6x2(d) \
	ROW(d(A4)(LDA*2), Z30, Z12, Z13)
#define STEP8x2(d) STEP7x2(d) \
	ROW(d(A4)(LDA3*1), Z31, Z14, Z15)
#define STEP9x2(d) STEP8x2(d) \
	ROW(d(A8), Z30, Z16, Z17)
#define STEP10x2(d) STEP9x2(d) \
	ROW(d(A8)(LDA*1), Z31, Z18, Z19)
#define STEP11x2(d) STEP10x2(d) \
	ROW(d(A8)(LDA*2), Z30, Z20, Z21)
#define STEP12x2(d) STEP11x2(d) \
	ROW(d(A8)(LDA3*1), Z31, Z22, Z23)
#define STEP13x2(d) STEP12x2(d) \
	ROW(d(A12), Z30, Z24, Z25)
#define STEP14x2(d) STEP13x2(d) \
	ROW(d(A12)(LDA*1), Z31, Z26, Z27)

// The same for one panel, with b in Z28 and a broadcast from memory.
#define STEP1x1(d) \
	VMOVUPS (16*d)(B), Z28 \
	VFMADD231PS.BCST d(A0), Z28, Z0
#define STEP2x1(d) STEP1x1(d) \
	VFMADD231PS.BCST d(A0)(LDA*1), Z28, Z2
#define STEP3x1(d) STEP2x1(d) \
	VFMADD231PS.BCST d(A0)(LDA*2), Z28, Z4
#define STEP4x1(d) STEP3x1(d) \
	VFMADD231PS.BCST d(A0)(LDA3*1), Z28, Z6
#define STEP5x1(d) STEP4x1(d) \
	VFMADD231PS.BCST d(A4), Z28, Z8
#define STEP6x1(d) STEP5x1(d) \
	VFMADD231PS.BCST d(A4)(LDA*1), Z28, Z10
#define STEP7x1(d) STEP6x1(d) \
	VFMADD231PS.BCST d(A4)(LDA*2), Z28, Z12
#define STEP8x1(d) STEP7x1(d) \
	VFMADD231PS.BCST d(A4)(LDA3*1), Z28, Z14
#define STEP9x1(d) STEP8x1(d) \
	VFMADD231PS.BCST d(A8), Z28, Z16
#define STEP10x1(d) STEP9x1(d) \
	VFMADD231PS.BCST d(A8)(LDA*1), Z28, Z18
#define STEP11x1(d) STEP10x1(d) \
	VFMADD231PS.BCST d(A8)(LDA*2), Z28, Z20
#define STEP12x1(d) STEP11x1(d) \
	VFMADD231PS.BCST d(A8)(LDA3*1), Z28, Z22
#define STEP13x1(d) STEP12x1(d) \
	VFMADD231PS.BCST d(A12), Z28, Z24
#define STEP14x1(d) STEP13x1(d) \
	VFMADD231PS.BCST d(A12)(LDA*1), Z28, Z26

// The same for four panels: one of them, in Z28, by the broadcasts Z24..Z26.
#define BY1(b, z0) \
	VMOVUPS     b, Z28       \
	VFMADD231PS Z28, Z24, z0
#define BY2(b, z0, z1) BY1(b, z0) \
	VFMADD231PS Z28, Z25, z1
#define BY3(b, z0, z1, z2) BY2(b, z0, z1) \
	VFMADD231PS Z28, Z26, z2

#define STEP1x4(d) \
	VBROADCASTSS d(A0), Z24             \
	BY1((16*d)(B), Z0)               \
	BY1((16*d)(B)(PANEL*1), Z1)      \
	BY1((16*d)(B)(PANEL*2), Z2)      \
	BY1((16*d)(B)(PANEL3*1), Z3)
#define STEP2x4(d) \
	VBROADCASTSS d(A0), Z24             \
	VBROADCASTSS d(A0)(LDA*1), Z25      \
	BY2((16*d)(B), Z0, Z4)           \
	BY2((16*d)(B)(PANEL*1), Z1, Z5)  \
	BY2((16*d)(B)(PANEL*2), Z2, Z6)  \
	BY2((16*d)(B)(PANEL3*1), Z3, Z7)
#define STEP3x4(d) \
	VBROADCASTSS d(A0), Z24                 \
	VBROADCASTSS d(A0)(LDA*1), Z25          \
	VBROADCASTSS d(A0)(LDA*2), Z26          \
	BY3((16*d)(B), Z0, Z4, Z8)           \
	BY3((16*d)(B)(PANEL*1), Z1, Z5, Z9)  \
	BY3((16*d)(B)(PANEL*2), Z2, Z6, Z10) \
	BY3((16*d)(B)(PANEL3*1), Z3, Z7, Z11)
#define STEP1x8(d) \
	VBROADCASTSS d(A0), Z24                     \
	VFMADD231PS  (16*d)(B), Z24, Z0             \
	VFMADD231PS  (16*d)(B)(PANEL*1), Z24, Z1    \
	VFMADD231PS  (16*d)(B)(PANEL*2), Z24, Z2    \
	VFMADD231PS  (16*d)(B)(PANEL3*1), Z24, Z3   \
	VFMADD231PS  (16*d)(B4), Z24, Z4            \
	VFMADD231PS  (16*d)(B4)(PANEL*1), Z24, Z5   \
	VFMADD231PS  (16*d)(B4)(PANEL*2), Z24, Z6   \
	VFMADD231PS  (16*d)(B4)(PANEL3*1), Z24, Z7

// EACH applies OP to the accumulators of each row, with P at the row: OP(offset in the row, register).
#define NEXT ADDQ LD, P
#define PAIR(OP, z0, z1) \
	OP(0, z0)  \
	OP(64, z1)
#define QUAD(OP, z0, z1, z2, z3) PAIR(OP, z0, z1) \
	OP(128, z2) \
	OP(192, z3)

#define EACH1x1(OP) OP(0, Z0)
#define EACH2x1(OP) EACH1x1(OP) \
	NEXT \
	OP(0, Z2)
#define EACH3x1(OP) EACH2x1(OP) \
	NEXT \
	OP(0, Z4)
#define EACH4x1(OP) EACH3x1(OP) \
	NEXT \
	OP(0, Z6)
#define EACH5x1(OP) EACH4x1(OP) \
	NEXT \
	OP(0, Z8)
#define EACH6x1(OP) EACH5x1(OP) \
	NEXT \
	OP(0, Z10)
#define EACH7x1(OP) EACH6x1(OP) \
	NEXT \
	OP(0, Z12)
#define EACH8x1(OP) EACH7x1(OP) \
	NEXT \
	OP(0, Z14)
#define EACH9x1(OP) EACH8x1(OP) \
	NEXT \
	OP(0, Z16)
#define EACH10x1(OP) EACH9x1(OP) \
	NEXT \
	OP(0, Z18)
#define EACH11x1(OP) EACH10x1(OP) \
	NEXT \
	OP(0, Z20)
#define EACH12x1(OP) EACH11x1(OP) \
	NEXT \
	OP(0, Z22)
#define EACH13x1(OP) EACH12x1(OP) \
	NEXT \
	OP(0, Z24)
#define EACH14x1(OP) EACH13x1(OP) \
	NEXT \
	OP(0, Z26)

#define EACH1x2(OP) PAIR(OP, Z0, Z1)
#define EACH2x2(OP) EACH1x2(OP) \
	NEXT \
	PAIR(OP, Z2, Z3)
#define EACH3x2(OP) EACH2x2(OP) \
	NEXT \
	PAIR(OP, Z4, Z5)
#define EACH4x2(OP) EACH3x2(OP) \
	NEXT \
	PAIR(OP, Z6, Z7)
#define EACH5x2(OP) EACH4x2(OP) \
	NEXT \
	PAIR(OP, Z8, Z9)
#define EACH6x2(OP) EACH5x2(OP) \
	NEXT \
	PAIR(OP, Z10, Z11)
#define EACH7x2(OP) EACH6x2(OP) \
	NEXT \
	PAIR(OP, Z12, Z13)
#define EACH8x2(OP) EACH7x2(OP) \
	NEXT \
	PAIR(OP, Z14, Z15)
#define EACH9x2(OP) EACH8x2(OP) \
	NEXT \
	PAIR(OP, Z16, Z17)
#define EACH10x2(OP) EACH9x2(OP) \
	NEXT \
	PAIR(OP, Z18, Z19)
#define EACH11x2(OP) EACH10x2(OP) \
	NEXT \
	PAIR(OP, Z20, Z21)
#define EACH12x2(OP) EACH11x2(OP) \
	NEXT \
	PAIR(OP, Z22, Z23)
#define EACH13x2(OP) EACH12x2(OP) \
	NEXT \
	PAIR(OP, Z24, Z25)
#define EACH14x2(OP) EACH13x2(OP) \
	NEXT \
	PAIR(OP, Z26, Z27)

#define EACH1x4(OP) QUAD(OP, Z0, Z1, Z2, Z3)
#define EACH2x4(OP) EACH1x4(OP) \
	NEXT \
	QUAD(OP, Z4, Z5, Z6, Z7)
#define EACH3x4(OP) EACH2x4(OP) \
	NEXT \
	QUAD(OP, Z8, Z9, Z10, Z11)
#define EACH1x8(OP) EACH1x4(OP) \
	OP(256, Z4) \
	OP(320, Z5) \
	OP(384, Z6) \
	OP(448, Z7)

#define ADD(o, z) VADDPS o(P), z, z
#define MUL(o, z) VMULPS.BCST (P), z, z
#define STORE(o, z) VMOVUPS z, o(P)
#define LOAD(o, z) VMOVUPS o(P), z
#define ZERO(o, z) VPXORD z, z, z

// AT sets P to row DONE of an array, and LD to its stride.
#define AT(array, stride) \
	MOVQ  stride(T), LD \
	MOVQ  LD, P         \
	IMULQ DONE, P       \
	ADDQ  array(T), P

#define TILE(name, rows, STEP, EACH) \
TEXT name(SB), NOSPLIT, $0-8        \
	MOVQ  t+0(FP), T            \
	MOVQ  tile_lda(T), LDA      \
	MOVQ  tile_panel(T), PANEL  \
	LEAQ  (PANEL)(PANEL*2), PANEL3 \
	MOVQ  tile_count(T), COUNT  \
	XORQ  DONE, DONE            \
tile:                               \
	EACH(ZERO)                  \
	TESTQ $const_tileLoad, tile_flags(T) \
	JEQ   begin                 \
	AT(tile_sum, tile_lds)      \
	EACH(LOAD)                  \
begin:                              \
	MOVQ  LDA, A0               \
	IMULQ DONE, A0              \
	ADDQ  tile_a(T), A0         \
	LEAQ  (A0)(LDA*4), A4       \
	LEAQ  (A4)(LDA*4), A8       \
	LEAQ  (A8)(LDA*4), A12      \
	LEAQ  (LDA)(LDA*2), LDA3    \
	MOVQ  tile_b(T), B          \
	LEAQ  (B)(PANEL*4), B4      \
	MOVQ  tile_k(T), K          \
	SUBQ  $4, K                 \
	JLT   tail                  \
four:                               \
	STEP(0)                     \
	STEP(4)                     \
	STEP(8)                     \
	STEP(12)                    \
	ADDQ  $16, A0               \
	ADDQ  $16, A4               \
	ADDQ  $16, A8               \
	ADDQ  $16, A12              \
	ADDQ  $256, B               \
	ADDQ  $256, B4              \
	SUBQ  $4, K                 \
	JGE   four                  \
tail:                               \
	ADDQ  $4, K                 \
	JEQ   sum                   \
one:                                \
	STEP(0)                     \
	ADDQ  $4, A0                \
	ADDQ  $4, A4                \
	ADDQ  $4, A8                \
	ADDQ  $4, A12               \
	ADDQ  $64, B                \
	ADDQ  $64, B4               \
	DECQ  K                     \
	JNE   one                   \
sum:                                \
	MOVQ  tile_flags(T), BX     \
	TESTQ $const_tileAdd, BX    \
	JEQ   scale                 \
	AT(tile_sum, tile_lds)      \
	EACH(ADD)                   \
scale:                              \
	TESTQ $const_tileScale, BX  \
	JEQ   rowScale              \
	LEAQ  tile_scale(T), P      \
	XORQ  LD, LD                \
	EACH(MUL)                   \
rowScale:                           \
	TESTQ $const_tileRowScale, BX \
	JEQ   bias                  \
	MOVQ  tile_rowScale(T), P   \
	LEAQ  (P)(DONE*4), P        \
	MOVQ  $4, LD                \
	EACH(MUL)                   \
bias:                               \
	TESTQ $const_tileBias, BX   \
	JEQ   residual              \
	MOVQ  tile_bias(T), P       \
	XORQ  LD, LD                \
	EACH(ADD)                   \
residual:                           \
	TESTQ $const_tileResidual, BX \
	JEQ   store                 \
	AT(tile_residual, tile_ldr) \
	EACH(ADD)                   \
store:                              \
	AT(tile_c, tile_ldc)        \
	EACH(STORE)                 \
	ADDQ  $rows, DONE           \
	DECQ  COUNT                 \
	JNE   tile                  \
	VZEROUPPER                  \
	RET

TILE(·tile1x1AVX512, 1, STEP1x1, EACH1x1)
TILE(·tile2x1AVX512, 2, STEP2x1, EACH2x1)
TILE(·tile3x1AVX512, 3, STEP3x1, EACH3x1)
TILE(·tile4x1AVX512, 4, STEP4x1, EACH4x1)
TILE(·tile5x1AVX512, 5, STEP5x1, EACH5x1)
TILE(·tile6x1AVX512, 6, STEP6x1, EACH6x1)
TILE(·tile7x1AVX512, 7, STEP7x1, EACH7x1)
TILE(·tile8x1AVX512, 8, STEP8x1, EACH8x1)
TILE(·tile9x1AVX512, 9, STEP9x1, EACH9x1)
TILE(·tile10x1AVX512, 10, STEP10x1, EACH10x1)
TILE(·tile11x1AVX512, 11, STEP11x1, EACH11x1)
TILE(·tile12x1AVX512, 12, STEP12x1, EACH12x1)
TILE(·tile13x1AVX512, 13, STEP13x1, EACH13x1)
TILE(·tile14x1AVX512, 14, STEP14x1, EACH14x1)
TILE(·tile1x2AVX512, 1, STEP1x2, EACH1x2)
TILE(·tile2x2AVX512, 2, STEP2x2, EACH2x2)
TILE(·tile3x2AVX512, 3, STEP3x2, EACH3x2)
TILE(·tile4x2AVX512, 4, STEP4x2, EACH4x2)
TILE(·tile5x2AVX512, 5, STEP5x2, EACH5x2)
TILE(·tile6x2AVX512, 6, STEP6x2, EACH6x2)
TILE(·tile7x2AVX512, 7, STEP7x2, EACH7x2)
TILE(·tile8x2AVX512, 8, STEP8x2, EACH8x2)
TILE(·tile9x2AVX512, 9, STEP9x2, EACH9x2)
TILE(·tile10x2AVX512, 10, STEP10x2, EACH10x2)
TILE(·tile11x2AVX512, 11, STEP11x2, EACH11x2)
TILE(·tile12x2AVX512, 12, STEP12x2, EACH12x2)
TILE(·tile13x2AVX512, 13, STEP13x2, EACH13x2)
TILE(·tile14x2AVX512, 14, STEP14x2, EACH14x2)
TILE(·tile1x4AVX512, 1, STEP1x4, EACH1x4)
TILE(·tile2x4AVX512, 2, STEP2x4, EACH2x4)
TILE(·tile3x4AVX512, 3, STEP3x4, EACH3x4)
TILE(·tile1x8AVX512, 1, STEP1x8, EACH1x8)

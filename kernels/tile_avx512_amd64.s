//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "tile_amd64.h"

// Tiles of AVX-512; what they compute stands at the type tile, and their form in tile_amd64.h.
//
// The greatest is 6 rows by four panels: 24 accumulators, four registers of b, four broadcasts in turn. A step of k is 24
// multiply-adds (24 cycles on Zen 4, 12 where two begin in one) and 10 loads. The block of four panels is 64 KiB and comes from the
// second-level cache for every tile; but six rows of A and of C, whatever their distance, find room in the sets of the first. 14 rows
// by two panels do the same work with as many loads of that cache, and would need A to be copied.
//
//	                 b[l][0..15]  b[l][16..31]  b[l][32..47]  b[l][48..63]
//	                    Z24          Z25           Z26           Z27
//	a[0][l] → Z28   │   Z0     │     Z1      │     Z2      │     Z3     │
//	a[1][l] → Z29   │   Z4     │     Z5      │     Z6      │     Z7     │
//	  ...                ...          ...           ...           ...
//	a[5][l] → Z29   │   Z20    │     Z21     │     Z22     │     Z23    │
//
// Where fewer panels are left, tiles are of two or of one; one row takes eight, so that eight chains hide the latency of the
// multiply-add.

#define NEXTB  SI  // in tiles of few rows: row l of the first panel that is read next
#define B4     SI  // in tiles of eight panels: row l of panel 4

// One step of k. In the steps d is 4·l. ROW is a row of so many panels: a is the element of A, x a register for the
// broadcast.
#define ROW1(a, z0) \
	VFMADD231PS.BCST a, Z24, z0
#define ROW2(a, x, z0, z1) \
	VBROADCASTSS a, x        \
	VFMADD231PS  Z24, x, z0  \
	VFMADD231PS  Z25, x, z1
#define ROW4(a, x, z0, z1, z2, z3) ROW2(a, x, z0, z1) \
	VFMADD231PS  Z26, x, z2  \
	VFMADD231PS  Z27, x, z3

#define STEP1x1(d) \
	VMOVUPS (16*d)(B), Z24 \
	ROW1(d(A), Z0)
#define STEP2x1(d) STEP1x1(d) \
	ROW1(d(A)(LDA*1), Z4)
#define STEP3x1(d) STEP2x1(d) \
	ROW1(d(A)(LDA*2), Z8)
#define STEP4x1(d) STEP3x1(d) \
	ROW1(d(A)(LDA3*1), Z12)
#define STEP5x1(d) STEP4x1(d) \
	ROW1(d(A)(LDA*4), Z16)
#define STEP6x1(d) STEP5x1(d) \
	ROW1(d(A)(LDA5*1), Z20)

#define STEP1x2(d) \
	VMOVUPS (16*d)(B), Z24 \
	VMOVUPS (16*d)(B)(PANEL*1), Z25 \
	ROW2(d(A), Z28, Z0, Z1)
#define STEP2x2(d) STEP1x2(d) \
	ROW2(d(A)(LDA*1), Z29, Z4, Z5)
#define STEP3x2(d) STEP2x2(d) \
	ROW2(d(A)(LDA*2), Z30, Z8, Z9)
#define STEP4x2(d) STEP3x2(d) \
	ROW2(d(A)(LDA3*1), Z31, Z12, Z13)
#define STEP5x2(d) STEP4x2(d) \
	ROW2(d(A)(LDA*4), Z28, Z16, Z17)
#define STEP6x2(d) STEP5x2(d) \
	ROW2(d(A)(LDA5*1), Z29, Z20, Z21)

#define STEP1x4(d) \
	VMOVUPS (16*d)(B), Z24 \
	VMOVUPS (16*d)(B)(PANEL*1), Z25 \
	VMOVUPS (16*d)(B)(PANEL*2), Z26 \
	VMOVUPS (16*d)(B)(PANEL3*1), Z27 \
	ROW4(d(A), Z28, Z0, Z1, Z2, Z3)
#define STEP2x4(d) STEP1x4(d) \
	ROW4(d(A)(LDA*1), Z29, Z4, Z5, Z6, Z7)
#define STEP3x4(d) STEP2x4(d) \
	ROW4(d(A)(LDA*2), Z30, Z8, Z9, Z10, Z11)
#define STEP4x4(d) STEP3x4(d) \
	ROW4(d(A)(LDA3*1), Z31, Z12, Z13, Z14, Z15)
#define STEP5x4(d) STEP4x4(d) \
	ROW4(d(A)(LDA*4), Z28, Z16, Z17, Z18, Z19)
#define STEP6x4(d) STEP5x4(d) \
	ROW4(d(A)(LDA5*1), Z29, Z20, Z21, Z22, Z23)

#define STEP1x8(d) \
	VBROADCASTSS d(A), Z24                     \
	VFMADD231PS  (16*d)(B), Z24, Z0             \
	VFMADD231PS  (16*d)(B)(PANEL*1), Z24, Z1    \
	VFMADD231PS  (16*d)(B)(PANEL*2), Z24, Z2    \
	VFMADD231PS  (16*d)(B)(PANEL3*1), Z24, Z3   \
	VFMADD231PS  (16*d)(B4), Z24, Z4            \
	VFMADD231PS  (16*d)(B4)(PANEL*1), Z24, Z5   \
	VFMADD231PS  (16*d)(B4)(PANEL*2), Z24, Z6   \
	VFMADD231PS  (16*d)(B4)(PANEL3*1), Z24, Z7

// With few rows, panels come from far, and nothing else prefetches them: every step prefetches the same row of those that
// are read next. The processor's own prefetchers stop where a panel ends, and so would prefetches of a few rows ahead.
#define FAR1(d) \
	PREFETCHT1 (16*d)(NEXTB)
#define FAR2(d) \
	PREFETCHT1 (16*d)(NEXTB) \
	PREFETCHT1 (16*d)(NEXTB)(PANEL*1)
#define FAR4(d) \
	PREFETCHT1 (16*d)(NEXTB) \
	PREFETCHT1 (16*d)(NEXTB)(PANEL*1) \
	PREFETCHT1 (16*d)(NEXTB)(PANEL*2) \
	PREFETCHT1 (16*d)(NEXTB)(PANEL3*1)
#define FAR1x1(d) FAR1(d) \
	STEP1x1(d)
#define FAR2x1(d) FAR1(d) \
	STEP2x1(d)
#define FAR3x1(d) FAR1(d) \
	STEP3x1(d)
#define FAR4x1(d) FAR1(d) \
	STEP4x1(d)
#define FAR5x1(d) FAR1(d) \
	STEP5x1(d)
#define FAR6x1(d) FAR1(d) \
	STEP6x1(d)
#define FAR1x2(d) FAR2(d) \
	STEP1x2(d)
#define FAR2x2(d) FAR2(d) \
	STEP2x2(d)
#define FAR3x2(d) FAR2(d) \
	STEP3x2(d)
#define FAR4x2(d) FAR2(d) \
	STEP4x2(d)
#define FAR5x2(d) FAR2(d) \
	STEP5x2(d)
#define FAR6x2(d) FAR2(d) \
	STEP6x2(d)
#define FAR1x4(d) FAR4(d) \
	STEP1x4(d)
#define FAR2x4(d) FAR4(d) \
	STEP2x4(d)
#define FAR3x4(d) FAR4(d) \
	STEP3x4(d)
#define FAR4x4(d) FAR4(d) \
	STEP4x4(d)
#define FAR5x4(d) FAR4(d) \
	STEP5x4(d)
#define FAR6x4(d) FAR4(d) \
	STEP6x4(d)

// EACH applies OP to the accumulators of each row, with P at the row: OP(offset in the row, register).
#define NEXT ADDQ LD, P
#define EACH1x1(OP) \
	OP(0, Z0)
#define EACH2x1(OP) EACH1x1(OP) \
	NEXT \
	OP(0, Z4)
#define EACH3x1(OP) EACH2x1(OP) \
	NEXT \
	OP(0, Z8)
#define EACH4x1(OP) EACH3x1(OP) \
	NEXT \
	OP(0, Z12)
#define EACH5x1(OP) EACH4x1(OP) \
	NEXT \
	OP(0, Z16)
#define EACH6x1(OP) EACH5x1(OP) \
	NEXT \
	OP(0, Z20)
#define EACH1x2(OP) \
	OP(0, Z0) \
	OP(64, Z1)
#define EACH2x2(OP) EACH1x2(OP) \
	NEXT \
	OP(0, Z4) \
	OP(64, Z5)
#define EACH3x2(OP) EACH2x2(OP) \
	NEXT \
	OP(0, Z8) \
	OP(64, Z9)
#define EACH4x2(OP) EACH3x2(OP) \
	NEXT \
	OP(0, Z12) \
	OP(64, Z13)
#define EACH5x2(OP) EACH4x2(OP) \
	NEXT \
	OP(0, Z16) \
	OP(64, Z17)
#define EACH6x2(OP) EACH5x2(OP) \
	NEXT \
	OP(0, Z20) \
	OP(64, Z21)
#define EACH1x4(OP) \
	OP(0, Z0) \
	OP(64, Z1) \
	OP(128, Z2) \
	OP(192, Z3)
#define EACH2x4(OP) EACH1x4(OP) \
	NEXT \
	OP(0, Z4) \
	OP(64, Z5) \
	OP(128, Z6) \
	OP(192, Z7)
#define EACH3x4(OP) EACH2x4(OP) \
	NEXT \
	OP(0, Z8) \
	OP(64, Z9) \
	OP(128, Z10) \
	OP(192, Z11)
#define EACH4x4(OP) EACH3x4(OP) \
	NEXT \
	OP(0, Z12) \
	OP(64, Z13) \
	OP(128, Z14) \
	OP(192, Z15)
#define EACH5x4(OP) EACH4x4(OP) \
	NEXT \
	OP(0, Z16) \
	OP(64, Z17) \
	OP(128, Z18) \
	OP(192, Z19)
#define EACH6x4(OP) EACH5x4(OP) \
	NEXT \
	OP(0, Z20) \
	OP(64, Z21) \
	OP(128, Z22) \
	OP(192, Z23)
#define EACH1x8(OP) EACH1x4(OP) \
	OP(256, Z4) \
	OP(320, Z5) \
	OP(384, Z6) \
	OP(448, Z7)

#define ADD(o, z) VADDPS o(P), z, z
#define MUL(o, z) VMULPS.BCST (P), z, z
#define STORE(o, z) VMOVUPS z, o(P)
#define FETCH(o, z) PREFETCHT1 o(P)
#define LOAD(o, z) VMOVUPS o(P), z
#define ZERO(o, z) VPXORD z, z, z

// What comes next is prefetched into the second-level cache: as many lines as there are panels.
#define ASK1(a) PREFETCHT1 a
#define ASK2(a) ASK1(a) \
	PREFETCHT1 64 a
#define ASK4(a) ASK2(a) \
	PREFETCHT1 128 a \
	PREFETCHT1 192 a
#define BEGIN MOVQ AHEAD, NEXTB
#define ON(n) ADDQ $(64*n), NEXTB
#define NONE
#define STAY(n)

COLUMN(column1x1, 1, FAR1x1, EACH1x1, ASK1, BEGIN, ON)
COLUMN(column2x1, 2, FAR2x1, EACH2x1, ASK1, BEGIN, ON)
COLUMN(column3x1, 3, FAR3x1, EACH3x1, ASK1, BEGIN, ON)
COLUMN(column4x1, 4, FAR4x1, EACH4x1, ASK1, BEGIN, ON)
COLUMN(column5x1, 5, FAR5x1, EACH5x1, ASK1, BEGIN, ON)
COLUMN(column6x1, 6, FAR6x1, EACH6x1, ASK1, BEGIN, ON)
COLUMN(column1x2, 1, FAR1x2, EACH1x2, ASK2, BEGIN, ON)
COLUMN(column2x2, 2, FAR2x2, EACH2x2, ASK2, BEGIN, ON)
COLUMN(column3x2, 3, FAR3x2, EACH3x2, ASK2, BEGIN, ON)
COLUMN(column4x2, 4, FAR4x2, EACH4x2, ASK2, BEGIN, ON)
COLUMN(column5x2, 5, FAR5x2, EACH5x2, ASK2, BEGIN, ON)
COLUMN(column6x2, 6, FAR6x2, EACH6x2, ASK2, BEGIN, ON)
COLUMN(column1x4, 1, FAR1x4, EACH1x4, ASK4, BEGIN, ON)
COLUMN(column2x4, 2, FAR2x4, EACH2x4, ASK4, BEGIN, ON)
COLUMN(column3x4, 3, FAR3x4, EACH3x4, ASK4, BEGIN, ON)
COLUMN(column4x4, 4, FAR4x4, EACH4x4, ASK4, BEGIN, ON)
COLUMN(column5x4, 5, FAR5x4, EACH5x4, ASK4, BEGIN, ON)
COLUMN(column6x4, 6, FAR6x4, EACH6x4, ASK4, BEGIN, ON)
COLUMN(column3x4Many, 3, STEP3x4, EACH3x4, ASK4, NONE, STAY)
COLUMN(column4x4Many, 4, STEP4x4, EACH4x4, ASK4, NONE, STAY)
COLUMN(column5x4Many, 5, STEP5x4, EACH5x4, ASK4, NONE, STAY)
COLUMN(column6x4Many, 6, STEP6x4, EACH6x4, ASK4, NONE, STAY)

#define BEGIN8 LEAQ (B)(PANEL*4), B4
#define ON8(n) ADDQ $(64*n), B4
COLUMN(column1x8, 1, STEP1x8, EACH1x8, ASK1, BEGIN8, ON8)

TILE(·tile1x1AVX512, column1x1, column1x1)
TILE(·tile2x1AVX512, column2x1, column1x1)
TILE(·tile3x1AVX512, column3x1, column2x1)
TILE(·tile4x1AVX512, column4x1, column3x1)
TILE(·tile5x1AVX512, column5x1, column4x1)
TILE(·tile6x1AVX512, column6x1, column5x1)
TILE(·tile1x2AVX512, column1x2, column1x2)
TILE(·tile2x2AVX512, column2x2, column1x2)
TILE(·tile3x2AVX512, column3x2, column2x2)
TILE(·tile4x2AVX512, column4x2, column3x2)
TILE(·tile5x2AVX512, column5x2, column4x2)
TILE(·tile6x2AVX512, column6x2, column5x2)
TILE(·tile1x4AVX512, column1x4, column1x4)
TILE(·tile2x4AVX512, column2x4, column1x4)
TILE(·tile3x4AVX512, column3x4, column2x4)
TILE(·tile4x4AVX512, column4x4, column3x4)
TILE(·tile5x4AVX512, column5x4, column4x4)
TILE(·tile6x4AVX512, column6x4, column5x4)
TILE(·tile4x4ManyAVX512, column4x4Many, column3x4Many)
TILE(·tile5x4ManyAVX512, column5x4Many, column4x4Many)
TILE(·tile6x4ManyAVX512, column6x4Many, column5x4Many)
TILE(·tile1x8AVX512, column1x8, column1x8)

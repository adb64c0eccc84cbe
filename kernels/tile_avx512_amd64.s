//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "tile_amd64.h"
#include "tile_avx512_amd64.h"

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

#define B4     SI  // in tiles of eight panels: row l of panel 4

// One step of k. ROWOF loads a row of so many panels.
#define ROWOF1(d) \
	VMOVUPS (16*d)(B), Z24
#define ROWOF2(d) ROWOF1(d) \
	VMOVUPS (16*d)(B)(PANEL*1), Z25
#define ROWOF4(d) ROWOF2(d) \
	VMOVUPS (16*d)(B)(PANEL*2), Z26 \
	VMOVUPS (16*d)(B)(PANEL3*1), Z27

// With few rows, panels come from far, and nothing else prefetches them: every step prefetches the same row of those that are read
// next. The processor's own prefetchers stop where a panel ends, and so would prefetches of a few rows ahead.
#define FAR1(d) ROWOF1(d) \
	PREFETCHT1 (16*d)(NEXTB)
#define FAR2(d) ROWOF2(d) \
	PREFETCHT1 (16*d)(NEXTB) \
	PREFETCHT1 (16*d)(NEXTB)(PANEL*1)
#define FAR4(d) ROWOF4(d) \
	PREFETCHT1 (16*d)(NEXTB) \
	PREFETCHT1 (16*d)(NEXTB)(PANEL*1) \
	PREFETCHT1 (16*d)(NEXTB)(PANEL*2) \
	PREFETCHT1 (16*d)(NEXTB)(PANEL3*1)

#define STEP1x1(d) FAR1(d); ROWS1x1(d)
#define STEP2x1(d) FAR1(d); ROWS2x1(d)
#define STEP3x1(d) FAR1(d); ROWS3x1(d)
#define STEP4x1(d) FAR1(d); ROWS4x1(d)
#define STEP5x1(d) FAR1(d); ROWS5x1(d)
#define STEP6x1(d) FAR1(d); ROWS6x1(d)
#define STEP1x2(d) FAR2(d); ROWS1x2(d)
#define STEP2x2(d) FAR2(d); ROWS2x2(d)
#define STEP3x2(d) FAR2(d); ROWS3x2(d)
#define STEP4x2(d) FAR2(d); ROWS4x2(d)
#define STEP5x2(d) FAR2(d); ROWS5x2(d)
#define STEP6x2(d) FAR2(d); ROWS6x2(d)
#define STEP1x4(d) FAR4(d); ROWS1x4(d)
#define STEP2x4(d) FAR4(d); ROWS2x4(d)
#define STEP3x4(d) FAR4(d); ROWS3x4(d)
#define STEP4x4(d) FAR4(d); ROWS4x4(d)
#define STEP5x4(d) FAR4(d); ROWS5x4(d)
#define STEP6x4(d) FAR4(d); ROWS6x4(d)
#define MANY3x4(d) ROWOF4(d); ROWS3x4(d)
#define MANY4x4(d) ROWOF4(d); ROWS4x4(d)
#define MANY5x4(d) ROWOF4(d); ROWS5x4(d)
#define MANY6x4(d) ROWOF4(d); ROWS6x4(d)

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

#define EACH1x8(OP) EACH1x4(OP) \
	OP(256, Z4) \
	OP(320, Z5) \
	OP(384, Z6) \
	OP(448, Z7)

#define ON(n) ADDQ $(64*n), NEXTB

COLUMN(column1x1, 1, 64, STEP1x1, EACH1x1, ASK1, BEGIN, ON)
COLUMN(column2x1, 2, 64, STEP2x1, EACH2x1, ASK1, BEGIN, ON)
COLUMN(column3x1, 3, 64, STEP3x1, EACH3x1, ASK1, BEGIN, ON)
COLUMN(column4x1, 4, 64, STEP4x1, EACH4x1, ASK1, BEGIN, ON)
COLUMN(column5x1, 5, 64, STEP5x1, EACH5x1, ASK1, BEGIN, ON)
COLUMN(column6x1, 6, 64, STEP6x1, EACH6x1, ASK1, BEGIN, ON)
COLUMN(column1x2, 1, 64, STEP1x2, EACH1x2, ASK2, BEGIN, ON)
COLUMN(column2x2, 2, 64, STEP2x2, EACH2x2, ASK2, BEGIN, ON)
COLUMN(column3x2, 3, 64, STEP3x2, EACH3x2, ASK2, BEGIN, ON)
COLUMN(column4x2, 4, 64, STEP4x2, EACH4x2, ASK2, BEGIN, ON)
COLUMN(column5x2, 5, 64, STEP5x2, EACH5x2, ASK2, BEGIN, ON)
COLUMN(column6x2, 6, 64, STEP6x2, EACH6x2, ASK2, BEGIN, ON)
COLUMN(column1x4, 1, 64, STEP1x4, EACH1x4, ASK4, BEGIN, ON)
COLUMN(column2x4, 2, 64, STEP2x4, EACH2x4, ASK4, BEGIN, ON)
COLUMN(column3x4, 3, 64, STEP3x4, EACH3x4, ASK4, BEGIN, ON)
COLUMN(column4x4, 4, 64, STEP4x4, EACH4x4, ASK4, BEGIN, ON)
COLUMN(column5x4, 5, 64, STEP5x4, EACH5x4, ASK4, BEGIN, ON)
COLUMN(column6x4, 6, 64, STEP6x4, EACH6x4, ASK4, BEGIN, ON)
COLUMN(column3x4Many, 3, 64, MANY3x4, EACH3x4, ASK4, NONE, STAY)
COLUMN(column4x4Many, 4, 64, MANY4x4, EACH4x4, ASK4, NONE, STAY)
COLUMN(column5x4Many, 5, 64, MANY5x4, EACH5x4, ASK4, NONE, STAY)
COLUMN(column6x4Many, 6, 64, MANY6x4, EACH6x4, ASK4, NONE, STAY)

#define BEGIN8 LEAQ (B)(PANEL*4), B4
#define ON8(n) ADDQ $(64*n), B4
COLUMN(column1x8, 1, 64, STEP1x8, EACH1x8, ASK1, BEGIN8, ON8)

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

// func part16AVX512(gate, up, src *float32, ld uintptr, rows, panels int)
//
// Copies rows of so many pairs of 16 elements: the first of a pair to a row of gate, the second to one of up, which lie ld bytes apart.
TEXT ·part16AVX512(SB), NOSPLIT, $0-48
	MOVQ gate+0(FP), DI
	MOVQ up+8(FP), DX
	MOVQ src+16(FP), SI
	MOVQ ld+24(FP), R9
	MOVQ rows+32(FP), CX
	MOVQ panels+40(FP), R8
row:
	XORQ BX, BX
	MOVQ R8, AX
pair:
	VMOVUPS (SI), Z0
	VMOVUPS 64(SI), Z1
	VMOVUPS Z0, (DI)(BX*1)
	VMOVUPS Z1, (DX)(BX*1)
	ADDQ    $128, SI
	ADDQ    $64, BX
	DECQ    AX
	JNE     pair
	ADDQ    R9, DI
	ADDQ    R9, DX
	DECQ    CX
	JNE     row
	VZEROUPPER
	RET

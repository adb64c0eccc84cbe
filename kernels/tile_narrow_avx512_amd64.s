//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "tile_amd64.h"
#include "tile_avx512_amd64.h"

// Tiles of AVX-512 that read panels of 16 bits and widen them in registers. What they compute stands at the type tile; tile_avx512_amd64.s has the same tiles of float32.

#define ON(n) ADDQ $(32*n), NEXTB

// A row of a panel into a register.
#define BFLOAT16(m, z) \
	VPMOVZXWD m, z       \
	VPSLLD    $16, z, z
#define FLOAT16(m, z) VCVTPH2PS m, z

// Two rows of bfloat16 are a line. Tiles of four panels take both from where it begins, by one VPERMW each: on Zen 4 broadcasts,
// shifts and all that widens share three ports with the multiply-adds. Z30 and Z31 (tile_streams_avx512_amd64.s has them) tell which numbers
// of a line go to the upper halves of 32 bits, which K1 marks.
#define BEGINLINES \
	MOVL    $0xaaaaaaaa, K  \
	KMOVD   K, K1           \
	VMOVUPS ·evenRow(SB), Z30 \
	VMOVUPS ·oddRow(SB), Z31
#define BEGINFARLINES BEGIN; BEGINLINES
#define ROWOFLINES(d, index) \
	VPERMW.Z (d)(B), index, K1, Z24 \
	VPERMW.Z (d)(B)(PANEL*1), index, K1, Z25 \
	VPERMW.Z (d)(B)(PANEL*2), index, K1, Z26 \
	VPERMW.Z (d)(B)(PANEL3*1), index, K1, Z27
#define EVENROW(d) ROWOFLINES(8*d, Z30)
#define ODDROW(d) ROWOFLINES(8*d-32, Z31)

// One step of k, as in tile_avx512_amd64.s. Two steps prefetch the same lines.
#define ROWOF1(WIDEN, d) \
	WIDEN((8*d)(B), Z24)
#define ROWOF2(WIDEN, d) ROWOF1(WIDEN, d) \
	WIDEN((8*d)(B)(PANEL*1), Z25)
#define ROWOF4(WIDEN, d) ROWOF2(WIDEN, d) \
	WIDEN((8*d)(B)(PANEL*2), Z26) \
	WIDEN((8*d)(B)(PANEL3*1), Z27)
#define FAR1(d) \
	PREFETCHT1 (8*d)(NEXTB)
#define FAR2(d) FAR1(d) \
	PREFETCHT1 (8*d)(NEXTB)(PANEL*1)
#define FAR4(d) FAR2(d) \
	PREFETCHT1 (8*d)(NEXTB)(PANEL*2) \
	PREFETCHT1 (8*d)(NEXTB)(PANEL3*1)

#define BF1x1(d) FAR1(d); ROWOF1(BFLOAT16, d); ROWS1x1(d)
#define BF2x1(d) FAR1(d); ROWOF1(BFLOAT16, d); ROWS2x1(d)
#define BF3x1(d) FAR1(d); ROWOF1(BFLOAT16, d); ROWS3x1(d)
#define BF4x1(d) FAR1(d); ROWOF1(BFLOAT16, d); ROWS4x1(d)
#define BF5x1(d) FAR1(d); ROWOF1(BFLOAT16, d); ROWS5x1(d)
#define BF6x1(d) FAR1(d); ROWOF1(BFLOAT16, d); ROWS6x1(d)
#define BF1x2(d) FAR2(d); ROWOF2(BFLOAT16, d); ROWS1x2(d)
#define BF2x2(d) FAR2(d); ROWOF2(BFLOAT16, d); ROWS2x2(d)
#define BF3x2(d) FAR2(d); ROWOF2(BFLOAT16, d); ROWS3x2(d)
#define BF4x2(d) FAR2(d); ROWOF2(BFLOAT16, d); ROWS4x2(d)
#define BF5x2(d) FAR2(d); ROWOF2(BFLOAT16, d); ROWS5x2(d)
#define BF6x2(d) FAR2(d); ROWOF2(BFLOAT16, d); ROWS6x2(d)
#define BF1x4(d) FAR4(d); ROWOF4(BFLOAT16, d); ROWS1x4(d)
#define BF2x4(d) FAR4(d); ROWOF4(BFLOAT16, d); ROWS2x4(d)
#define BF3x4(d) FAR4(d); ROWOF4(BFLOAT16, d); ROWS3x4(d)
#define BF4x4(d) FAR4(d); ROWOF4(BFLOAT16, d); ROWS4x4(d)
#define BF5x4(d) FAR4(d); ROWOF4(BFLOAT16, d); ROWS5x4(d)
#define BF6x4(d) FAR4(d); ROWOF4(BFLOAT16, d); ROWS6x4(d)
#define BFMany3x4(d) ROWOF4(BFLOAT16, d); ROWS3x4(d)
#define BFMany4x4(d) ROWOF4(BFLOAT16, d); ROWS4x4(d)
#define BFMany5x4(d) ROWOF4(BFLOAT16, d); ROWS5x4(d)
#define BFMany6x4(d) ROWOF4(BFLOAT16, d); ROWS6x4(d)
#define BFEven3x4(d) FAR4(d); EVENROW(d); ROWS3x4(d)
#define BFOdd3x4(d) ODDROW(d); ROWS3x4(d)
#define BFEven4x4(d) FAR4(d); EVENROW(d); ROWS4x4(d)
#define BFOdd4x4(d) ODDROW(d); ROWS4x4(d)
#define BFEven5x4(d) FAR4(d); EVENROW(d); ROWS5x4(d)
#define BFOdd5x4(d) ODDROW(d); ROWS5x4(d)
#define BFEven6x4(d) FAR4(d); EVENROW(d); ROWS6x4(d)
#define BFOdd6x4(d) ODDROW(d); ROWS6x4(d)
#define BFManyEven3x4(d) EVENROW(d); ROWS3x4(d)
#define BFManyEven4x4(d) EVENROW(d); ROWS4x4(d)
#define BFManyEven5x4(d) EVENROW(d); ROWS5x4(d)
#define BFManyEven6x4(d) EVENROW(d); ROWS6x4(d)
#define FP1x1(d) FAR1(d); ROWOF1(FLOAT16, d); ROWS1x1(d)
#define FP2x1(d) FAR1(d); ROWOF1(FLOAT16, d); ROWS2x1(d)
#define FP3x1(d) FAR1(d); ROWOF1(FLOAT16, d); ROWS3x1(d)
#define FP4x1(d) FAR1(d); ROWOF1(FLOAT16, d); ROWS4x1(d)
#define FP5x1(d) FAR1(d); ROWOF1(FLOAT16, d); ROWS5x1(d)
#define FP6x1(d) FAR1(d); ROWOF1(FLOAT16, d); ROWS6x1(d)
#define FP1x2(d) FAR2(d); ROWOF2(FLOAT16, d); ROWS1x2(d)
#define FP2x2(d) FAR2(d); ROWOF2(FLOAT16, d); ROWS2x2(d)
#define FP3x2(d) FAR2(d); ROWOF2(FLOAT16, d); ROWS3x2(d)
#define FP4x2(d) FAR2(d); ROWOF2(FLOAT16, d); ROWS4x2(d)
#define FP5x2(d) FAR2(d); ROWOF2(FLOAT16, d); ROWS5x2(d)
#define FP6x2(d) FAR2(d); ROWOF2(FLOAT16, d); ROWS6x2(d)
#define FP1x4(d) FAR4(d); ROWOF4(FLOAT16, d); ROWS1x4(d)
#define FP2x4(d) FAR4(d); ROWOF4(FLOAT16, d); ROWS2x4(d)
#define FP3x4(d) FAR4(d); ROWOF4(FLOAT16, d); ROWS3x4(d)
#define FP4x4(d) FAR4(d); ROWOF4(FLOAT16, d); ROWS4x4(d)
#define FP5x4(d) FAR4(d); ROWOF4(FLOAT16, d); ROWS5x4(d)
#define FP6x4(d) FAR4(d); ROWOF4(FLOAT16, d); ROWS6x4(d)
#define FPMany3x4(d) ROWOF4(FLOAT16, d); ROWS3x4(d)
#define FPMany4x4(d) ROWOF4(FLOAT16, d); ROWS4x4(d)
#define FPMany5x4(d) ROWOF4(FLOAT16, d); ROWS5x4(d)
#define FPMany6x4(d) ROWOF4(FLOAT16, d); ROWS6x4(d)

COLUMN(bfloat16column1x1, 1, 32, BF1x1, EACH1x1, ASK1, BEGIN, ON)
COLUMN(bfloat16column2x1, 2, 32, BF2x1, EACH2x1, ASK1, BEGIN, ON)
COLUMN(bfloat16column3x1, 3, 32, BF3x1, EACH3x1, ASK1, BEGIN, ON)
COLUMN(bfloat16column4x1, 4, 32, BF4x1, EACH4x1, ASK1, BEGIN, ON)
COLUMN(bfloat16column5x1, 5, 32, BF5x1, EACH5x1, ASK1, BEGIN, ON)
COLUMN(bfloat16column6x1, 6, 32, BF6x1, EACH6x1, ASK1, BEGIN, ON)
COLUMN(bfloat16column1x2, 1, 32, BF1x2, EACH1x2, ASK2, BEGIN, ON)
COLUMN(bfloat16column2x2, 2, 32, BF2x2, EACH2x2, ASK2, BEGIN, ON)
COLUMN(bfloat16column3x2, 3, 32, BF3x2, EACH3x2, ASK2, BEGIN, ON)
COLUMN(bfloat16column4x2, 4, 32, BF4x2, EACH4x2, ASK2, BEGIN, ON)
COLUMN(bfloat16column5x2, 5, 32, BF5x2, EACH5x2, ASK2, BEGIN, ON)
COLUMN(bfloat16column6x2, 6, 32, BF6x2, EACH6x2, ASK2, BEGIN, ON)
COLUMN(bfloat16column1x4, 1, 32, BF1x4, EACH1x4, ASK4, BEGIN, ON)
COLUMN(bfloat16column2x4, 2, 32, BF2x4, EACH2x4, ASK4, BEGIN, ON)
COLUMNBYTWO(bfloat16column3x4, 3, 32, BFEven3x4, BFOdd3x4, BF3x4, EACH3x4, ASK4, BEGINFARLINES, ON)
COLUMNBYTWO(bfloat16column4x4, 4, 32, BFEven4x4, BFOdd4x4, BF4x4, EACH4x4, ASK4, BEGINFARLINES, ON)
COLUMNBYTWO(bfloat16column5x4, 5, 32, BFEven5x4, BFOdd5x4, BF5x4, EACH5x4, ASK4, BEGINFARLINES, ON)
COLUMNBYTWO(bfloat16column6x4, 6, 32, BFEven6x4, BFOdd6x4, BF6x4, EACH6x4, ASK4, BEGINFARLINES, ON)
COLUMNBYTWO(bfloat16column3x4Many, 3, 32, BFManyEven3x4, BFOdd3x4, BFMany3x4, EACH3x4, ASK4, BEGINLINES, STAY)
COLUMNBYTWO(bfloat16column4x4Many, 4, 32, BFManyEven4x4, BFOdd4x4, BFMany4x4, EACH4x4, ASK4, BEGINLINES, STAY)
COLUMNBYTWO(bfloat16column5x4Many, 5, 32, BFManyEven5x4, BFOdd5x4, BFMany5x4, EACH5x4, ASK4, BEGINLINES, STAY)
COLUMNBYTWO(bfloat16column6x4Many, 6, 32, BFManyEven6x4, BFOdd6x4, BFMany6x4, EACH6x4, ASK4, BEGINLINES, STAY)

TILE(·narrow1x1BFloat16AVX512, bfloat16column1x1, bfloat16column1x1)
TILE(·narrow2x1BFloat16AVX512, bfloat16column2x1, bfloat16column1x1)
TILE(·narrow3x1BFloat16AVX512, bfloat16column3x1, bfloat16column2x1)
TILE(·narrow4x1BFloat16AVX512, bfloat16column4x1, bfloat16column3x1)
TILE(·narrow5x1BFloat16AVX512, bfloat16column5x1, bfloat16column4x1)
TILE(·narrow6x1BFloat16AVX512, bfloat16column6x1, bfloat16column5x1)
TILE(·narrow1x2BFloat16AVX512, bfloat16column1x2, bfloat16column1x2)
TILE(·narrow2x2BFloat16AVX512, bfloat16column2x2, bfloat16column1x2)
TILE(·narrow3x2BFloat16AVX512, bfloat16column3x2, bfloat16column2x2)
TILE(·narrow4x2BFloat16AVX512, bfloat16column4x2, bfloat16column3x2)
TILE(·narrow5x2BFloat16AVX512, bfloat16column5x2, bfloat16column4x2)
TILE(·narrow6x2BFloat16AVX512, bfloat16column6x2, bfloat16column5x2)
TILE(·narrow1x4BFloat16AVX512, bfloat16column1x4, bfloat16column1x4)
TILE(·narrow2x4BFloat16AVX512, bfloat16column2x4, bfloat16column1x4)
TILE(·narrow3x4BFloat16AVX512, bfloat16column3x4, bfloat16column2x4)
TILE(·narrow4x4BFloat16AVX512, bfloat16column4x4, bfloat16column3x4)
TILE(·narrow5x4BFloat16AVX512, bfloat16column5x4, bfloat16column4x4)
TILE(·narrow6x4BFloat16AVX512, bfloat16column6x4, bfloat16column5x4)
TILE(·narrow4x4ManyBFloat16AVX512, bfloat16column4x4Many, bfloat16column3x4Many)
TILE(·narrow5x4ManyBFloat16AVX512, bfloat16column5x4Many, bfloat16column4x4Many)
TILE(·narrow6x4ManyBFloat16AVX512, bfloat16column6x4Many, bfloat16column5x4Many)

COLUMN(float16column1x1, 1, 32, FP1x1, EACH1x1, ASK1, BEGIN, ON)
COLUMN(float16column2x1, 2, 32, FP2x1, EACH2x1, ASK1, BEGIN, ON)
COLUMN(float16column3x1, 3, 32, FP3x1, EACH3x1, ASK1, BEGIN, ON)
COLUMN(float16column4x1, 4, 32, FP4x1, EACH4x1, ASK1, BEGIN, ON)
COLUMN(float16column5x1, 5, 32, FP5x1, EACH5x1, ASK1, BEGIN, ON)
COLUMN(float16column6x1, 6, 32, FP6x1, EACH6x1, ASK1, BEGIN, ON)
COLUMN(float16column1x2, 1, 32, FP1x2, EACH1x2, ASK2, BEGIN, ON)
COLUMN(float16column2x2, 2, 32, FP2x2, EACH2x2, ASK2, BEGIN, ON)
COLUMN(float16column3x2, 3, 32, FP3x2, EACH3x2, ASK2, BEGIN, ON)
COLUMN(float16column4x2, 4, 32, FP4x2, EACH4x2, ASK2, BEGIN, ON)
COLUMN(float16column5x2, 5, 32, FP5x2, EACH5x2, ASK2, BEGIN, ON)
COLUMN(float16column6x2, 6, 32, FP6x2, EACH6x2, ASK2, BEGIN, ON)
COLUMN(float16column1x4, 1, 32, FP1x4, EACH1x4, ASK4, BEGIN, ON)
COLUMN(float16column2x4, 2, 32, FP2x4, EACH2x4, ASK4, BEGIN, ON)
COLUMN(float16column3x4, 3, 32, FP3x4, EACH3x4, ASK4, BEGIN, ON)
COLUMN(float16column4x4, 4, 32, FP4x4, EACH4x4, ASK4, BEGIN, ON)
COLUMN(float16column5x4, 5, 32, FP5x4, EACH5x4, ASK4, BEGIN, ON)
COLUMN(float16column6x4, 6, 32, FP6x4, EACH6x4, ASK4, BEGIN, ON)
COLUMN(float16column3x4Many, 3, 32, FPMany3x4, EACH3x4, ASK4, NONE, STAY)
COLUMN(float16column4x4Many, 4, 32, FPMany4x4, EACH4x4, ASK4, NONE, STAY)
COLUMN(float16column5x4Many, 5, 32, FPMany5x4, EACH5x4, ASK4, NONE, STAY)
COLUMN(float16column6x4Many, 6, 32, FPMany6x4, EACH6x4, ASK4, NONE, STAY)

TILE(·narrow1x1Float16AVX512, float16column1x1, float16column1x1)
TILE(·narrow2x1Float16AVX512, float16column2x1, float16column1x1)
TILE(·narrow3x1Float16AVX512, float16column3x1, float16column2x1)
TILE(·narrow4x1Float16AVX512, float16column4x1, float16column3x1)
TILE(·narrow5x1Float16AVX512, float16column5x1, float16column4x1)
TILE(·narrow6x1Float16AVX512, float16column6x1, float16column5x1)
TILE(·narrow1x2Float16AVX512, float16column1x2, float16column1x2)
TILE(·narrow2x2Float16AVX512, float16column2x2, float16column1x2)
TILE(·narrow3x2Float16AVX512, float16column3x2, float16column2x2)
TILE(·narrow4x2Float16AVX512, float16column4x2, float16column3x2)
TILE(·narrow5x2Float16AVX512, float16column5x2, float16column4x2)
TILE(·narrow6x2Float16AVX512, float16column6x2, float16column5x2)
TILE(·narrow1x4Float16AVX512, float16column1x4, float16column1x4)
TILE(·narrow2x4Float16AVX512, float16column2x4, float16column1x4)
TILE(·narrow3x4Float16AVX512, float16column3x4, float16column2x4)
TILE(·narrow4x4Float16AVX512, float16column4x4, float16column3x4)
TILE(·narrow5x4Float16AVX512, float16column5x4, float16column4x4)
TILE(·narrow6x4Float16AVX512, float16column6x4, float16column5x4)
TILE(·narrow4x4ManyFloat16AVX512, float16column4x4Many, float16column3x4Many)
TILE(·narrow5x4ManyFloat16AVX512, float16column5x4Many, float16column4x4Many)
TILE(·narrow6x4ManyFloat16AVX512, float16column6x4Many, float16column5x4Many)

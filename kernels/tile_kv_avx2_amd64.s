//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// Tiles of AVX2 for the few rows of a token that reads a KV or weights of 16 bits: one tile, of 1 to 6 rows, whose panels are
// bfloat16 or float16 and come from far. They have the form of those in tile_avx2_amd64.s, without bias, residual and count:
//
//	accumulators = 0, or sum if the flags say so
//	for l in 0..k-1:                            four at a time, then one at a time
//	    for each row i: broadcast a[i][l]; accumulators of row i += a[i][l] · b[l], widened
//	add, scale, scale rows, as the flags say
//	store
//
// What is in the registers:
//
//	one panel    rows in Y0 to Y11, two each; a row of the panel in Y12 and Y13, broadcasts in Y14 and Y15 in turn
//	two panels   rows in Y0 to Y11, four each; broadcasts in Y12 to Y14, half a row of a panel in Y15
//	four panels  one row in Y0 to Y7; its broadcast in Y12, half rows of panels in Y13 to Y15 in turn. Of bfloat16, the even and the
//	             odd columns of each panel, until they are stored, a row of one in Y13 and Y14, and in Y11 a mask
//
// Panels that follow one another are prefetched, where no others are read beside them in streams.

#define T      DI  // the tile
#define A      R8  // row 0 of A, at l
#define LDA    R9  // bytes from a row of A to the next
#define LDA3   R10 // 3·LDA
#define LDA5   R11 // 5·LDA
#define B      R12 // row l of the first panel
#define PANEL  R13 // bytes from a panel to the next
#define PANEL3 R14 // 3·PANEL
#define FLAGS  R15
#define K      CX
#define P      SI  // a row of C, or of what is added
#define LD     AX  // bytes from there to the next

// A type of panels: LOAD(d, o, p, y) reads half a row of the panel at p to y: d is 4·l, o 0 or 1.
// Eight numbers in both halves of a register, and the bytes of each moved to the upper half of 32 bits. Where they go (·upper,
// in tile_streams_avx2_amd64.s) stands in Y11, or, if that has sums, in memory.
#define BFLOAT(d, o, p, y) \
	VBROADCASTI128 (8*d+16*o)p, y \
	VPSHUFB        Y11, y, y
#define BFLOATFULL(d, o, p, y) \
	VBROADCASTI128 (8*d+16*o)p, y \
	VPSHUFB        ·upper(SB), y, y

// Four panels of bfloat16: the even and the odd numbers of a row of one, with the mask ·odd in Y11.
#define ONEPAIR(d, p, y0, y1) \
	VMOVDQU (8*d)p, Y14       \
	VPSLLD  $16, Y14, Y13     \
	VPAND   Y11, Y14, Y14     \
	VFMADD231PS Y13, Y12, y0  \
	VFMADD231PS Y14, Y12, y1
#define STEP1x4PAIRS(d, LOAD) \
	VBROADCASTSS d(A), Y12           \
	ONEPAIR(d, (B), Y0, Y1)          \
	ONEPAIR(d, (B)(PANEL*1), Y2, Y3) \
	ONEPAIR(d, (B)(PANEL*2), Y4, Y5) \
	ONEPAIR(d, (B)(PANEL3*1), Y6, Y7)

// It needs F16C.
#define HALF(d, o, p, y) \
	VCVTPH2PS (8*d+16*o)p, y

// One step of k. ROW is a row of one panel: a is the element, x a register for the broadcast.
#define ROW(a, x, y0, y1) \
	VBROADCASTSS a, x         \
	VFMADD231PS  Y12, x, y0   \
	VFMADD231PS  Y13, x, y1

#define STEP1x1(d, LOAD) \
	LOAD(d, 0, (B), Y12) \
	LOAD(d, 1, (B), Y13) \
	ROW(d(A), Y14, Y0, Y1)
#define STEP2x1(d, LOAD) STEP1x1(d, LOAD) \
	ROW(d(A)(LDA*1), Y15, Y2, Y3)
#define STEP3x1(d, LOAD) STEP2x1(d, LOAD) \
	ROW(d(A)(LDA*2), Y14, Y4, Y5)
#define STEP4x1(d, LOAD) STEP3x1(d, LOAD) \
	ROW(d(A)(LDA3*1), Y15, Y6, Y7)
#define STEP5x1(d, LOAD) STEP4x1(d, LOAD) \
	ROW(d(A)(LDA*4), Y14, Y8, Y9)
#define STEP6x1(d, LOAD) STEP5x1(d, LOAD) \
	ROW(d(A)(LDA5*1), Y15, Y10, Y11)

#define BY1(d, o, p, LOAD, y0) \
	LOAD(d, o, p, Y15)       \
	VFMADD231PS Y15, Y12, y0
#define BY2(d, o, p, LOAD, y0, y1) BY1(d, o, p, LOAD, y0) \
	VFMADD231PS Y15, Y13, y1
#define BY3(d, o, p, LOAD, y0, y1, y2) BY2(d, o, p, LOAD, y0, y1) \
	VFMADD231PS Y15, Y14, y2

#define STEP1x2(d, LOAD) \
	VBROADCASTSS d(A), Y12                \
	BY1(d, 0, (B), LOAD, Y0)              \
	BY1(d, 1, (B), LOAD, Y1)              \
	BY1(d, 0, (B)(PANEL*1), LOAD, Y2)     \
	BY1(d, 1, (B)(PANEL*1), LOAD, Y3)
#define STEP2x2(d, LOAD) \
	VBROADCASTSS d(A), Y12                \
	VBROADCASTSS d(A)(LDA*1), Y13         \
	BY2(d, 0, (B), LOAD, Y0, Y4)          \
	BY2(d, 1, (B), LOAD, Y1, Y5)          \
	BY2(d, 0, (B)(PANEL*1), LOAD, Y2, Y6) \
	BY2(d, 1, (B)(PANEL*1), LOAD, Y3, Y7)
#define STEP3x2(d, LOAD) \
	VBROADCASTSS d(A), Y12                     \
	VBROADCASTSS d(A)(LDA*1), Y13              \
	VBROADCASTSS d(A)(LDA*2), Y14              \
	BY3(d, 0, (B), LOAD, Y0, Y4, Y8)           \
	BY3(d, 1, (B), LOAD, Y1, Y5, Y9)           \
	BY3(d, 0, (B)(PANEL*1), LOAD, Y2, Y6, Y10) \
	BY3(d, 1, (B)(PANEL*1), LOAD, Y3, Y7, Y11)

#define ONE(d, o, p, LOAD, x, y) \
	LOAD(d, o, p, x)      \
	VFMADD231PS x, Y12, y
#define STEP1x4(d, LOAD) \
	VBROADCASTSS d(A), Y12                   \
	ONE(d, 0, (B), LOAD, Y13, Y0)            \
	ONE(d, 1, (B), LOAD, Y14, Y1)            \
	ONE(d, 0, (B)(PANEL*1), LOAD, Y15, Y2)   \
	ONE(d, 1, (B)(PANEL*1), LOAD, Y13, Y3)   \
	ONE(d, 0, (B)(PANEL*2), LOAD, Y14, Y4)   \
	ONE(d, 1, (B)(PANEL*2), LOAD, Y15, Y5)   \
	ONE(d, 0, (B)(PANEL3*1), LOAD, Y13, Y6)  \
	ONE(d, 1, (B)(PANEL3*1), LOAD, Y14, Y7)

// FAR prefetches four rows.
#define FAR(p, far) \
	PREFETCHT0 far p     \
	PREFETCHT0 (far+64)p
#define AHEAD1 FAR((B), 2048)
#define AHEAD2 AHEAD1 \
	FAR((B)(PANEL*1), 2048)
#define AHEAD4 \
	FAR((B), 1024)          \
	FAR((B)(PANEL*1), 1024) \
	FAR((B)(PANEL*2), 1024) \
	FAR((B)(PANEL3*1), 1024)

// Low tiles of weights are for the last panels beside streams, and those of a KV likewise.
#define NOTHING

// EACH applies OP to the accumulators of each row, with P at the row: OP(offset in the row, two registers).
#define NEXT ADDQ LD, P
#define EACH1x1(OP) OP(0, Y0, Y1)
#define EACH2x1(OP) EACH1x1(OP) \
	NEXT             \
	OP(0, Y2, Y3)
#define EACH3x1(OP) EACH2x1(OP) \
	NEXT             \
	OP(0, Y4, Y5)
#define EACH4x1(OP) EACH3x1(OP) \
	NEXT             \
	OP(0, Y6, Y7)
#define EACH5x1(OP) EACH4x1(OP) \
	NEXT             \
	OP(0, Y8, Y9)
#define EACH6x1(OP) EACH5x1(OP) \
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
#define FETCH(o, y0, y1) \
	VMOVUPS o(P), y0        \
	VMOVUPS o+32(P), y1
// PART makes halves of rows of panels the even and the odd columns, JOIN the other way round.
#define PART(o, y0, y1) \
	VSHUFPS $0x88, y1, y0, Y13 \
	VSHUFPS $0xdd, y1, y0, Y14 \
	VPERMPD $0xd8, Y13, y0     \
	VPERMPD $0xd8, Y14, y1
#define JOIN(o, y0, y1) \
	VUNPCKLPS  y1, y0, Y13         \
	VUNPCKHPS  y1, y0, Y14         \
	VPERM2F128 $0x20, Y14, Y13, y0 \
	VPERM2F128 $0x31, Y14, Y13, y1
#define ZERO(o, y0, y1) \
	VXORPS y0, y0, y0       \
	VXORPS y1, y1, y1

#define AT(array, stride) \
	MOVQ array(T), P    \
	MOVQ stride(T), LD

#define TILE(name, STEP, EACH, PREFETCH, LOAD) TILES(name, ·upper, NOTHING, NOTHING, STEP, EACH, PREFETCH, LOAD)
#define TILES(name, CONSTANT, BEGIN, END, STEP, EACH, PREFETCH, LOAD) \
TEXT name(SB), NOSPLIT, $0-8        \
	MOVQ  t+0(FP), T            \
	MOVQ  tile_flags(T), FLAGS  \
	MOVQ  tile_lda(T), LDA      \
	LEAQ  (LDA)(LDA*2), LDA3    \
	LEAQ  (LDA)(LDA*4), LDA5    \
	MOVQ  tile_panel(T), PANEL  \
	LEAQ  (PANEL)(PANEL*2), PANEL3 \
	MOVQ  tile_a(T), A          \
	MOVQ  tile_b(T), B          \
	VMOVDQU CONSTANT(SB), Y11   \
	EACH(ZERO)                  \
	TESTQ $const_tileLoad, FLAGS \
	JEQ   begin                 \
	AT(tile_sum, tile_lds)      \
	EACH(FETCH)                 \
	BEGIN                       \
begin:                              \
	MOVQ  tile_k(T), K          \
	SUBQ  $4, K                 \
	JLT   tail                  \
four:                               \
	PREFETCH                    \
	STEP(0, LOAD)               \
	STEP(4, LOAD)               \
	STEP(8, LOAD)               \
	STEP(12, LOAD)              \
	ADDQ  $16, A                \
	ADDQ  $128, B               \
	SUBQ  $4, K                 \
	JGE   four                  \
tail:                               \
	ADDQ  $4, K                 \
	JEQ   sum                   \
one:                                \
	STEP(0, LOAD)               \
	ADDQ  $4, A                 \
	ADDQ  $32, B                \
	DECQ  K                     \
	JNE   one                   \
sum:                                \
	END                         \
	TESTQ $const_tileAdd, FLAGS \
	JEQ   scale                 \
	AT(tile_sum, tile_lds)      \
	EACH(ADD)                   \
scale:                              \
	TESTQ $const_tileScale, FLAGS \
	JEQ   rowScale              \
	LEAQ  tile_scale(T), P      \
	XORQ  LD, LD                \
	EACH(MUL)                   \
rowScale:                           \
	TESTQ $const_tileRowScale, FLAGS \
	JEQ   store                 \
	MOVQ  tile_rowScale(T), P   \
	MOVQ  $4, LD                \
	EACH(MUL)                   \
store:                              \
	AT(tile_c, tile_ldc)        \
	EACH(STORE)                 \
	VZEROUPPER                  \
	RET

TILE(·kvTile1x1BFloat16AVX2, STEP1x1, EACH1x1, AHEAD1, BFLOAT)
TILE(·kvTile1x2BFloat16AVX2, STEP1x2, EACH1x2, AHEAD2, BFLOAT)
TILES(·kvTile1x4BFloat16AVX2, ·odd, EACH1x4(PART), EACH1x4(JOIN), STEP1x4PAIRS, EACH1x4, AHEAD4, BFLOAT)

TILE(·narrowTile1x1BFloat16AVX2, STEP1x1, EACH1x1, NOTHING, BFLOAT)
TILE(·narrowTile2x1BFloat16AVX2, STEP2x1, EACH2x1, NOTHING, BFLOAT)
TILE(·narrowTile3x1BFloat16AVX2, STEP3x1, EACH3x1, NOTHING, BFLOAT)
TILE(·narrowTile4x1BFloat16AVX2, STEP4x1, EACH4x1, AHEAD1, BFLOAT)
TILE(·narrowTile5x1BFloat16AVX2, STEP5x1, EACH5x1, AHEAD1, BFLOAT)
TILE(·narrowTile6x1BFloat16AVX2, STEP6x1, EACH6x1, AHEAD1, BFLOATFULL)
TILE(·narrowTile1x2BFloat16AVX2, STEP1x2, EACH1x2, NOTHING, BFLOAT)
TILE(·narrowTile2x2BFloat16AVX2, STEP2x2, EACH2x2, NOTHING, BFLOAT)
TILE(·narrowTile3x2BFloat16AVX2, STEP3x2, EACH3x2, NOTHING, BFLOATFULL)
TILES(·narrowTile1x4BFloat16AVX2, ·odd, EACH1x4(PART), EACH1x4(JOIN), STEP1x4PAIRS, EACH1x4, NOTHING, BFLOAT)
TILE(·narrowTile1x1Float16AVX2, STEP1x1, EACH1x1, NOTHING, HALF)
TILE(·narrowTile2x1Float16AVX2, STEP2x1, EACH2x1, NOTHING, HALF)
TILE(·narrowTile3x1Float16AVX2, STEP3x1, EACH3x1, NOTHING, HALF)
TILE(·narrowTile4x1Float16AVX2, STEP4x1, EACH4x1, AHEAD1, HALF)
TILE(·narrowTile5x1Float16AVX2, STEP5x1, EACH5x1, AHEAD1, HALF)
TILE(·narrowTile6x1Float16AVX2, STEP6x1, EACH6x1, AHEAD1, HALF)
TILE(·narrowTile1x2Float16AVX2, STEP1x2, EACH1x2, NOTHING, HALF)
TILE(·narrowTile2x2Float16AVX2, STEP2x2, EACH2x2, NOTHING, HALF)
TILE(·narrowTile3x2Float16AVX2, STEP3x2, EACH3x2, NOTHING, HALF)
TILE(·narrowTile1x4Float16AVX2, STEP1x4, EACH1x4, NOTHING, HALF)

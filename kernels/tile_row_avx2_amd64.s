//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// One row by panels that lie far apart, for AVX2; see rowTiles. Four or six panels are read at a time, as so many streams, each of
// which goes on from one panel to the next:
//
//	for each of count groups of panels:
//	    accumulators = 0
//	    for l in 0..k-1:                            four at a time, then one at a time
//	        prefetch what each stream will read
//	        broadcast a[l]; accumulators of each panel += a[l] · b[l], widened
//	    add sum, if the flags say so
//	    store; on to the next panel of each stream
//
// What is in the registers: the panels' columns in Y0 to Y11, two each; the broadcast in Y12, half rows of panels in Y13 to Y15 in turn.

#define T       DI  // the tile
#define A       R8  // the row of A, at l
#define C       SI  // the sums of the first stream's panel
#define LDC     AX  // bytes from there to those of the next stream
#define LDC3    R9  // 3·LDC
#define LDC5    R10 // 5·LDC
#define B       R12 // row l of the first stream's panel
#define STREAM  R13 // bytes from a stream to the next
#define STREAM3 R14 // 3·STREAM
#define STREAM5 R15 // 5·STREAM
#define COUNT   DX
#define FLAGS   BX
#define K       CX

// A type of panels: MADD(d, o, p, x, y) adds half a row of the panel at p, times the broadcast, to y; d is 4·l, o 0 or 1, and x is
// free. FETCH(d, p) prefetches what four rows on from l will need, if the line begins with l. BYTES(rows) is the bytes of so many.
#define FLOATMADD(d, o, p, x, y) \
	VFMADD231PS (16*d+32*o)p, Y12, y
#define FLOATFETCH(d, p) \
	PREFETCHT0 (16*d+256)p
#define FLOATBYTES(rows) (64*rows)

#define BFLOATMADD(d, o, p, x, y) \
	VPMOVZXWD   (8*d+16*o)p, x \
	VPSLLD      $16, x, x      \
	VFMADD231PS x, Y12, y

// It needs F16C.
#define HALFMADD(d, o, p, x, y) \
	VCVTPH2PS   (8*d+16*o)p, x \
	VFMADD231PS x, Y12, y

#define NARROWFETCH(d, p) \
	PREFETCHT0 (8*d+320)p
#define NARROWBYTES(rows) (32*rows)

#define NOTHING(d, p)

// One step of k.
#define STEP4(d, MADD, FETCH) \
	VBROADCASTSS d(A), Y12                \
	FETCH(d, (B))                         \
	FETCH(d, (B)(STREAM*1))               \
	FETCH(d, (B)(STREAM*2))               \
	FETCH(d, (B)(STREAM3*1))              \
	MADD(d, 0, (B), Y13, Y0)              \
	MADD(d, 1, (B), Y14, Y1)              \
	MADD(d, 0, (B)(STREAM*1), Y15, Y2)    \
	MADD(d, 1, (B)(STREAM*1), Y13, Y3)    \
	MADD(d, 0, (B)(STREAM*2), Y14, Y4)    \
	MADD(d, 1, (B)(STREAM*2), Y15, Y5)    \
	MADD(d, 0, (B)(STREAM3*1), Y13, Y6)   \
	MADD(d, 1, (B)(STREAM3*1), Y14, Y7)
#define STEP6(d, MADD, FETCH) STEP4(d, MADD, FETCH) \
	FETCH(d, (B)(STREAM*4))               \
	FETCH(d, (B)(STREAM5*1))              \
	MADD(d, 0, (B)(STREAM*4), Y15, Y8)    \
	MADD(d, 1, (B)(STREAM*4), Y13, Y9)    \
	MADD(d, 0, (B)(STREAM5*1), Y14, Y10)  \
	MADD(d, 1, (B)(STREAM5*1), Y15, Y11)

// EACH applies OP to the accumulators of each panel: OP(where its sums are, two registers).
#define EACH4(OP) \
	OP((C), 32(C), Y0, Y1)                     \
	OP((C)(LDC*1), 32(C)(LDC*1), Y2, Y3)       \
	OP((C)(LDC*2), 32(C)(LDC*2), Y4, Y5)       \
	OP((C)(LDC3*1), 32(C)(LDC3*1), Y6, Y7)
#define EACH6(OP) EACH4(OP) \
	OP((C)(LDC*4), 32(C)(LDC*4), Y8, Y9)       \
	OP((C)(LDC5*1), 32(C)(LDC5*1), Y10, Y11)

#define ZERO(p, q, y0, y1) \
	VXORPS y0, y0, y0 \
	VXORPS y1, y1, y1
#define ADD(p, q, y0, y1) \
	VADDPS p, y0, y0 \
	VADDPS q, y1, y1
#define STORE(p, q, y0, y1) \
	VMOVUPS y0, p \
	VMOVUPS y1, q

#define TILE(name, STEP, EACH, MADD, FETCH, ODDFETCH, BYTES) \
TEXT name(SB), NOSPLIT, $0-8        \
	MOVQ t+0(FP), T             \
	MOVQ tile_flags(T), FLAGS   \
	MOVQ tile_count(T), COUNT   \
	MOVQ tile_c(T), C           \
	MOVQ tile_ldc(T), LDC       \
	LEAQ (LDC)(LDC*2), LDC3     \
	LEAQ (LDC)(LDC*4), LDC5     \
	MOVQ tile_b(T), B           \
	MOVQ tile_panel(T), STREAM  \
	LEAQ (STREAM)(STREAM*2), STREAM3 \
	LEAQ (STREAM)(STREAM*4), STREAM5 \
group:                              \
	EACH(ZERO)                  \
	MOVQ tile_a(T), A           \
	MOVQ tile_k(T), K           \
	SUBQ $4, K                  \
	JLT  tail                   \
four:                               \
	STEP(0, MADD, FETCH)        \
	STEP(4, MADD, ODDFETCH)     \
	STEP(8, MADD, FETCH)        \
	STEP(12, MADD, ODDFETCH)    \
	ADDQ $16, A                 \
	ADDQ $BYTES(4), B           \
	SUBQ $4, K                  \
	JGE  four                   \
tail:                               \
	ADDQ $4, K                  \
	JEQ  add                    \
one:                                \
	STEP(0, MADD, FETCH)        \
	ADDQ $4, A                  \
	ADDQ $BYTES(1), B           \
	DECQ K                      \
	JNE  one                    \
add:                                \
	TESTQ $const_tileAdd, FLAGS \
	JEQ  store                  \
	EACH(ADD)                   \
store:                              \
	EACH(STORE)                 \
	ADDQ $64, C                 \
	DECQ COUNT                  \
	JNE  group                  \
	VZEROUPPER                  \
	RET

TILE(·rowTile4AVX2, STEP4, EACH4, FLOATMADD, FLOATFETCH, FLOATFETCH, FLOATBYTES)
TILE(·rowTile6AVX2, STEP6, EACH6, FLOATMADD, FLOATFETCH, FLOATFETCH, FLOATBYTES)
TILE(·rowTile4BFloat16AVX2, STEP4, EACH4, BFLOATMADD, NARROWFETCH, NOTHING, NARROWBYTES)
TILE(·rowTile6BFloat16AVX2, STEP6, EACH6, BFLOATMADD, NARROWFETCH, NOTHING, NARROWBYTES)
TILE(·rowTile4Float16AVX2, STEP4, EACH4, HALFMADD, NARROWFETCH, NOTHING, NARROWBYTES)
TILE(·rowTile6Float16AVX2, STEP6, EACH6, HALFMADD, NARROWFETCH, NOTHING, NARROWBYTES)

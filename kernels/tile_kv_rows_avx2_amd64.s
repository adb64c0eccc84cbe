//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// Two rows and more by panels of a KV that lie far apart, for AVX2; see kvRows. Four panels are read at a time, one of each of
// four streams, by three rows or two, and half a panel wide, so that the sums are in registers: once from memory, and then from
// the first-level cache:
//
//	for each of count groups of four panels:
//	    for three rows at a time, then two, and for the left half of the panels, then the right one:
//	        accumulators = 0, or c if fetch says so, or load from the second group on
//	        for l in 0..k-1:                            four at a time, then one at a time
//	            every four steps, but for the first pass: prefetch the next line of each stream, of what follows
//	            for each row i: broadcast a[i][l]; accumulators of row i += a[i][l] · b[l], widened
//	        c = accumulators · scale
//	    a, b, c move on by nextA, nextB, nextC
//
// What is in the registers, for a row and the four streams:
//
//	a[0][l] → Y12   │  Y0  Y1  Y2  Y3
//	a[1][l] → Y13   │  Y4  Y5  Y6  Y7
//	a[2][l] → Y14   │  Y8  Y9  Y10 Y11
//
// and half a row of a panel in Y15. With two rows, where the bytes of bfloat16 go stands in Y11.

#define T       DI  // the kvRows
#define A       R8  // the first of some rows of A, at l
#define LDA     R9  // bytes from a row of A to the next
#define NEXT    R10 // what is prefetched next of stream 0
#define STEP    R11 // bytes that it moves on in four steps
#define B       R12 // half of row l of the panel of stream 0
#define STREAM  R13 // bytes from a stream to the next
#define STREAM3 R14 // 3·STREAM
#define ROWA    R15 // the first of some rows of A
#define C       SI  // half of their sums in the panel of stream 0
#define LDS     AX  // bytes from there to those of stream 1
#define HALF    BX  // bytes from the beginning of a row of a panel to the half
#define ROWS    DX  // how many times three rows, or two, are left
#define K       CX
#define LDS3    CX  // after the steps: 3·LDS
#define P       R12 // after the steps: half of a row of the sums

// Where the group's rows of A, panels and sums begin.
#define ATA a-8(SP)
#define ATB b-16(SP)
#define ATC c-24(SP)

// A type of panels: LOAD(d, p, y) reads half a row of the panel at p to y: d is 4·l. BYTES(rows) is the bytes of so many.
#define FLOAT(d, p, y) \
	VMOVUPS (16*d)p, y
#define FLOATBYTES(rows) (64*rows)

#define BFLOAT2(d, p, y) \
	VBROADCASTI128 (8*d)p, y \
	VPSHUFB        Y11, y, y
#define BFLOAT3(d, p, y) \
	VBROADCASTI128 (8*d)p, y \
	VPSHUFB        ·upper(SB), y, y
#define BFLOATBYTES(rows) (32*rows)

// One step of k: MADD is half a row of a panel.
#define MADD2(d, p, LOAD, y0, y1) \
	LOAD(d, p, Y15)          \
	VFMADD231PS Y15, Y12, y0 \
	VFMADD231PS Y15, Y13, y1
#define STEP2(d, LOAD) \
	VBROADCASTSS d(A), Y12                  \
	VBROADCASTSS d(A)(LDA*1), Y13           \
	MADD2(d, (B), LOAD, Y0, Y4)             \
	MADD2(d, (B)(STREAM*1), LOAD, Y1, Y5)   \
	MADD2(d, (B)(STREAM*2), LOAD, Y2, Y6)   \
	MADD2(d, (B)(STREAM3*1), LOAD, Y3, Y7)

#define MADD3(d, p, LOAD, y0, y1, y2) \
	LOAD(d, p, Y15)          \
	VFMADD231PS Y15, Y12, y0 \
	VFMADD231PS Y15, Y13, y1 \
	VFMADD231PS Y15, Y14, y2
#define STEP3(d, LOAD) \
	VBROADCASTSS d(A), Y12                       \
	VBROADCASTSS d(A)(LDA*1), Y13                \
	VBROADCASTSS d(A)(LDA*2), Y14                \
	MADD3(d, (B), LOAD, Y0, Y4, Y8)              \
	MADD3(d, (B)(STREAM*1), LOAD, Y1, Y5, Y9)    \
	MADD3(d, (B)(STREAM*2), LOAD, Y2, Y6, Y10)   \
	MADD3(d, (B)(STREAM3*1), LOAD, Y3, Y7, Y11)

// EACH applies OP to the accumulators: OP(where the sums are, a register).
#define ROW(OP, y0, y1, y2, y3) \
	OP((P), y0)           \
	OP((P)(LDS*1), y1)    \
	OP((P)(LDS*2), y2)    \
	OP((P)(LDS3*1), y3)
#define EACH2(OP) \
	LEAQ (LDS)(LDS*2), LDS3       \
	MOVQ C, P                     \
	ROW(OP, Y0, Y1, Y2, Y3)       \
	ADDQ kvRows_ldc(T), P         \
	ROW(OP, Y4, Y5, Y6, Y7)
#define EACH3(OP) EACH2(OP) \
	ADDQ kvRows_ldc(T), P         \
	ROW(OP, Y8, Y9, Y10, Y11)

#define ZERO(p, y) VXORPS y, y, y
#define FETCH(p, y) VMOVUPS p, y
#define STORE(p, y) \
	VMULPS  Y12, y, y \
	VMOVUPS y, p

// PASSES is the loop over the rows, rows at a time, and over the two halves of the panels. What follows BYTES are labels.
#define PASSES(rows, BEGIN, STEPS, EACH, LOAD, BYTES, pass, begin, four, tail, one, store, end) \
	TESTQ ROWS, ROWS                    \
	JEQ   end                           \
	BEGIN                               \
pass:                                   \
	EACH(ZERO)                          \
	CMPQ  kvRows_fetch(T), $0           \
	JEQ   begin                         \
	EACH(FETCH)                         \
begin:                                  \
	MOVQ  ROWA, A                       \
	MOVQ  ATB, B                        \
	ADDQ  HALF, B                       \
	MOVQ  kvRows_k(T), K                \
	SUBQ  $4, K                         \
	JLT   tail                          \
four:                                   \
	PREFETCHT0 (NEXT)                   \
	PREFETCHT0 (NEXT)(STREAM*1)         \
	PREFETCHT0 (NEXT)(STREAM*2)         \
	PREFETCHT0 (NEXT)(STREAM3*1)        \
	STEPS(0, LOAD)                      \
	STEPS(4, LOAD)                      \
	STEPS(8, LOAD)                      \
	STEPS(12, LOAD)                     \
	ADDQ  $16, A                        \
	ADDQ  $BYTES(4), B                  \
	ADDQ  STEP, NEXT                    \
	SUBQ  $4, K                         \
	JGE   four                          \
tail:                                   \
	ADDQ  $4, K                         \
	JEQ   store                         \
one:                                    \
	STEPS(0, LOAD)                      \
	ADDQ  $4, A                         \
	ADDQ  $BYTES(1), B                  \
	DECQ  K                             \
	JNE   one                           \
store:                                  \
	VBROADCASTSS kvRows_scale(T), Y12   \
	EACH(STORE)                         \
	MOVQ  $64, STEP                     \
	ADDQ  $32, C                        \
	XORQ  $(BYTES(1)/2), HALF           \
	JNE   pass                          \
	SUBQ  $64, C                        \
	IMUL3Q $rows, LDA, A                \
	ADDQ  A, ROWA                       \
	MOVQ  kvRows_ldc(T), A              \
	IMUL3Q $rows, A, A                  \
	ADDQ  A, C                          \
	DECQ  ROWS                          \
	JNE   pass                          \
end:

#define KVROWS(name, BEGIN, LOAD2, LOAD3, BYTES) \
TEXT name(SB), NOSPLIT, $24-8           \
	MOVQ  t+0(FP), T                    \
	MOVQ  kvRows_lda(T), LDA            \
	MOVQ  kvRows_lds(T), LDS            \
	MOVQ  kvRows_stream(T), STREAM      \
	LEAQ  (STREAM)(STREAM*2), STREAM3   \
	XORQ  HALF, HALF                    \
	MOVQ  kvRows_a(T), ROWA             \
	MOVQ  kvRows_b(T), B                \
	MOVQ  kvRows_c(T), C                \
group:                                  \
	MOVQ  ROWA, ATA                     \
	MOVQ  B, ATB                        \
	MOVQ  C, ATC                        \
	MOVQ  B, NEXT                       \
	MOVQ  $BYTES(4), STEP               \
	MOVQ  kvRows_threes(T), ROWS        \
	PASSES(3, EMPTY, STEP3, EACH3, LOAD3, BYTES, pass3, begin3, four3, tail3, one3, store3, end3) \
	MOVQ  kvRows_twos(T), ROWS          \
	PASSES(2, BEGIN, STEP2, EACH2, LOAD2, BYTES, pass2, begin2, four2, tail2, one2, store2, end2) \
	MOVQ  kvRows_load(T), A             \
	MOVQ  A, kvRows_fetch(T)            \
	MOVQ  ATA, ROWA                     \
	ADDQ  kvRows_nextA(T), ROWA         \
	MOVQ  ATB, B                        \
	ADDQ  kvRows_nextB(T), B            \
	MOVQ  ATC, C                        \
	ADDQ  kvRows_nextC(T), C            \
	DECQ  kvRows_count(T)               \
	JNE   group                         \
	VZEROUPPER                          \
	RET

#define EMPTY
#define UPPER VMOVDQU ·upper(SB), Y11

KVROWS(·kvRowsAVX2, EMPTY, FLOAT, FLOAT, FLOATBYTES)
KVROWS(·kvRowsBFloat16AVX2, UPPER, BFLOAT2, BFLOAT3, BFLOATBYTES)

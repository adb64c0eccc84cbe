//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// One to eight rows by panels of a KV, one after the other, for AVX-512; see kvPanels. A row of a panel is read once, in the order in
// which they lie in memory, and meets all rows of A:
//
//	for each of count panels:
//	    accumulators = 0
//	    for l in 0..k-1:                            four at a time, then one at a time
//	        every four steps: prefetch as much as they read, of what follows, into the second-level cache
//	        for each row i: accumulator of row i += a[i][l] · b[l], widened
//	    c = accumulators · scale
//
// Rows have Z0 to Z7, and a row of the panel is in Z8. Up to four rows of float32, and one of bfloat16, do not prefetch: they take less
// time than memory does, which is used best by a processor that fetches ahead by itself.

#define T      DI  // the kvPanels
#define A      R8  // row 0 of A, at l
#define LDA    R9  // bytes from a row of A to the next
#define LDA3   R10 // 3·LDA
#define A4     R11 // row 4 of A, at l
#define B      R12 // row l of the panel
#define SKIP   R13 // bytes from the end of a panel to the next
#define C      SI  // row 0 of the sums
#define NEXT   R14 // what is prefetched next
#define END    R15 // where it goes on with another panel
#define LDC    AX  // bytes from a row of C to the next
#define LDC3   BX  // 3·LDC
#define COUNT  DX
#define K      CX
#define P      CX // after the steps: row 4 of the sums

// A type of panels: LOAD(d) reads a row to Z8: d is 4·l. BYTES(rows) is the bytes of so many.
#define FLOAT(d) \
	VMOVUPS (16*d)(B), Z8
#define FLOATBYTES(rows) (64*rows)
#define BFLOAT(d) \
	VPMOVZXWD (8*d)(B), Z8 \
	VPSLLD    $16, Z8, Z8
#define BFLOATBYTES(rows) (32*rows)

// One step of k.
#define STEP1(d, LOAD) LOAD(d) \
	VFMADD231PS.BCST d(A), Z8, Z0
#define STEP2(d, LOAD) STEP1(d, LOAD) \
	VFMADD231PS.BCST d(A)(LDA*1), Z8, Z1
#define STEP3(d, LOAD) STEP2(d, LOAD) \
	VFMADD231PS.BCST d(A)(LDA*2), Z8, Z2
#define STEP4(d, LOAD) STEP3(d, LOAD) \
	VFMADD231PS.BCST d(A)(LDA3*1), Z8, Z3
#define STEP5(d, LOAD) STEP4(d, LOAD) \
	VFMADD231PS.BCST d(A4), Z8, Z4
#define STEP6(d, LOAD) STEP5(d, LOAD) \
	VFMADD231PS.BCST d(A4)(LDA*1), Z8, Z5
#define STEP7(d, LOAD) STEP6(d, LOAD) \
	VFMADD231PS.BCST d(A4)(LDA*2), Z8, Z6
#define STEP8(d, LOAD) STEP7(d, LOAD) \
	VFMADD231PS.BCST d(A4)(LDA3*1), Z8, Z7

// EACH applies OP to the accumulators: OP(where the sums are, a register).
#define EACH1(OP) \
	OP((C), Z0)
#define EACH2(OP) EACH1(OP) \
	OP((C)(LDC*1), Z1)
#define EACH3(OP) EACH2(OP) \
	OP((C)(LDC*2), Z2)
#define EACH4(OP) EACH3(OP) \
	OP((C)(LDC3*1), Z3)
#define EACH5(OP) EACH4(OP) \
	LEAQ (C)(LDC*4), P \
	OP((P), Z4)
#define EACH6(OP) EACH5(OP) \
	OP((P)(LDC*1), Z5)
#define EACH7(OP) EACH6(OP) \
	OP((P)(LDC*2), Z6)
#define EACH8(OP) EACH7(OP) \
	OP((P)(LDC3*1), Z7)

#define ZERO(p, z) VPXORD z, z, z
#define STORE(p, z) \
	VMULPS  Z8, z, z \
	VMOVUPS z, p

// AHEAD prefetches four rows. At the end of a panel TURN, which stands behind the routine, moves on to the next of those left, or to
// what comes after them.
#define NOTHING(ahead, turn)
#define BFLOATAHEAD(ahead, turn) \
	CMPQ  NEXT, END         \
	JCC   turn              \
ahead:                          \
	PREFETCHT1 (NEXT)       \
	PREFETCHT1 64(NEXT)     \
	ADDQ  $128, NEXT
#define FLOATAHEAD(ahead, turn) \
	CMPQ  NEXT, END         \
	JCC   turn              \
ahead:                          \
	PREFETCHT1 (NEXT)       \
	PREFETCHT1 64(NEXT)     \
	PREFETCHT1 128(NEXT)    \
	PREFETCHT1 192(NEXT)    \
	ADDQ  $256, NEXT

#define TURN(ahead, turn) \
turn:                                   \
	DECQ  kvPanels_left(T)              \
	JLE   after                         \
	LEAQ  (END)(SKIP*1), NEXT           \
	ADDQ  kvPanels_panel(T), END        \
	JMP   ahead                         \
after:                                  \
	MOVQ  kvPanels_after(T), NEXT       \
	MOVQ  $-1, END                      \
	JMP   ahead

#define KVPANELS(name, STEPS, EACH, LOAD, BYTES, AHEAD, TURN) \
TEXT name(SB), NOSPLIT, $0-8            \
	MOVQ  t+0(FP), T                    \
	MOVQ  kvPanels_lda(T), LDA          \
	LEAQ  (LDA)(LDA*2), LDA3            \
	MOVQ  kvPanels_ldc(T), LDC          \
	LEAQ  (LDC)(LDC*2), LDC3            \
	MOVQ  kvPanels_b(T), B              \
	MOVQ  kvPanels_c(T), C              \
	MOVQ  kvPanels_count(T), COUNT      \
	IMUL3Q $-BYTES(1), kvPanels_k(T), SKIP \
	ADDQ  kvPanels_panel(T), SKIP       \
	MOVQ  kvPanels_next(T), NEXT        \
	MOVQ  kvPanels_end(T), END          \
panel:                                  \
	EACH(ZERO)                          \
	MOVQ  kvPanels_a(T), A              \
	LEAQ  (A)(LDA*4), A4                \
	MOVQ  kvPanels_k(T), K              \
	SUBQ  $4, K                         \
	JLT   tail                          \
four:                                   \
	AHEAD(ahead, turn)                  \
	STEPS(0, LOAD)                      \
	STEPS(4, LOAD)                      \
	STEPS(8, LOAD)                      \
	STEPS(12, LOAD)                     \
	ADDQ  $16, A                        \
	ADDQ  $16, A4                       \
	ADDQ  $BYTES(4), B                  \
	SUBQ  $4, K                         \
	JGE   four                          \
tail:                                   \
	ADDQ  $4, K                         \
	JEQ   store                         \
one:                                    \
	STEPS(0, LOAD)                      \
	ADDQ  $4, A                         \
	ADDQ  $4, A4                        \
	ADDQ  $BYTES(1), B                  \
	DECQ  K                             \
	JNE   one                           \
store:                                  \
	VBROADCASTSS kvPanels_scale(T), Z8  \
	EACH(STORE)                         \
	ADDQ  SKIP, B                       \
	ADDQ  $64, C                        \
	DECQ  COUNT                         \
	JNE   panel                         \
	VZEROUPPER                          \
	RET                                 \
	TURN(ahead, turn)

KVPANELS(·kvPanels1AVX512, STEP1, EACH1, FLOAT, FLOATBYTES, NOTHING, NOTHING)
KVPANELS(·kvPanels2AVX512, STEP2, EACH2, FLOAT, FLOATBYTES, NOTHING, NOTHING)
KVPANELS(·kvPanels3AVX512, STEP3, EACH3, FLOAT, FLOATBYTES, NOTHING, NOTHING)
KVPANELS(·kvPanels4AVX512, STEP4, EACH4, FLOAT, FLOATBYTES, NOTHING, NOTHING)
KVPANELS(·kvPanels5AVX512, STEP5, EACH5, FLOAT, FLOATBYTES, FLOATAHEAD, TURN)
KVPANELS(·kvPanels6AVX512, STEP6, EACH6, FLOAT, FLOATBYTES, FLOATAHEAD, TURN)
KVPANELS(·kvPanels7AVX512, STEP7, EACH7, FLOAT, FLOATBYTES, FLOATAHEAD, TURN)
KVPANELS(·kvPanels8AVX512, STEP8, EACH8, FLOAT, FLOATBYTES, FLOATAHEAD, TURN)
KVPANELS(·kvPanels1BFloat16AVX512, STEP1, EACH1, BFLOAT, BFLOATBYTES, NOTHING, NOTHING)
KVPANELS(·kvPanels2BFloat16AVX512, STEP2, EACH2, BFLOAT, BFLOATBYTES, BFLOATAHEAD, TURN)
KVPANELS(·kvPanels3BFloat16AVX512, STEP3, EACH3, BFLOAT, BFLOATBYTES, BFLOATAHEAD, TURN)
KVPANELS(·kvPanels4BFloat16AVX512, STEP4, EACH4, BFLOAT, BFLOATBYTES, BFLOATAHEAD, TURN)
KVPANELS(·kvPanels5BFloat16AVX512, STEP5, EACH5, BFLOAT, BFLOATBYTES, BFLOATAHEAD, TURN)
KVPANELS(·kvPanels6BFloat16AVX512, STEP6, EACH6, BFLOAT, BFLOATBYTES, BFLOATAHEAD, TURN)
KVPANELS(·kvPanels7BFloat16AVX512, STEP7, EACH7, BFLOAT, BFLOATBYTES, BFLOATAHEAD, TURN)
KVPANELS(·kvPanels8BFloat16AVX512, STEP8, EACH8, BFLOAT, BFLOATBYTES, BFLOATAHEAD, TURN)

//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// One to eight rows by panels of a KV, one after the other, or of as many rows of each of some heads by theirs, for AVX-512; see
// kvPanels. A row of a panel is read once, in the order in which they lie in memory, and meets all rows of A that are its head's:
//
//	for each of count panels:
//	    accumulators = 0
//	    for l in 0..k-1:                            four at a time, then one at a time
//	        every four steps: prefetch as much as they read, of what follows, into the second-level cache
//	        for each head and row i: accumulator of row i += a[i][l] · b[l], widened
//	    c = accumulators · scale
//
// Rows have Z0 to Z15, those of the first head first, and a row of a panel is in Z16. The routines for which memory takes longer than
// the multiply-adds do not prefetch: a processor that fetches ahead by itself makes the best of it.

#define T      DI  // the kvPanels
#define A      R8  // row 0 of A, at l; row 4; row 8; row 12
#define A4     R11
#define A8     R13
#define A12    AX
#define LDA    R9  // bytes from a row of A to the next
#define LDA3   R10 // 3·LDA
#define B      R12 // row l of the panel
#define C      SI  // row 0 of the sums
#define COUNT  DX
#define K      CX
#define NEXT   R14 // what is prefetched next
#define END    R15 // where it goes on with another panel
#define HEAD   R14 // or, with several heads: bytes from the panel to that of the next head
#define HEAD3  R15 // 3·HEAD
#define SKIP   BX  // bytes from the end of a panel to the next
#define P      CX  // after the steps: a row of the sums
#define LDC    R8  // bytes from there to the next
#define LDC3   R11 // 3·LDC

// A type of panels: LOAD(d, p) reads a row of the panel at p to Z16: d is 4·l. BYTES(rows) is the bytes of so many.
#define FLOAT(d, p) \
	VMOVUPS (16*d)p, Z16
#define FLOATBYTES(rows) (64*rows)
#define BFLOAT(d, p) \
	VPMOVZXWD (8*d)p, Z16  \
	VPSLLD    $16, Z16, Z16
#define BFLOATBYTES(rows) (32*rows)

// One step of k: ROW0 to ROW15 are a row each, STEP3x2 three rows of each of two heads.
#define ROW0(d) VFMADD231PS.BCST d(A), Z16, Z0
#define ROW1(d) VFMADD231PS.BCST d(A)(LDA*1), Z16, Z1
#define ROW2(d) VFMADD231PS.BCST d(A)(LDA*2), Z16, Z2
#define ROW3(d) VFMADD231PS.BCST d(A)(LDA3*1), Z16, Z3
#define ROW4(d) VFMADD231PS.BCST d(A4), Z16, Z4
#define ROW5(d) VFMADD231PS.BCST d(A4)(LDA*1), Z16, Z5
#define ROW6(d) VFMADD231PS.BCST d(A4)(LDA*2), Z16, Z6
#define ROW7(d) VFMADD231PS.BCST d(A4)(LDA3*1), Z16, Z7
#define ROW8(d) VFMADD231PS.BCST d(A8), Z16, Z8
#define ROW9(d) VFMADD231PS.BCST d(A8)(LDA*1), Z16, Z9
#define ROW10(d) VFMADD231PS.BCST d(A8)(LDA*2), Z16, Z10
#define ROW11(d) VFMADD231PS.BCST d(A8)(LDA3*1), Z16, Z11
#define ROW12(d) VFMADD231PS.BCST d(A12), Z16, Z12
#define ROW13(d) VFMADD231PS.BCST d(A12)(LDA*1), Z16, Z13
#define ROW14(d) VFMADD231PS.BCST d(A12)(LDA*2), Z16, Z14
#define ROW15(d) VFMADD231PS.BCST d(A12)(LDA3*1), Z16, Z15

#define STEP1x1(d, LOAD) LOAD(d, (B)); ROW0(d)
#define STEP2x1(d, LOAD) LOAD(d, (B)); ROW0(d); ROW1(d)
#define STEP3x1(d, LOAD) LOAD(d, (B)); ROW0(d); ROW1(d); ROW2(d)
#define STEP4x1(d, LOAD) LOAD(d, (B)); ROW0(d); ROW1(d); ROW2(d); ROW3(d)
#define STEP5x1(d, LOAD) LOAD(d, (B)); ROW0(d); ROW1(d); ROW2(d); ROW3(d); ROW4(d)
#define STEP6x1(d, LOAD) LOAD(d, (B)); ROW0(d); ROW1(d); ROW2(d); ROW3(d); ROW4(d); ROW5(d)
#define STEP7x1(d, LOAD) LOAD(d, (B)); ROW0(d); ROW1(d); ROW2(d); ROW3(d); ROW4(d); ROW5(d); ROW6(d)
#define STEP8x1(d, LOAD) LOAD(d, (B)); ROW0(d); ROW1(d); ROW2(d); ROW3(d); ROW4(d); ROW5(d); ROW6(d); ROW7(d)
#define STEP1x2(d, LOAD) STEP1x1(d, LOAD); LOAD(d, (B)(HEAD*1)); ROW1(d)
#define STEP2x2(d, LOAD) STEP2x1(d, LOAD); LOAD(d, (B)(HEAD*1)); ROW2(d); ROW3(d)
#define STEP3x2(d, LOAD) STEP3x1(d, LOAD); LOAD(d, (B)(HEAD*1)); ROW3(d); ROW4(d); ROW5(d)
#define STEP4x2(d, LOAD) STEP4x1(d, LOAD); LOAD(d, (B)(HEAD*1)); ROW4(d); ROW5(d); ROW6(d); ROW7(d)
#define STEP5x2(d, LOAD) STEP5x1(d, LOAD); LOAD(d, (B)(HEAD*1)); ROW5(d); ROW6(d); ROW7(d); ROW8(d); ROW9(d)
#define STEP6x2(d, LOAD) STEP6x1(d, LOAD); LOAD(d, (B)(HEAD*1)); ROW6(d); ROW7(d); ROW8(d); ROW9(d); ROW10(d); ROW11(d)
#define STEP7x2(d, LOAD) STEP7x1(d, LOAD); LOAD(d, (B)(HEAD*1)); ROW7(d); ROW8(d); ROW9(d); ROW10(d); ROW11(d); ROW12(d); ROW13(d)
#define STEP1x3(d, LOAD) STEP1x2(d, LOAD); LOAD(d, (B)(HEAD*2)); ROW2(d)
#define STEP2x3(d, LOAD) STEP2x2(d, LOAD); LOAD(d, (B)(HEAD*2)); ROW4(d); ROW5(d)
#define STEP3x3(d, LOAD) STEP3x2(d, LOAD); LOAD(d, (B)(HEAD*2)); ROW6(d); ROW7(d); ROW8(d)
#define STEP4x3(d, LOAD) STEP4x2(d, LOAD); LOAD(d, (B)(HEAD*2)); ROW8(d); ROW9(d); ROW10(d); ROW11(d)
#define STEP5x3(d, LOAD) STEP5x2(d, LOAD); LOAD(d, (B)(HEAD*2)); ROW10(d); ROW11(d); ROW12(d); ROW13(d); ROW14(d)
#define STEP1x4(d, LOAD) STEP1x3(d, LOAD); LOAD(d, (B)(HEAD3*1)); ROW3(d)
#define STEP2x4(d, LOAD) STEP2x3(d, LOAD); LOAD(d, (B)(HEAD3*1)); ROW6(d); ROW7(d)
#define STEP3x4(d, LOAD) STEP3x3(d, LOAD); LOAD(d, (B)(HEAD3*1)); ROW9(d); ROW10(d); ROW11(d)
#define STEP4x4(d, LOAD) STEP4x3(d, LOAD); LOAD(d, (B)(HEAD3*1)); ROW12(d); ROW13(d); ROW14(d); ROW15(d)

// EACH applies OP to the accumulators: OP(where the sums are, a register).
#define EACH1(OP) OP((P), Z0)
#define EACH2(OP) EACH1(OP); OP((P)(LDC*1), Z1)
#define EACH3(OP) EACH2(OP); OP((P)(LDC*2), Z2)
#define EACH4(OP) EACH3(OP); OP((P)(LDC3*1), Z3)
#define EACH5(OP) EACH4(OP); LEAQ (P)(LDC*4), P; OP((P), Z4)
#define EACH6(OP) EACH5(OP); OP((P)(LDC*1), Z5)
#define EACH7(OP) EACH6(OP); OP((P)(LDC*2), Z6)
#define EACH8(OP) EACH7(OP); OP((P)(LDC3*1), Z7)
#define EACH9(OP) EACH8(OP); LEAQ (P)(LDC*4), P; OP((P), Z8)
#define EACH10(OP) EACH9(OP); OP((P)(LDC*1), Z9)
#define EACH11(OP) EACH10(OP); OP((P)(LDC*2), Z10)
#define EACH12(OP) EACH11(OP); OP((P)(LDC3*1), Z11)
#define EACH13(OP) EACH12(OP); LEAQ (P)(LDC*4), P; OP((P), Z12)
#define EACH14(OP) EACH13(OP); OP((P)(LDC*1), Z13)
#define EACH15(OP) EACH14(OP); OP((P)(LDC*2), Z14)
#define EACH16(OP) EACH15(OP); OP((P)(LDC3*1), Z15)

#define ZERO(p, z) VPXORD z, z, z
#define STORE(p, z) \
	VMULPS  Z16, z, z \
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

// The same with several heads, in the panels of each.
#define HEADS2AHEAD(ahead, turn) \
	PREFETCHT1 8192(B)      \
	PREFETCHT1 8256(B)      \
	PREFETCHT1 8192(B)(HEAD*1) \
	PREFETCHT1 8256(B)(HEAD*1)
#define HEADS3AHEAD(ahead, turn) HEADS2AHEAD(ahead, turn) \
	PREFETCHT1 8192(B)(HEAD*2) \
	PREFETCHT1 8256(B)(HEAD*2)
#define HEADS4AHEAD(ahead, turn) HEADS3AHEAD(ahead, turn) \
	PREFETCHT1 8192(B)(HEAD3*1) \
	PREFETCHT1 8256(B)(HEAD3*1)

// What stands in the registers of NEXT and END.
#define EMPTY
#define BEGIN \
	MOVQ  kvPanels_next(T), NEXT \
	MOVQ  kvPanels_end(T), END
#define HEADS \
	MOVQ  kvPanels_head(T), HEAD \
	LEAQ  (HEAD)(HEAD*2), HEAD3

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

#define KVPANELS(name, STEPS, EACH, LOAD, BYTES, BEGIN, AHEAD, TURN) \
TEXT name(SB), NOSPLIT, $0-8            \
	MOVQ  t+0(FP), T                    \
	MOVQ  kvPanels_lda(T), LDA          \
	LEAQ  (LDA)(LDA*2), LDA3            \
	MOVQ  kvPanels_b(T), B              \
	MOVQ  kvPanels_c(T), C              \
	MOVQ  kvPanels_count(T), COUNT      \
	IMUL3Q $-BYTES(1), kvPanels_k(T), SKIP \
	ADDQ  kvPanels_panel(T), SKIP       \
	BEGIN                               \
panel:                                  \
	EACH(ZERO)                          \
	MOVQ  kvPanels_a(T), A              \
	LEAQ  (A)(LDA*4), A4                \
	LEAQ  (A4)(LDA*4), A8               \
	LEAQ  (A8)(LDA*4), A12              \
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
	ADDQ  $16, A8                       \
	ADDQ  $16, A12                      \
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
	ADDQ  $4, A8                        \
	ADDQ  $4, A12                       \
	ADDQ  $BYTES(1), B                  \
	DECQ  K                             \
	JNE   one                           \
store:                                  \
	VBROADCASTSS kvPanels_scale(T), Z16 \
	MOVQ  kvPanels_ldc(T), LDC          \
	LEAQ  (LDC)(LDC*2), LDC3            \
	MOVQ  C, P                          \
	EACH(STORE)                         \
	ADDQ  SKIP, B                       \
	ADDQ  $64, C                        \
	DECQ  COUNT                         \
	JNE   panel                         \
	VZEROUPPER                          \
	RET                                 \
	TURN(ahead, turn)

KVPANELS(·kvPanels1AVX512, STEP1x1, EACH1, FLOAT, FLOATBYTES, EMPTY, NOTHING, NOTHING)
KVPANELS(·kvPanels2AVX512, STEP2x1, EACH2, FLOAT, FLOATBYTES, EMPTY, NOTHING, NOTHING)
KVPANELS(·kvPanels3AVX512, STEP3x1, EACH3, FLOAT, FLOATBYTES, EMPTY, NOTHING, NOTHING)
KVPANELS(·kvPanels4AVX512, STEP4x1, EACH4, FLOAT, FLOATBYTES, EMPTY, NOTHING, NOTHING)
KVPANELS(·kvPanels5AVX512, STEP5x1, EACH5, FLOAT, FLOATBYTES, BEGIN, FLOATAHEAD, TURN)
KVPANELS(·kvPanels6AVX512, STEP6x1, EACH6, FLOAT, FLOATBYTES, BEGIN, FLOATAHEAD, TURN)
KVPANELS(·kvPanels7AVX512, STEP7x1, EACH7, FLOAT, FLOATBYTES, BEGIN, FLOATAHEAD, TURN)
KVPANELS(·kvPanels8AVX512, STEP8x1, EACH8, FLOAT, FLOATBYTES, BEGIN, FLOATAHEAD, TURN)
KVPANELS(·kvPanels1of2AVX512, STEP1x2, EACH2, FLOAT, FLOATBYTES, HEADS, NOTHING, NOTHING)
KVPANELS(·kvPanels2of2AVX512, STEP2x2, EACH4, FLOAT, FLOATBYTES, HEADS, NOTHING, NOTHING)
KVPANELS(·kvPanels3of2AVX512, STEP3x2, EACH6, FLOAT, FLOATBYTES, HEADS, NOTHING, NOTHING)
KVPANELS(·kvPanels4of2AVX512, STEP4x2, EACH8, FLOAT, FLOATBYTES, HEADS, NOTHING, NOTHING)
KVPANELS(·kvPanels5of2AVX512, STEP5x2, EACH10, FLOAT, FLOATBYTES, HEADS, NOTHING, NOTHING)
KVPANELS(·kvPanels1of3AVX512, STEP1x3, EACH3, FLOAT, FLOATBYTES, HEADS, NOTHING, NOTHING)
KVPANELS(·kvPanels2of3AVX512, STEP2x3, EACH6, FLOAT, FLOATBYTES, HEADS, NOTHING, NOTHING)
KVPANELS(·kvPanels3of3AVX512, STEP3x3, EACH9, FLOAT, FLOATBYTES, HEADS, NOTHING, NOTHING)
KVPANELS(·kvPanels1of4AVX512, STEP1x4, EACH4, FLOAT, FLOATBYTES, HEADS, NOTHING, NOTHING)
KVPANELS(·kvPanels1BFloat16AVX512, STEP1x1, EACH1, BFLOAT, BFLOATBYTES, EMPTY, NOTHING, NOTHING)
KVPANELS(·kvPanels2BFloat16AVX512, STEP2x1, EACH2, BFLOAT, BFLOATBYTES, BEGIN, BFLOATAHEAD, TURN)
KVPANELS(·kvPanels3BFloat16AVX512, STEP3x1, EACH3, BFLOAT, BFLOATBYTES, BEGIN, BFLOATAHEAD, TURN)
KVPANELS(·kvPanels4BFloat16AVX512, STEP4x1, EACH4, BFLOAT, BFLOATBYTES, BEGIN, BFLOATAHEAD, TURN)
KVPANELS(·kvPanels5BFloat16AVX512, STEP5x1, EACH5, BFLOAT, BFLOATBYTES, BEGIN, BFLOATAHEAD, TURN)
KVPANELS(·kvPanels6BFloat16AVX512, STEP6x1, EACH6, BFLOAT, BFLOATBYTES, BEGIN, BFLOATAHEAD, TURN)
KVPANELS(·kvPanels7BFloat16AVX512, STEP7x1, EACH7, BFLOAT, BFLOATBYTES, BEGIN, BFLOATAHEAD, TURN)
KVPANELS(·kvPanels8BFloat16AVX512, STEP8x1, EACH8, BFLOAT, BFLOATBYTES, BEGIN, BFLOATAHEAD, TURN)
KVPANELS(·kvPanels1of2BFloat16AVX512, STEP1x2, EACH2, BFLOAT, BFLOATBYTES, HEADS, NOTHING, NOTHING)
KVPANELS(·kvPanels2of2BFloat16AVX512, STEP2x2, EACH4, BFLOAT, BFLOATBYTES, HEADS, HEADS2AHEAD, NOTHING)
KVPANELS(·kvPanels3of2BFloat16AVX512, STEP3x2, EACH6, BFLOAT, BFLOATBYTES, HEADS, HEADS2AHEAD, NOTHING)
KVPANELS(·kvPanels4of2BFloat16AVX512, STEP4x2, EACH8, BFLOAT, BFLOATBYTES, HEADS, HEADS2AHEAD, NOTHING)
KVPANELS(·kvPanels5of2BFloat16AVX512, STEP5x2, EACH10, BFLOAT, BFLOATBYTES, HEADS, HEADS2AHEAD, NOTHING)
KVPANELS(·kvPanels6of2BFloat16AVX512, STEP6x2, EACH12, BFLOAT, BFLOATBYTES, HEADS, HEADS2AHEAD, NOTHING)
KVPANELS(·kvPanels7of2BFloat16AVX512, STEP7x2, EACH14, BFLOAT, BFLOATBYTES, HEADS, HEADS2AHEAD, NOTHING)
KVPANELS(·kvPanels1of3BFloat16AVX512, STEP1x3, EACH3, BFLOAT, BFLOATBYTES, HEADS, NOTHING, NOTHING)
KVPANELS(·kvPanels2of3BFloat16AVX512, STEP2x3, EACH6, BFLOAT, BFLOATBYTES, HEADS, HEADS3AHEAD, NOTHING)
KVPANELS(·kvPanels3of3BFloat16AVX512, STEP3x3, EACH9, BFLOAT, BFLOATBYTES, HEADS, HEADS3AHEAD, NOTHING)
KVPANELS(·kvPanels4of3BFloat16AVX512, STEP4x3, EACH12, BFLOAT, BFLOATBYTES, HEADS, HEADS3AHEAD, NOTHING)
KVPANELS(·kvPanels5of3BFloat16AVX512, STEP5x3, EACH15, BFLOAT, BFLOATBYTES, HEADS, HEADS3AHEAD, NOTHING)
KVPANELS(·kvPanels1of4BFloat16AVX512, STEP1x4, EACH4, BFLOAT, BFLOATBYTES, HEADS, NOTHING, NOTHING)
KVPANELS(·kvPanels2of4BFloat16AVX512, STEP2x4, EACH8, BFLOAT, BFLOATBYTES, HEADS, HEADS4AHEAD, NOTHING)
KVPANELS(·kvPanels3of4BFloat16AVX512, STEP3x4, EACH12, BFLOAT, BFLOATBYTES, HEADS, HEADS4AHEAD, NOTHING)
KVPANELS(·kvPanels4of4BFloat16AVX512, STEP4x4, EACH16, BFLOAT, BFLOATBYTES, HEADS, HEADS4AHEAD, NOTHING)

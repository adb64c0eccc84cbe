//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// One to three rows by four panels of bfloat16 at a time, for AVX-512; see kvPanels. They would have too few chains with one panel:
//
//	for each of count groups of four panels:
//	    accumulators = 0
//	    for l in 0..k-1:                            four at a time, then one at a time
//	        every four steps: prefetch 128 bytes of each of four streams of what follows, into the second-level cache
//	        for each row i: broadcast a[i][l]; accumulators of row i += a[i][l] · b[l], widened
//	    c = accumulators · scale
//
// Rows have Z0 to Z3, Z4 to Z7 and Z8 to Z11; their broadcasts are in Z12 to Z14, and a row of a panel is in Z16.

#define T       DI  // the kvPanels
#define A       R8  // row 0 of A, at l
#define LDA     R9  // bytes from a row of A to the next
#define B       R12 // row l of the first panel
#define PANEL   R10 // bytes from a panel to the next
#define PANEL3  R11 // 3·PANEL
#define C       SI  // row 0 of the sums
#define LDC     AX  // bytes from a row of C to the next
#define COUNT   DX
#define K       CX
#define NEXT    R14 // what is prefetched next, of the first of four streams
#define APART   R13 // bytes from a stream to the next
#define APART3  BX  // 3·APART
#define END     R15 // where it goes on with other panels

// LOAD reads a row of the panel at p, widened: d is 4·l.
#define LOAD(d, p) \
	VPMOVZXWD (8*d)p, Z16   \
	VPSLLD    $16, Z16, Z16

// One step of k: BY is a panel.
#define BY1(d, p, z0) LOAD(d, p) \
	VFMADD231PS Z16, Z12, z0
#define BY2(d, p, z0, z1) BY1(d, p, z0) \
	VFMADD231PS Z16, Z13, z1
#define BY3(d, p, z0, z1, z2) BY2(d, p, z0, z1) \
	VFMADD231PS Z16, Z14, z2

#define STEP1(d) \
	VBROADCASTSS d(A), Z12        \
	BY1(d, (B), Z0)               \
	BY1(d, (B)(PANEL*1), Z1)      \
	BY1(d, (B)(PANEL*2), Z2)      \
	BY1(d, (B)(PANEL3*1), Z3)
#define STEP2(d) \
	VBROADCASTSS d(A), Z12          \
	VBROADCASTSS d(A)(LDA*1), Z13   \
	BY2(d, (B), Z0, Z4)             \
	BY2(d, (B)(PANEL*1), Z1, Z5)    \
	BY2(d, (B)(PANEL*2), Z2, Z6)    \
	BY2(d, (B)(PANEL3*1), Z3, Z7)
#define STEP3(d) \
	VBROADCASTSS d(A), Z12              \
	VBROADCASTSS d(A)(LDA*1), Z13       \
	VBROADCASTSS d(A)(LDA*2), Z14       \
	BY3(d, (B), Z0, Z4, Z8)             \
	BY3(d, (B)(PANEL*1), Z1, Z5, Z9)    \
	BY3(d, (B)(PANEL*2), Z2, Z6, Z10)   \
	BY3(d, (B)(PANEL3*1), Z3, Z7, Z11)

// EACH applies OP to the accumulators: OP(where the sums are, a register).
#define EACH1(OP) \
	OP((C), Z0)    \
	OP(64(C), Z1)  \
	OP(128(C), Z2) \
	OP(192(C), Z3)
#define EACH2(OP) EACH1(OP) \
	OP((C)(LDC*1), Z4)    \
	OP(64(C)(LDC*1), Z5)  \
	OP(128(C)(LDC*1), Z6) \
	OP(192(C)(LDC*1), Z7)
#define EACH3(OP) EACH2(OP) \
	OP((C)(LDC*2), Z8)     \
	OP(64(C)(LDC*2), Z9)   \
	OP(128(C)(LDC*2), Z10) \
	OP(192(C)(LDC*2), Z11)

#define ZERO(p, z) VPXORD z, z, z
#define STORE(p, z) \
	VMULPS  Z12, z, z \
	VMOVUPS z, p

#define KVPANELS(name, STEPS, EACH) \
TEXT name(SB), NOSPLIT, $0-8        \
	MOVQ  t+0(FP), T            \
	MOVQ  kvPanels_lda(T), LDA  \
	MOVQ  kvPanels_ldc(T), LDC  \
	MOVQ  kvPanels_b(T), B      \
	MOVQ  kvPanels_panel(T), PANEL \
	LEAQ  (PANEL)(PANEL*2), PANEL3 \
	MOVQ  kvPanels_c(T), C      \
	MOVQ  kvPanels_count(T), COUNT \
	MOVQ  kvPanels_next(T), NEXT \
	MOVQ  kvPanels_end(T), END  \
	MOVQ  kvPanels_apart(T), APART \
	LEAQ  (APART)(APART*2), APART3 \
group:                              \
	EACH(ZERO)                  \
	MOVQ  kvPanels_a(T), A      \
	MOVQ  kvPanels_k(T), K      \
	SUBQ  $4, K                 \
	JLT   tail                  \
four:                               \
	CMPQ  NEXT, END             \
	JCC   turn                  \
ahead:                              \
	PREFETCHT1 (NEXT)           \
	PREFETCHT1 64(NEXT)         \
	PREFETCHT1 (NEXT)(APART*1)  \
	PREFETCHT1 64(NEXT)(APART*1) \
	PREFETCHT1 (NEXT)(APART*2)  \
	PREFETCHT1 64(NEXT)(APART*2) \
	PREFETCHT1 (NEXT)(APART3*1) \
	PREFETCHT1 64(NEXT)(APART3*1) \
	ADDQ  kvPanels_step(T), NEXT \
	STEPS(0)                    \
	STEPS(4)                    \
	STEPS(8)                    \
	STEPS(12)                   \
	ADDQ  $16, A                \
	ADDQ  $128, B               \
	SUBQ  $4, K                 \
	JGE   four                  \
tail:                               \
	ADDQ  $4, K                 \
	JEQ   store                 \
one:                                \
	STEPS(0)                    \
	ADDQ  $4, A                 \
	ADDQ  $32, B                \
	DECQ  K                     \
	JNE   one                   \
store:                              \
	VBROADCASTSS kvPanels_scale(T), Z12 \
	EACH(STORE)                 \
	MOVQ  kvPanels_k(T), K      \
	SHLQ  $5, K                 \
	SUBQ  K, B                  \
	LEAQ  (B)(PANEL*4), B       \
	ADDQ  $256, C               \
	DECQ  COUNT                 \
	JNE   group                 \
	VZEROUPPER                  \
	RET                         \
turn:                               \
	DECQ  kvPanels_left(T)      \
	JLE   after                 \
	MOVQ  kvPanels_k(T), NEXT   \
	SHLQ  $5, NEXT              \
	NEGQ  NEXT                  \
	LEAQ  (END)(PANEL*4), END   \
	ADDQ  END, NEXT             \
	JMP   ahead                 \
after:                              \
	MOVQ  kvPanels_afterStep(T), END \
	MOVQ  END, kvPanels_step(T) \
	MOVQ  kvPanels_afterApart(T), APART \
	LEAQ  (APART)(APART*2), APART3 \
	MOVQ  kvPanels_after(T), NEXT \
	MOVQ  $-1, END              \
	JMP   ahead

KVPANELS(·kvPanels1x4BFloat16AVX512, STEP1, EACH1)
KVPANELS(·kvPanels2x4BFloat16AVX512, STEP2, EACH2)
KVPANELS(·kvPanels3x4BFloat16AVX512, STEP3, EACH3)

//go:build !purego

#include "textflag.h"
#include "exp_amd64.h"

// The row routines of attention on AVX-512: maxima and exponentials of several rows of scores in a call.
//
// exp is a chain of eleven operations of three or four cycles, nine of them multiply-adds, in the steps that exp_avx2_amd64.s has.
// A block is eight vectors of 16 elements, one step of all of them after the other; the window of the processor reaches from the
// polynomial of a block over the last steps, which are no multiply-adds, and the first ones of the next block, which may be that of
// the next row. What is left of a row is a block of four and then vectors one by one, the last with a mask.
//
// A block in which a d is beyond -expLow, or NaN, is left to the vectors one by one, which take care of these: as an unsigned
// integer, such a d is greater than -expLow.

CONSTANT(ln2Hi, 0x3f317218)
CONSTANT(minusLn2Lo, 0x3102e308)
CONSTANT(expBound, 0x42aeac4f) // -expLow

#define DST    DI
#define SRC    SI
#define DSTROW DX
#define SRCROW AX
#define LEFT   CX  // elements left in the row
#define LD     R8  // bytes from a row to the next
#define MAX    R10
#define SUM    R11
#define STOP   R13 // elements left where the vectors one by one end
#define ONES   BX  // -1
#define TREE   R14 // where the lanes of the row go in the frame
#define KEPT   R15 // lanes of a row that comes in pieces, or 0

#define FAR    Z24 // the greatest d
#define LANES  Z25
#define TOP    Z26 // the maximum of the row
#define LOG2E  Z27
#define MAGIC  Z28
#define LN2HI  Z29
#define LN2LO  Z30
#define EXP6   Z31

// EACH applies OP to vectors: OP(its number, r, p, t), with d, then r = d's remainder, in r, the polynomial in p, n in t.
#define EACH1(OP) OP(0, Z0, Z8, Z16)
#define EACH4(OP) EACH1(OP) \
	OP(1, Z1, Z9, Z17)  \
	OP(2, Z2, Z10, Z18) \
	OP(3, Z3, Z11, Z19)
#define EACH8(OP) EACH4(OP) \
	OP(4, Z4, Z12, Z20) \
	OP(5, Z5, Z13, Z21) \
	OP(6, Z6, Z14, Z22) \
	OP(7, Z7, Z15, Z23)

#define DIFFERENCE(i, r, p, t) \
	VSUBPS  (64*i)(SRC), TOP, r
#define GREATEST(i, r, p, t) \
	VPMAXUD r, FAR, FAR
#define ROUND(i, r, p, t) \
	VMOVAPS      MAGIC, t    \
	VFNMADD231PS LOG2E, r, t
#define INTEGER(i, r, p, t) \
	VSUBPS MAGIC, t, p
#define POWER(i, r, p, t) \
	VPSLLD $23, t, t
#define HIGH(i, r, p, t) \
	VFNMSUB231PS LN2HI, p, r
#define LOW(i, r, p, t) \
	VFMADD231PS LN2LO, p, r
#define STEP5(i, r, p, t) \
	VMOVAPS          EXP6, p              \
	VFMADD213PS.BCST exp5<>(SB), r, p
#define STEP4(i, r, p, t) VFMADD213PS.BCST exp4<>(SB), r, p
#define STEP3(i, r, p, t) VFMADD213PS.BCST exp3<>(SB), r, p
#define STEP2(i, r, p, t) VFMADD213PS.BCST exp2<>(SB), r, p
#define STEP1(i, r, p, t) VFMADD213PS.BCST one<>(SB), r, p
#define FINISH(i, r, p, t) \
	VPADDD  t, p, p         \
	VADDPS  p, LANES, LANES \
	VMOVUPS p, (64*i)(DST)

// BLOCK: EACH vector's exp, or a jump.
#define BLOCK(EACH, far) \
	EACH(DIFFERENCE)                   \
	EACH(ROUND)                        \
	VPXORD  FAR, FAR, FAR              \
	EACH(GREATEST)                     \
	EACH(INTEGER)                      \
	EACH(POWER)                        \
	EACH(HIGH)                         \
	EACH(LOW)                          \
	VPMAXUD.BCST  expBound<>(SB), FAR, FAR \
	VPCMPEQD.BCST expBound<>(SB), FAR, K1  \
	KORTESTW K1, K1                    \
	JCC     far                        \
	EACH(STEP5)                        \
	EACH(STEP4)                        \
	EACH(STEP3)                        \
	EACH(STEP2)                        \
	EACH(STEP1)                        \
	EACH(STEP1)                        \
	EACH(FINISH)

// FIRST: k selects the first LEFT elements of 16.
#define FIRST(k) \
	MOVQ    $16, R12      \
	CMPQ    LEFT, R12     \
	CMOVQLT LEFT, R12     \
	BZHIL   R12, ONES, R12 \
	KMOVW   R12, k

// The lanes of eight rows, in the frame, are folded together: +8 as they are read, then +4, +2 and +1 with the lanes of two, four and
// eight rows side by side. op takes b, a and the result; a has the higher lanes.
#define FOLD8(op, i, y) \
	VMOVUPS (64*i)(SP), y    \
	VMOVUPS (64*i+32)(SP), Y8 \
	op      y, Y8, y
#define FOLD4(op, y0, y1, y) \
	VPERM2F128 $0x31, y1, y0, Y8 \
	VPERM2F128 $0x20, y1, y0, Y9 \
	op         Y9, Y8, y
#define FOLD2(op, y0, y1, y) \
	VUNPCKHPD y1, y0, Y8 \
	VUNPCKLPD y1, y0, Y9 \
	op        Y9, Y8, y
#define FOLD1(op, y0, y1, y) \
	VSHUFPS $0xdd, y1, y0, Y8 \
	VSHUFPS $0x88, y1, y0, Y9 \
	op      Y9, Y8, y

// TREES: Y0 = the trees of the lanes of eight rows.
#define TREES(op) \
	FOLD8(op, 0, Y0)       \
	FOLD8(op, 4, Y4)       \
	FOLD4(op, Y0, Y4, Y0)  \
	FOLD8(op, 1, Y1)       \
	FOLD8(op, 5, Y5)       \
	FOLD4(op, Y1, Y5, Y1)  \
	FOLD2(op, Y0, Y1, Y0)  \
	FOLD8(op, 2, Y2)       \
	FOLD8(op, 6, Y6)       \
	FOLD4(op, Y2, Y6, Y2)  \
	FOLD8(op, 3, Y3)       \
	FOLD8(op, 7, Y7)       \
	FOLD4(op, Y3, Y7, Y3)  \
	FOLD2(op, Y2, Y3, Y2)  \
	FOLD1(op, Y0, Y2, Y0)

// STORE writes the trees of the rows in the frame, which TREE ends behind, to out.
#define STORE(op, out) \
	TREES(op)              \
	SUBQ  SP, TREE         \
	SHRQ  $6, TREE         \
	MOVQ  $-1, R12         \
	BZHIL TREE, R12, R12   \
	KMOVW R12, K1          \
	VMOVUPS Z0, K1, (out)  \
	LEAQ  (out)(TREE*4), out \
	MOVQ  SP, TREE

// func expSumsAVX512(l *lanes, dst, src *float32, ld uintptr, rows, n, grow int, max, sum *float32)
//
// For each of the rows, of n, n+grow, n+2·grow, ... elements, ld bytes apart: dst = exp(src - max[i]); sum[i] = the tree of the
// lanes, to which dst is added. l is nil, or the lanes of a row that comes in pieces. dst may be src.
TEXT ·expSumsAVX512(SB), 0, $512-72
	MOVQ SP, TREE
	MOVQ l+0(FP), KEPT
	MOVQ dst+8(FP), DSTROW
	MOVQ src+16(FP), SRCROW
	MOVQ ld+24(FP), LD
	MOVQ rows+32(FP), R9
	MOVQ max+56(FP), MAX
	MOVQ sum+64(FP), SUM
	MOVQ $-1, ONES
	LET(log2e, LOG2E)
	LET(magic, MAGIC)
	LET(ln2Hi, LN2HI)
	LET(minusLn2Lo, LN2LO)
	LET(exp6, EXP6)

row:
	MOVQ         DSTROW, DST
	MOVQ         SRCROW, SRC
	MOVQ         n+40(FP), LEFT
	VBROADCASTSS (MAX), TOP
	VPXORD       LANES, LANES, LANES
	TESTQ        KEPT, KEPT
	JEQ          start
	VMOVUPS      (KEPT), LANES

start:
	SUBQ $128, LEFT
	JLT  four

eight:
	BLOCK(EACH8, far8)
	ADDQ $512, SRC
	ADDQ $512, DST
	SUBQ $128, LEFT
	JGE  eight

four:
	ADDQ $64, LEFT
	JLT  rest
	BLOCK(EACH4, far4)
	ADDQ $256, SRC
	ADDQ $256, DST
	SUBQ $64, LEFT

rest:
	XORQ STOP, STOP
	ADDQ $64, LEFT
	JEQ  tree
	JMP  one

far8:
	MOVQ LEFT, STOP
	ADDQ $128, LEFT
	JMP  one

far4:
	MOVQ LEFT, STOP
	ADDQ $64, LEFT

// One by one until STOP elements are left. The minimum keeps the bits of a NaN out of n<<23.
one:
	FIRST(K1)
	VMOVUPS.Z    (SRC), K1, Z0
	VSUBPS       Z0, TOP, Z0
	VCMPPS.BCST  $10, expBound<>(SB), Z0, K2
	EACH1(ROUND)
	EACH1(INTEGER)
	VPMINUD      MAGIC, Z16, Z16
	EACH1(POWER)
	EACH1(HIGH)
	EACH1(LOW)
	EACH1(STEP5)
	EACH1(STEP4)
	EACH1(STEP3)
	EACH1(STEP2)
	EACH1(STEP1)
	EACH1(STEP1)
	VPADDD.Z     Z16, Z8, K2, Z8
	VADDPS       Z8, LANES, K1, LANES
	VMOVUPS      Z8, K1, (DST)
	ADDQ         $64, SRC
	ADDQ         $64, DST
	SUBQ         $16, LEFT
	CMPQ         LEFT, STOP
	JGT          one
	TESTQ        LEFT, LEFT
	JGT          start

tree:
	TESTQ   KEPT, KEPT
	JEQ     fold
	VMOVUPS LANES, (KEPT)

fold:
	VMOVUPS LANES, (TREE)
	ADDQ    $64, TREE
	MOVQ    grow+48(FP), R12
	ADDQ    R12, n+40(FP)
	ADDQ    $4, MAX
	ADDQ    LD, DSTROW
	ADDQ    LD, SRCROW
	DECQ    R9
	JEQ     sums
	LEAQ    512(SP), R12
	CMPQ    TREE, R12
	JNE     row

sums:
	STORE(VADDPS, SUM)
	TESTQ R9, R9
	JNE   row
	VZEROUPPER
	RET

// func rowMaxesAVX512(max *float32, l *lanes, ldl uintptr, x *float32, ld uintptr, rows, n, grow int)
//
// For each of the rows, of n, n+grow, n+2·grow, ... elements, ld bytes apart: lanes that begin as the row's of l, ldl bytes apart;
// lane = x > lane ? x : lane; max[i] = their tree.
TEXT ·rowMaxesAVX512(SB), 0, $512-64
	MOVQ SP, TREE
	MOVQ max+0(FP), MAX
	MOVQ l+8(FP), DI
	MOVQ ldl+16(FP), DX
	MOVQ x+24(FP), SRCROW
	MOVQ ld+32(FP), LD
	MOVQ rows+40(FP), R9
	MOVQ n+48(FP), R11
	MOVQ $-1, ONES
	LET(minusInf, Z31)

row:
	MOVQ    SRCROW, SRC
	MOVQ    R11, LEFT
	VMOVUPS (DI), Z0
	SUBQ    $64, LEFT
	JLT     rest

four:
	VMOVUPS (SRC), Z1
	VMOVUPS 64(SRC), Z2
	VMOVUPS 128(SRC), Z3
	VMOVUPS 192(SRC), Z4
	VMAXPS  Z0, Z1, Z0
	VMAXPS  Z0, Z2, Z0
	VMAXPS  Z0, Z3, Z0
	VMAXPS  Z0, Z4, Z0
	ADDQ    $256, SRC
	SUBQ    $64, LEFT
	JGE     four

rest:
	ADDQ $64, LEFT
	JEQ  tree

one:
	FIRST(K1)
	VMOVAPS Z31, Z1
	VMOVUPS (SRC), K1, Z1
	VMAXPS  Z0, Z1, Z0
	ADDQ    $64, SRC
	SUBQ    $16, LEFT
	JGT     one

tree:
	VMOVUPS Z0, (TREE)
	ADDQ    $64, TREE
	ADDQ    grow+56(FP), R11
	ADDQ    DX, DI
	ADDQ    LD, SRCROW
	DECQ    R9
	JEQ     maxima
	LEAQ    512(SP), R12
	CMPQ    TREE, R12
	JNE     row

maxima:
	STORE(VMAXPS, MAX)
	TESTQ R9, R9
	JNE   row
	VZEROUPPER
	RET

// func foldsAVX512(dst *float32, ldd uintptr, src *float32, lds uintptr, rows, n int, factors, scale *float32)
//
// For each of the rows: dst = (dst·factors[2i] + src·factors[2i+1]) · scale[i], each rounded. The rows of dst come from afar: those
// after the next three are prefetched.
TEXT ·foldsAVX512(SB), NOSPLIT, $0-64
	MOVQ dst+0(FP), DSTROW
	MOVQ ldd+8(FP), LD
	MOVQ src+16(FP), SRCROW
	MOVQ rows+32(FP), R9
	MOVQ factors+48(FP), R10
	MOVQ scale+56(FP), R11
	MOVQ $-1, ONES
	LEAQ (DSTROW)(LD*4), R13

row:
	MOVQ         DSTROW, DST
	MOVQ         SRCROW, SRC
	MOVQ         R13, R14
	MOVQ         n+40(FP), LEFT
	VBROADCASTSS (R10), Z4
	VBROADCASTSS 4(R10), Z5
	VBROADCASTSS (R11), Z6

sixteen:
	FIRST(K1)
	PREFETCHT0 (R14)
	VMOVUPS.Z (DST), K1, Z0
	VMOVUPS.Z (SRC), K1, Z1
	VMULPS    Z4, Z0, Z0
	VMULPS    Z5, Z1, Z1
	VADDPS    Z1, Z0, Z0
	VMULPS    Z6, Z0, Z0
	VMOVUPS   Z0, K1, (DST)
	ADDQ      $64, DST
	ADDQ      $64, SRC
	ADDQ      $64, R14
	SUBQ      $16, LEFT
	JGT       sixteen
	ADDQ      LD, DSTROW
	ADDQ      LD, R13
	ADDQ      lds+24(FP), SRCROW
	ADDQ      $8, R10
	ADDQ      $4, R11
	DECQ      R9
	JNE       row
	VZEROUPPER
	RET

//go:build !purego

#include "textflag.h"
#include "exp_amd64.h"

// The row routines of attention on AVX2: maxima and exponentials of several rows of scores in a call, and the fold of a block.
//
// exp is a chain of eleven operations of three or four cycles, nine of them multiply-adds. Eight must be under way to keep two
// ports busy, so a block is 64 elements in eight registers, in three phases:
//
//	reduce   d = max - x; t = magic - d·log2e; n = t - magic; r = -n·ln2 - d; n<<23 to the frame
//	expand   p = the polynomial in r; seven r in registers, that of vector 0 in the frame
//	finish   p += n<<23, which multiplies by 2^n; p to the lanes and to the row
//
// Only the second has as many multiply-adds as the ports take. So the first one of the next block, which may be that of the
// next row, goes between the vectors of the third: neither waits for the other.
//
// A block in which a d is beyond -expLow, or NaN, is left to a loop over 16 elements that takes care of these: as an unsigned
// integer, such a d is greater than -expLow.

// mask: 16 times -1, 16 times 0. The 16 numbers from mask+4·(16-n) select the first n of 16 elements.
DATA mask<>+0(SB)/8, $-1
DATA mask<>+8(SB)/8, $-1
DATA mask<>+16(SB)/8, $-1
DATA mask<>+24(SB)/8, $-1
DATA mask<>+32(SB)/8, $-1
DATA mask<>+40(SB)/8, $-1
DATA mask<>+48(SB)/8, $-1
DATA mask<>+56(SB)/8, $-1
GLOBL mask<>(SB), RODATA|NOPTR, $128

#define CONSTANT8(name, bits) \
	DATA name<>+0(SB)/4, $bits  \
	DATA name<>+4(SB)/4, $bits  \
	DATA name<>+8(SB)/4, $bits  \
	DATA name<>+12(SB)/4, $bits \
	DATA name<>+16(SB)/4, $bits \
	DATA name<>+20(SB)/4, $bits \
	DATA name<>+24(SB)/4, $bits \
	DATA name<>+28(SB)/4, $bits \
	GLOBL name<>(SB), RODATA|NOPTR, $32

CONSTANT8(ln2Hi, 0x3f317218)
CONSTANT8(minusLn2Lo, 0x3102e308)
CONSTANT8(expBound, 0x42aeac4f) // -expLow

#define DST    DI  // of the block that is expanded
#define SRC    SI  // of the block that is reduced
#define DSTROW DX
#define SRCROW AX
#define LEFT   CX  // elements left in the row, from DST on
#define LD     R8  // bytes from a row to the next
#define MAX    R10 // of the row of SRC
#define SUM    R11
#define FRAME  BX  // 64 bytes of lanes, 32 of an r, and from POWERS on 256 of n<<23
#define MASK   R14
#define KEPT   R15 // lanes of a row that comes in pieces, or 0
#define POWERS 96

// REDUCING: what REDUCE needs; Y10 becomes the greatest d.
#define REDUCING \
	VBROADCASTSS (MAX), Y7  \
	LET(magic, Y8)          \
	LET(log2e, Y9)          \
	VPXOR   Y10, Y10, Y10

// REDUCE(i, r, t, s): the first phase for vector i.
#define REDUCE(i, r, t, s) \
	VSUBPS       (32*i)(SRC), Y7, r      \
	VMOVAPS      Y8, t                   \
	VFNMADD231PS Y9, r, t                \
	VPMAXUD      r, Y10, Y10             \
	VPSLLD       $23, t, s               \
	VMOVAPS      s, (POWERS+32*i)(FRAME) \
	VSUBPS       Y8, t, t                \
	VFNMSUB231PS ln2Hi<>(SB), t, r       \
	VFMADD231PS  minusLn2Lo<>(SB), t, r

// STEP(c): a step of Horner's rule for eight vectors.
#define STEP(c) \
	LET(c, Y7)                      \
	VFMADD213PS Y7, Y0, Y8          \
	VFMADD213PS Y7, Y1, Y9          \
	VFMADD213PS Y7, Y2, Y10         \
	VFMADD213PS Y7, Y3, Y11         \
	VFMADD213PS Y7, Y4, Y12         \
	VFMADD213PS Y7, Y5, Y13         \
	VFMADD213PS Y7, Y6, Y14         \
	VFMADD132PS 64(FRAME), Y7, Y15

// FINISH(i, p, lane): the last phase for vector i.
#define FINISH(i, p, lane) \
	VPADDD       (POWERS+32*i)(FRAME), p, p \
	VADDPS       p, lane, lane              \
	VMOVUPS      p, (32*i)(DST)

// TREE(a, b, xa, x): the sum of the lanes in a and b to SUM; xa is half of a.
#define TREE(a, b, xa, x) \
	VADDPS       a, b, a    \
	VEXTRACTF128 $1, a, x  \
	VADDPS       xa, x, xa \
	VMOVHLPS     xa, xa, x \
	VADDPS       xa, x, xa \
	VMOVSHDUP    xa, x     \
	VADDPS       xa, x, xa \
	VMOVSS       xa, (SUM)  \
	ADDQ         $4, SUM

// func expSumsAVX2(l *lanes, dst, src *float32, ld uintptr, rows, n, grow int, max, sum *float32)
//
// For each of the rows, of n, n+grow, n+2·grow, ... elements, ld bytes apart: dst = exp(src - max[i]); sum[i] = the tree of the
// lanes, to which dst is added. l is nil, or the lanes of a row that comes in pieces. dst may be src.
TEXT ·expSumsAVX2(SB), 0, $416-72
	MOVQ l+0(FP), KEPT
	MOVQ dst+8(FP), DSTROW
	MOVQ src+16(FP), SRCROW
	MOVQ ld+24(FP), LD
	MOVQ max+56(FP), MAX
	MOVQ sum+64(FP), SUM
	LEAQ 63(SP), FRAME
	ANDQ $~63, FRAME

row:
	MOVQ   DSTROW, DST
	MOVQ   SRCROW, SRC
	MOVQ   n+40(FP), LEFT
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	TESTQ  KEPT, KEPT
	JEQ    begun
	VMOVUPS (KEPT), Y0
	VMOVUPS 32(KEPT), Y1

begun:
	VMOVUPS Y0, (FRAME)
	VMOVUPS Y1, 32(FRAME)

start:
	CMPQ LEFT, $64
	JLT  tail
	REDUCING
	REDUCE(0, Y0, Y15, Y11)
	VMOVUPS Y0, 64(FRAME)
	REDUCE(1, Y0, Y15, Y11)
	REDUCE(2, Y1, Y15, Y11)
	REDUCE(3, Y2, Y15, Y11)
	REDUCE(4, Y3, Y15, Y11)
	REDUCE(5, Y4, Y15, Y11)
	REDUCE(6, Y5, Y15, Y11)
	REDUCE(7, Y6, Y15, Y11)

reduced:
	VPMAXUD   expBound<>(SB), Y10, Y10
	VPCMPEQD  expBound<>(SB), Y10, Y10
	VPMOVMSKB Y10, R9
	CMPL      R9, $-1
	JNE       sixteen

	LET(exp6, Y8)
	VMOVAPS Y8, Y9
	VMOVAPS Y8, Y10
	VMOVAPS Y8, Y11
	VMOVAPS Y8, Y12
	VMOVAPS Y8, Y13
	VMOVAPS Y8, Y14
	VMOVAPS Y8, Y15
	STEP(exp5)
	STEP(exp4)
	STEP(exp3)
	STEP(exp2)
	STEP(one)
	STEP(one)
	VMOVUPS (FRAME), Y5
	VMOVUPS 32(FRAME), Y6
	ADDQ    $256, SRC
	SUBQ    $64, LEFT
	CMPQ    LEFT, $64
	JGE     both

	// The row has no other block. The next one is that of the next row, unless a part of a block comes before it.
	TESTQ LEFT, LEFT
	JNE   finish
	CMPQ  rows+32(FP), $1
	JEQ   finish
	ADDQ  LD, SRCROW
	MOVQ  SRCROW, SRC
	ADDQ  $4, MAX

both:
	FINISH(0, Y15, Y5)
	FINISH(1, Y8, Y6)
	FINISH(2, Y9, Y5)
	FINISH(3, Y10, Y6)
	REDUCING
	REDUCE(0, Y0, Y15, Y1)
	VMOVUPS Y0, 64(FRAME)
	FINISH(4, Y11, Y5)
	REDUCE(1, Y0, Y15, Y11)
	FINISH(5, Y12, Y6)
	REDUCE(2, Y1, Y15, Y11)
	FINISH(6, Y13, Y5)
	REDUCE(3, Y2, Y15, Y11)
	FINISH(7, Y14, Y6)
	VMOVAPS Y5, Y13
	VMOVAPS Y6, Y14
	REDUCE(4, Y3, Y15, Y11)
	REDUCE(5, Y4, Y15, Y11)
	REDUCE(6, Y5, Y15, Y11)
	REDUCE(7, Y6, Y15, Y11)
	VMOVUPS Y13, (FRAME)
	VMOVUPS Y14, 32(FRAME)
	ADDQ    $256, DST
	TESTQ   LEFT, LEFT
	JNE     reduced

	// The next row has begun.
	TREE(Y13, Y14, X13, X15)
	VXORPS  Y14, Y14, Y14
	VMOVUPS Y14, (FRAME)
	VMOVUPS Y14, 32(FRAME)
	ADDQ    LD, DSTROW
	MOVQ    DSTROW, DST
	MOVQ    n+40(FP), LEFT
	ADDQ    grow+48(FP), LEFT
	MOVQ    LEFT, n+40(FP)
	DECQ    rows+32(FP)
	JMP     reduced

finish:
	FINISH(0, Y15, Y5)
	FINISH(1, Y8, Y6)
	FINISH(2, Y9, Y5)
	FINISH(3, Y10, Y6)
	FINISH(4, Y11, Y5)
	FINISH(5, Y12, Y6)
	FINISH(6, Y13, Y5)
	FINISH(7, Y14, Y6)
	VMOVUPS Y5, (FRAME)
	VMOVUPS Y6, 32(FRAME)
	ADDQ    $256, DST

tail:
	TESTQ LEFT, LEFT
	JEQ   done

// 16 elements or the last: two vectors of d and r in Y0 and Y1, n<<23 in Y2 and Y3, masks in Y4 and Y5, p in Y6 and Y7. The
// minimum keeps the bits of a NaN out of n<<23; where d is beyond expBound, p is masked.
sixteen:
	LEAQ mask<>(SB), MASK
	CMPQ LEFT, $16
	JGE  read
	SHLQ $2, LEFT
	ADDQ $64, MASK
	SUBQ LEFT, MASK
	SHRQ $2, LEFT

read:
	VMOVUPS      (MASK), Y4
	VMOVUPS      32(MASK), Y5
	VMASKMOVPS   (SRC), Y4, Y0
	VMASKMOVPS   32(SRC), Y5, Y1
	VBROADCASTSS (MAX), Y12
	LET(log2e, Y13)
	LET(magic, Y14)
	VMOVUPS      expBound<>(SB), Y10
	VSUBPS       Y0, Y12, Y0
	VSUBPS       Y1, Y12, Y1
	VCMPPS       $10, Y10, Y0, Y8
	VCMPPS       $10, Y10, Y1, Y9
	VANDPS       Y8, Y4, Y4
	VANDPS       Y9, Y5, Y5
	VMOVAPS      Y14, Y2
	VMOVAPS      Y14, Y3
	VFNMADD231PS Y13, Y0, Y2
	VFNMADD231PS Y13, Y1, Y3
	VSUBPS       Y14, Y2, Y8
	VSUBPS       Y14, Y3, Y9
	VPMINUD      Y14, Y2, Y2
	VPMINUD      Y14, Y3, Y3
	VPSLLD       $23, Y2, Y2
	VPSLLD       $23, Y3, Y3
	VFNMSUB231PS ln2Hi<>(SB), Y8, Y0
	VFNMSUB231PS ln2Hi<>(SB), Y9, Y1
	VFMADD231PS  minusLn2Lo<>(SB), Y8, Y0
	VFMADD231PS  minusLn2Lo<>(SB), Y9, Y1

#define STEP2(c) \
	LET(c, Y8)                       \
	VFMADD213PS Y8, Y0, Y6           \
	VFMADD213PS Y8, Y1, Y7

	LET(exp6, Y6)
	VMOVAPS Y6, Y7
	STEP2(exp5)
	STEP2(exp4)
	STEP2(exp3)
	STEP2(exp2)
	STEP2(one)
	STEP2(one)
	VPADDD  Y2, Y6, Y6
	VPADDD  Y3, Y7, Y7
	VANDPS  Y4, Y6, Y6
	VANDPS  Y5, Y7, Y7
	VADDPS  (FRAME), Y6, Y8
	VADDPS  32(FRAME), Y7, Y9
	VMOVUPS Y8, (FRAME)
	VMOVUPS Y9, 32(FRAME)
	CMPQ    LEFT, $16
	JLT     last
	VMOVUPS Y6, (DST)
	VMOVUPS Y7, 32(DST)
	ADDQ    $64, SRC
	ADDQ    $64, DST
	SUBQ    $16, LEFT
	JNE     start
	JMP     done

last:
	VMOVUPS    (MASK), Y4
	VMOVUPS    32(MASK), Y5
	VMASKMOVPS Y6, Y4, (DST)
	VMASKMOVPS Y7, Y5, 32(DST)

done:
	VMOVUPS (FRAME), Y0
	VMOVUPS 32(FRAME), Y1
	TESTQ   KEPT, KEPT
	JEQ     tree
	VMOVUPS Y0, (KEPT)
	VMOVUPS Y1, 32(KEPT)

tree:
	TREE(Y0, Y1, X0, X2)
	MOVQ grow+48(FP), R9
	ADDQ R9, n+40(FP)
	ADDQ $4, MAX
	ADDQ LD, DSTROW
	ADDQ LD, SRCROW
	DECQ rows+32(FP)
	JNE  row
	VZEROUPPER
	RET

// func rowMaxesAVX2(max, x *float32, ld uintptr, rows, n, grow int)
//
// For each of the rows, of n, n+grow, n+2·grow, ... elements, ld bytes apart: lanes that begin at -Inf; lane = x > lane ? x : lane;
// max[i] = their tree.
TEXT ·rowMaxesAVX2(SB), NOSPLIT, $0-48
	MOVQ max+0(FP), MAX
	MOVQ x+8(FP), AX
	MOVQ ld+16(FP), LD
	LET(minusInf, Y15)

row:
	MOVQ    AX, SRC
	MOVQ    n+32(FP), LEFT
	VMOVAPS Y15, Y0
	VMOVAPS Y15, Y1
	SUBQ    $64, LEFT
	JLT     tail

#define TWO(i) \
	VMOVUPS (64*i)(SRC), Y2      \
	VMOVUPS (64*i+32)(SRC), Y3   \
	VMAXPS  Y0, Y2, Y0           \
	VMAXPS  Y1, Y3, Y1

block:
	TWO(0)
	TWO(1)
	TWO(2)
	TWO(3)
	ADDQ $256, SRC
	SUBQ $64, LEFT
	JGE  block

tail:
	ADDQ $48, LEFT
	JLT  part

sixteen:
	TWO(0)
	ADDQ $64, SRC
	SUBQ $16, LEFT
	JGE  sixteen

part:
	ADDQ       $16, LEFT
	JEQ        tree
	LEAQ       mask<>+64(SB), MASK
	SHLQ       $2, LEFT
	SUBQ       LEFT, MASK
	VMOVUPS    (MASK), Y4
	VMOVUPS    32(MASK), Y5
	VMASKMOVPS (SRC), Y4, Y2
	VMASKMOVPS 32(SRC), Y5, Y3
	VBLENDVPS  Y4, Y2, Y15, Y2
	VBLENDVPS  Y5, Y3, Y15, Y3
	VMAXPS     Y0, Y2, Y0
	VMAXPS     Y1, Y3, Y1

tree:
	VMAXPS       Y0, Y1, Y0
	VEXTRACTF128 $1, Y0, X1
	VMAXPS       X0, X1, X0
	VMOVHLPS     X0, X0, X1
	VMAXPS       X0, X1, X0
	VMOVSHDUP    X0, X1
	VMAXPS       X0, X1, X0
	VMOVSS       X0, (MAX)
	MOVQ         grow+40(FP), R9
	ADDQ         R9, n+32(FP)
	ADDQ         $4, MAX
	ADDQ         LD, AX
	DECQ         rows+24(FP)
	JNE          row
	VZEROUPPER
	RET

// func foldsAVX2(dst *float32, ldd uintptr, src *float32, lds uintptr, rows, n int, factors, scale *float32)
//
// For each of the rows: dst = (dst·factors[2i] + src·factors[2i+1]) · scale[i], each rounded.
#define FACTORS R10
#define SCALE   R11
#define FOLD(d, s, a) \
	VMULPS d, Y13, a       \
	VMULPS s, Y14, s       \
	VADDPS s, a, a         \
	VMULPS Y15, a, a

TEXT ·foldsAVX2(SB), NOSPLIT, $0-64
	MOVQ dst+0(FP), DSTROW
	MOVQ src+16(FP), SRCROW
	MOVQ rows+32(FP), R9
	MOVQ factors+48(FP), FACTORS
	MOVQ scale+56(FP), SCALE

row:
	MOVQ         DSTROW, DST
	MOVQ         SRCROW, SRC
	MOVQ         n+40(FP), LEFT
	VBROADCASTSS (FACTORS), Y13
	VBROADCASTSS 4(FACTORS), Y14
	VBROADCASTSS (SCALE), Y15
	SUBQ         $16, LEFT
	JLT          part

sixteen:
	VMOVUPS (SRC), Y2
	VMOVUPS 32(SRC), Y3
	FOLD((DST), Y2, Y0)
	FOLD(32(DST), Y3, Y1)
	VMOVUPS Y0, (DST)
	VMOVUPS Y1, 32(DST)
	ADDQ    $64, DST
	ADDQ    $64, SRC
	SUBQ    $16, LEFT
	JGE     sixteen

part:
	ADDQ       $16, LEFT
	JEQ        done
	LEAQ       mask<>+64(SB), MASK
	SHLQ       $2, LEFT
	SUBQ       LEFT, MASK
	VMOVUPS    (MASK), Y4
	VMOVUPS    32(MASK), Y5
	VMASKMOVPS (DST), Y4, Y0
	VMASKMOVPS 32(DST), Y5, Y1
	VMASKMOVPS (SRC), Y4, Y2
	VMASKMOVPS 32(SRC), Y5, Y3
	FOLD(Y0, Y2, Y0)
	FOLD(Y1, Y3, Y1)
	VMASKMOVPS Y0, Y4, (DST)
	VMASKMOVPS Y1, Y5, 32(DST)

done:
	ADDQ ldd+8(FP), DSTROW
	ADDQ lds+24(FP), SRCROW
	ADDQ $8, FACTORS
	ADDQ $4, SCALE
	DECQ R9
	JNE  row
	VZEROUPPER
	RET

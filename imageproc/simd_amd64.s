//go:build !purego

#include "textflag.h"

// Both routines here add up products of bytes with weights of 32 bits exactly, as Go's resize does: a weight is hi·4096 + lo, with
// lo from 0 to 4095, and VPMADDWD multiplies 16-bit halves and adds them in pairs. The weights of an output stand in groups of
// four taps, 16 bytes each: four hi, then four lo. A sum becomes a byte as clip does it: plus a half, shifted by 22, cut off.

// Of a group of weights in both lanes: hi of taps 0 and 1 four times, and in the high lane of 2 and 3; and so lo.
DATA weightsHi<>+0(SB)/8, $0x0302010003020100
DATA weightsHi<>+8(SB)/8, $0x0302010003020100
DATA weightsHi<>+16(SB)/8, $0x0706050407060504
DATA weightsHi<>+24(SB)/8, $0x0706050407060504
GLOBL weightsHi<>(SB), RODATA, $32
DATA weightsLo<>+0(SB)/8, $0x0b0a09080b0a0908
DATA weightsLo<>+8(SB)/8, $0x0b0a09080b0a0908
DATA weightsLo<>+16(SB)/8, $0x0f0e0d0c0f0e0d0c
DATA weightsLo<>+24(SB)/8, $0x0f0e0d0c0f0e0d0c
GLOBL weightsLo<>(SB), RODATA, $32

// Of four pixels RGB in both lanes: the reds of 0 and 1 as words, the greens, the blues, zeros; and in the high lane of 2 and 3.
DATA pixelPairs<>+0(SB)/8, $0x8004800180038000
DATA pixelPairs<>+8(SB)/8, $0x8080808080058002
DATA pixelPairs<>+16(SB)/8, $0x800a800780098006
DATA pixelPairs<>+24(SB)/8, $0x80808080800b8008
GLOBL pixelPairs<>(SB), RODATA, $32

DATA half<>+0(SB)/4, $0x200000
GLOBL half<>(SB), RODATA, $4

// func weighRGBAVX2(outA, outB, a, b *byte, starts *int32, weights *int16, groups, n int)
//
//	for i < n:
//		outA[3i:3i+3] = clip(sum over j < 4·groups of a[3·(starts[i]+j) : +3] · weight[i][j]); outB of b likewise
//
// It reads 4 bytes beyond the last pixel.
#define OUTA DI
#define OUTB R8
#define A R9
#define B R10
#define STARTS R11
#define W SI
#define N CX
#define GROUP DX
#define PA R12
#define PB R13
#define HIMASK Y15
#define LOMASK Y14
#define PAIRS Y13
#define HI Y0
#define LO Y1
#define SUMAHI Y2
#define SUMALO Y3
#define SUMBHI Y4
#define SUMBLO Y5

// TAPS adds the products of a group with the four pixels at p.
#define TAPS(p, hi, lo) \
	VBROADCASTI128 (p), Y6; \
	VPSHUFB  PAIRS, Y6, Y6; \
	VPMADDWD HI, Y6, Y7; \
	VPADDD   Y7, hi, hi; \
	VPMADDWD LO, Y6, Y7; \
	VPADDD   Y7, lo, lo

// PIXEL rounds the sums and writes three bytes.
#define PIXEL(hi, lo, xhi, xlo, out) \
	VEXTRACTI128 $1, hi, X6; \
	VPADDD    X6, xhi, xhi; \
	VEXTRACTI128 $1, lo, X7; \
	VPADDD    X7, xlo, xlo; \
	VPSLLD    $12, xhi, xhi; \
	VPADDD    xlo, xhi, xhi; \
	VPADDD    X12, xhi, xhi; \
	VPSRAD    $22, xhi, xhi; \
	VPACKSSDW xhi, xhi, xhi; \
	VPACKUSWB xhi, xhi, xhi; \
	VMOVD     xhi, AX; \
	MOVW      AX, (out); \
	SHRL      $16, AX; \
	MOVB      AX, 2(out); \
	ADDQ      $3, out

TEXT ·weighRGBAVX2(SB), NOSPLIT, $0-64
	MOVQ outA+0(FP), OUTA
	MOVQ outB+8(FP), OUTB
	MOVQ a+16(FP), A
	MOVQ b+24(FP), B
	MOVQ starts+32(FP), STARTS
	MOVQ weights+40(FP), W
	MOVQ n+56(FP), N
	VMOVDQU      weightsHi<>(SB), HIMASK
	VMOVDQU      weightsLo<>(SB), LOMASK
	VMOVDQU      pixelPairs<>(SB), PAIRS
	VPBROADCASTD half<>(SB), X12

output:
	MOVLQSX (STARTS), AX
	ADDQ    $4, STARTS
	LEAQ    (AX)(AX*2), AX
	LEAQ    (A)(AX*1), PA
	LEAQ    (B)(AX*1), PB
	VPXOR   SUMAHI, SUMAHI, SUMAHI
	VPXOR   SUMALO, SUMALO, SUMALO
	VPXOR   SUMBHI, SUMBHI, SUMBHI
	VPXOR   SUMBLO, SUMBLO, SUMBLO
	MOVQ    groups+48(FP), GROUP

group:
	VBROADCASTI128 (W), Y8
	VPSHUFB HIMASK, Y8, HI
	VPSHUFB LOMASK, Y8, LO
	TAPS(PA, SUMAHI, SUMALO)
	TAPS(PB, SUMBHI, SUMBLO)
	ADDQ    $16, W
	ADDQ    $12, PA
	ADDQ    $12, PB
	DECQ    GROUP
	JNZ     group

	PIXEL(SUMAHI, SUMALO, X2, X3, OUTA)
	PIXEL(SUMBHI, SUMBLO, X4, X5, OUTB)
	DECQ N
	JNZ  output
	VZEROUPPER
	RET

#undef OUTA
#undef OUTB
#undef A
#undef B
#undef STARTS
#undef W
#undef N
#undef GROUP
#undef PA
#undef PB
#undef HI
#undef LO

// func weighRowsAVX2(out, in *byte, stride int, weights *int16, groups, blocks int)
//
//	for c < 16·blocks:
//		out[c] = clip(sum over j < 4·groups of in[j·stride+c] · weight[j])
#define OUT DI
#define IN R8
#define STRIDE R9
#define W SI
#define GROUP DX
#define BLOCKS CX
#define P R10
#define Q R11
#define STRIDE3 R12

// TWO adds the products of a pair of rows, 16 columns of each, with the weights at offsets hi and lo. Columns 0 to 3 and 8 to 11
// stand in one register of sums, 4 to 7 and 12 to 15 in the other, as VPUNPCK leaves them; Y0 and Y1 are of hi, Y2 and Y3 of lo.
#define TWO(row0, row1, hi, lo) \
	VPMOVZXBW  row0, Y6; \
	VPMOVZXBW  row1, Y7; \
	VPUNPCKLWD Y7, Y6, Y8; \
	VPUNPCKHWD Y7, Y6, Y9; \
	VPBROADCASTD hi(W), Y4; \
	VPBROADCASTD lo(W), Y5; \
	VPMADDWD   Y4, Y8, Y10; \
	VPADDD     Y10, Y0, Y0; \
	VPMADDWD   Y4, Y9, Y11; \
	VPADDD     Y11, Y1, Y1; \
	VPMADDWD   Y5, Y8, Y8; \
	VPADDD     Y8, Y2, Y2; \
	VPMADDWD   Y5, Y9, Y9; \
	VPADDD     Y9, Y3, Y3

TEXT ·weighRowsAVX2(SB), NOSPLIT, $0-48
	MOVQ out+0(FP), OUT
	MOVQ in+8(FP), IN
	MOVQ stride+16(FP), STRIDE
	MOVQ blocks+40(FP), BLOCKS
	LEAQ (STRIDE)(STRIDE*2), STRIDE3
	VPBROADCASTD half<>(SB), Y12

block:
	MOVQ  IN, P
	MOVQ  weights+24(FP), W
	MOVQ  groups+32(FP), GROUP
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3

rows:
	TWO((P), (P)(STRIDE*1), 0, 8)
	LEAQ (P)(STRIDE*2), Q
	TWO((Q), (P)(STRIDE3*1), 4, 12)
	LEAQ (P)(STRIDE*4), P
	ADDQ $16, W
	DECQ GROUP
	JNZ  rows

	VPSLLD    $12, Y0, Y0
	VPSLLD    $12, Y1, Y1
	VPADDD    Y2, Y0, Y0
	VPADDD    Y3, Y1, Y1
	VPADDD    Y12, Y0, Y0
	VPADDD    Y12, Y1, Y1
	VPSRAD    $22, Y0, Y0
	VPSRAD    $22, Y1, Y1
	VPACKSSDW Y1, Y0, Y0 // columns 0 to 7, then 8 to 15
	VEXTRACTI128 $1, Y0, X1
	VPACKUSWB X1, X0, X0
	VMOVDQU   X0, (OUT)
	ADDQ      $16, OUT
	ADDQ      $16, IN
	DECQ      BLOCKS
	JNZ       block
	VZEROUPPER
	RET

//go:build !purego

#include "textflag.h"

// func idctAVX2(out *byte, stride int, block, quant *[64]int16)
//
// idct as it stands in Go, of eight columns and then eight rows at a time, in words, and in 32 bits between the products of a pass
// and its end:
//
//	x = block · quant
//	w = butterfly(x, 1<<10) >> 11, but x[0]<<2 if there is nothing below the first row
//	x = transpose(w)
//	w = butterfly(x, 1<<17) >> 18
//	out = transpose(w) + 128, cut off to 0..255
//
// A pass takes four registers: Y0 has in its lower lane the values 0 and then 1 of the columns 0 to 3, in its upper one those of
// the columns 4 to 7; Y1 the values 2 and 3, Y2 4 and 5, Y3 6 and 7. VPMADDWD makes the sum of two products of pairs of values.
#define OUT DI
#define STRIDE R8
#define BLOCK SI
#define QUANT DX
#define F(i) ·idctFactors+32*i(SB)

// LOAD reads two rows.
#define LOAD(i, y) \
	VMOVDQU 32*i(BLOCK), y; \
	VPMULLW 32*i(QUANT), y, y; \
	VPERMQ  $0xd8, y, y

// PASS transforms Y0 to Y3 and leaves, in Y0, Y1, Y3 and Y2, words of the same order: values 0 and 1, 2 and 3, 4 and 5, 6 and 7.
// It uses Y4 to Y13, and needs 0 in Y15.
#define PASS(round, shift) \
	VPADDW     Y1, Y3, Y4; \
	VPADDW     Y2, Y0, Y5; \
	VPSUBW     Y2, Y0, Y6; \
	VPUNPCKLWD Y5, Y15, Y7; \
	VPSRAD     $3, Y7, Y7; \
	VPUNPCKLWD Y6, Y15, Y6; \
	VPSRAD     $3, Y6, Y6; \
	VPUNPCKHWD Y5, Y4, Y4; \
	VPUNPCKLWD Y3, Y1, Y5; \
	VPUNPCKHWD Y0, Y3, Y8; \
	VPUNPCKHWD Y1, Y2, Y9; \
	VPADDD     F(round), Y7, Y7; \
	VPADDD     F(round), Y6, Y6; \
	VPMADDWD   F(0), Y5, Y0; \
	VPMADDWD   F(1), Y5, Y1; \
	VPADDD     Y0, Y7, Y2; \
	VPSUBD     Y0, Y7, Y3; \
	VPADDD     Y1, Y6, Y5; \
	VPSUBD     Y1, Y6, Y6; \
	VPMADDWD   F(2), Y4, Y0; \
	VPMADDWD   F(3), Y4, Y1; \
	VPMADDWD   F(4), Y8, Y4; \
	VPMADDWD   F(5), Y8, Y8; \
	VPMADDWD   F(6), Y9, Y7; \
	VPMADDWD   F(7), Y9, Y9; \
	VPADDD     Y0, Y4, Y4; \
	VPADDD     Y1, Y8, Y8; \
	VPADDD     Y1, Y7, Y7; \
	VPADDD     Y0, Y9, Y9; \
	VPADDD     Y8, Y2, Y10; \
	VPSUBD     Y8, Y2, Y2; \
	VPADDD     Y9, Y5, Y11; \
	VPSUBD     Y9, Y5, Y5; \
	VPADDD     Y7, Y6, Y12; \
	VPSUBD     Y7, Y6, Y6; \
	VPADDD     Y4, Y3, Y13; \
	VPSUBD     Y4, Y3, Y3; \
	VPSRAD     $shift, Y10, Y10; \
	VPSRAD     $shift, Y11, Y11; \
	VPSRAD     $shift, Y12, Y12; \
	VPSRAD     $shift, Y13, Y13; \
	VPSRAD     $shift, Y3, Y3; \
	VPSRAD     $shift, Y6, Y6; \
	VPSRAD     $shift, Y5, Y5; \
	VPSRAD     $shift, Y2, Y2; \
	VPACKSSDW  Y11, Y10, Y0; \
	VPACKSSDW  Y13, Y12, Y1; \
	VPACKSSDW  Y6, Y3, Y3; \
	VPACKSSDW  Y2, Y5, Y2

DATA bytes4x4<>+0(SB)/8, $0x0d0905010c080400
DATA bytes4x4<>+8(SB)/8, $0x0f0b07030e0a0602
DATA bytes4x4<>+16(SB)/8, $0x0d0905010c080400
DATA bytes4x4<>+24(SB)/8, $0x0f0b07030e0a0602
GLOBL bytes4x4<>(SB), RODATA, $32

TEXT ·idctAVX2(SB), NOSPLIT, $0-32
	MOVQ    out+0(FP), OUT
	MOVQ    stride+8(FP), STRIDE
	MOVQ    block+16(FP), BLOCK
	MOVQ    quant+24(FP), QUANT
	VPXOR   Y15, Y15, Y15
	VMOVDQU 16(BLOCK), X4
	VPOR    32(BLOCK), Y4, Y4
	VPOR    64(BLOCK), Y4, Y4
	VPOR    96(BLOCK), Y4, Y4
	VPTEST  Y4, Y4
	JNZ     columns

	// The columns are the same from top to bottom.
	VMOVDQU (BLOCK), X0
	VPMULLW (QUANT), X0, X0
	VPSLLW  $2, X0, X0
	VPERMQ  $0x50, Y0, Y0
	VMOVDQA Y0, Y1
	VMOVDQA Y0, Y2
	VMOVDQA Y0, Y3
	JMP     transpose

columns:
	LOAD(0, Y0)
	LOAD(1, Y1)
	LOAD(2, Y2)
	LOAD(3, Y3)
	PASS(8, 11)

transpose:
	VPUNPCKLWD Y1, Y0, Y4
	VPUNPCKHWD Y1, Y0, Y5
	VPUNPCKLWD Y5, Y4, Y6 // columns 0 and 1, 4 and 5 of the rows 0 to 3
	VPUNPCKHWD Y5, Y4, Y7 // columns 2 and 3, 6 and 7
	VPUNPCKLWD Y2, Y3, Y4
	VPUNPCKHWD Y2, Y3, Y5
	VPUNPCKLWD Y5, Y4, Y8 // of the rows 4 to 7
	VPUNPCKHWD Y5, Y4, Y9
	VPERM2I128 $0x20, Y8, Y6, Y0
	VPERM2I128 $0x20, Y9, Y7, Y1
	VPERM2I128 $0x31, Y8, Y6, Y2
	VPERM2I128 $0x31, Y9, Y7, Y3
	PASS(9, 18)

	// To bytes, and transpose: four rows are in each lane.
	VPACKSSWB    Y1, Y0, Y0
	VPACKSSWB    Y2, Y3, Y2
	VMOVDQU      bytes4x4<>(SB), Y4
	VPSHUFB      Y4, Y0, Y0
	VPSHUFB      Y4, Y2, Y2
	VPXOR        F(10), Y0, Y0
	VPXOR        F(10), Y2, Y2
	VPUNPCKHDQ   Y2, Y0, Y1 // rows 2, 3, 6, 7
	VPUNPCKLDQ   Y2, Y0, Y0 // rows 0, 1, 4, 5
	VEXTRACTI128 $1, Y0, X2
	VEXTRACTI128 $1, Y1, X3
	VMOVQ        X0, (OUT)
	VMOVHPS      X0, (OUT)(STRIDE*1)
	LEAQ         (OUT)(STRIDE*2), OUT
	VMOVQ        X1, (OUT)
	VMOVHPS      X1, (OUT)(STRIDE*1)
	LEAQ         (OUT)(STRIDE*2), OUT
	VMOVQ        X2, (OUT)
	VMOVHPS      X2, (OUT)(STRIDE*1)
	LEAQ         (OUT)(STRIDE*2), OUT
	VMOVQ        X3, (OUT)
	VMOVHPS      X3, (OUT)(STRIDE*1)
	VZEROUPPER
	RET

// func quadrupleAVX2(out, near, far *byte, blocks int)
//
// 16·blocks samples of quadruple, which are not the first and not the last:
//
//	s(i) = 3·near[i] + far[i]
//	out[2i], out[2i+1] = (3·s(i) + s(i-1) + 8) >> 4, (3·s(i) + s(i+1) + 7) >> 4
#define NEAR SI
#define FAR DX
#define BLOCKS CX
#define SUM(at, y) \
	VPMOVZXBW at(NEAR), y; \
	VPMOVZXBW at(FAR), Y4; \
	VPADDW    y, y, Y5; \
	VPADDW    Y4, y, y; \
	VPADDW    Y5, y, y

TEXT ·quadrupleAVX2(SB), NOSPLIT, $0-32
	MOVQ out+0(FP), OUT
	MOVQ near+8(FP), NEAR
	MOVQ far+16(FP), FAR
	MOVQ blocks+24(FP), BLOCKS
	VMOVDQU F(11), Y6 // 8
	VMOVDQU F(12), Y7 // 7

samples:
	SUM(-1, Y0)
	SUM(0, Y1)
	SUM(1, Y2)
	VPADDW  Y1, Y1, Y3
	VPADDW  Y3, Y1, Y1
	VPADDW  Y6, Y0, Y0
	VPADDW  Y7, Y2, Y2
	VPADDW  Y1, Y0, Y0
	VPADDW  Y1, Y2, Y2
	VPSRLW  $4, Y0, Y0
	VPSRLW  $4, Y2, Y2
	VPSLLW  $8, Y2, Y2
	VPOR    Y2, Y0, Y0
	VMOVDQU Y0, (OUT)
	ADDQ    $16, NEAR
	ADDQ    $16, FAR
	ADDQ    $32, OUT
	DECQ    BLOCKS
	JNZ     samples
	VZEROUPPER
	RET

// The bytes of 16 reds (greens, blues) in 48 of RGB: three times 16.
DATA red<>+0(SB)/8, $0x8002808001808000
DATA red<>+8(SB)/8, $0x0580800480800380
DATA red<>+16(SB)/8, $0x8080078080068080
DATA red<>+24(SB)/8, $0x800a808009808008
DATA red<>+32(SB)/8, $0x0d80800c80800b80
DATA red<>+40(SB)/8, $0x80800f80800e8080
GLOBL red<>(SB), RODATA, $48
DATA green<>+0(SB)/8, $0x0280800180800080
DATA green<>+8(SB)/8, $0x8080048080038080
DATA green<>+16(SB)/8, $0x8007808006808005
DATA green<>+24(SB)/8, $0x0a80800980800880
DATA green<>+32(SB)/8, $0x80800c80800b8080
DATA green<>+40(SB)/8, $0x800f80800e80800d
GLOBL green<>(SB), RODATA, $48
DATA blue<>+0(SB)/8, $0x8080018080008080
DATA blue<>+8(SB)/8, $0x8004808003808002
DATA blue<>+16(SB)/8, $0x0780800680800580
DATA blue<>+24(SB)/8, $0x8080098080088080
DATA blue<>+32(SB)/8, $0x800c80800b80800a
DATA blue<>+40(SB)/8, $0x0f80800e80800d80
GLOBL blue<>(SB), RODATA, $48

// func paintAVX2(out, luma, blue, red *byte, blocks int)
//
// paintYCC of 16·blocks pixels. The factors of 16 bits after the point are made small by what is added whole:
//
//	r, b = red - 128, blue - 128
//	R = luma + r + (26345·r + 32768)>>16
//	G = luma - r + (18734·r - 22554·b + 32768)>>16
//	B = luma + 2·b + (-14942·b + 32768)>>16
#define LUMA SI
#define CB DX
#define CR R8
#define PIXELS CX

// SCALED makes words of what VPMADDWD with the factors makes of the pairs of words, rounded; it uses Y8 and Y9.
#define SCALED(first, second, factors, y) \
	VPUNPCKLWD second, first, Y8; \
	VPUNPCKHWD second, first, Y9; \
	VPMADDWD   F(factors), Y8, Y8; \
	VPMADDWD   F(factors), Y9, Y9; \
	VPADDD     Y15, Y8, Y8; \
	VPADDD     Y15, Y9, Y9; \
	VPSRAD     $16, Y8, Y8; \
	VPSRAD     $16, Y9, Y9; \
	VPACKSSDW  Y9, Y8, y

// BYTES cuts words off to bytes, in order, in the low half.
#define BYTES(y) \
	VPACKUSWB y, y, y; \
	VPERMQ    $0x08, y, y

// PART writes a third of the 48 bytes.
#define PART(at) \
	VPSHUFB red<>+at(SB), X3, X6; \
	VPSHUFB green<>+at(SB), X4, X7; \
	VPOR    X7, X6, X6; \
	VPSHUFB blue<>+at(SB), X5, X7; \
	VPOR    X7, X6, X6; \
	VMOVDQU X6, at(OUT)

TEXT ·paintAVX2(SB), NOSPLIT, $0-40
	MOVQ out+0(FP), OUT
	MOVQ luma+8(FP), LUMA
	MOVQ blue+16(FP), CB
	MOVQ red+24(FP), CR
	MOVQ blocks+32(FP), PIXELS
	VMOVDQU F(16), Y15 // 32768
	VMOVDQU F(17), Y14 // 128, words

pixels:
	VPMOVZXBW (LUMA), Y0
	VPMOVZXBW (CB), Y1
	VPMOVZXBW (CR), Y2
	VPSUBW    Y14, Y1, Y1
	VPSUBW    Y14, Y2, Y2
	SCALED(Y1, Y2, 13, Y3)
	SCALED(Y1, Y2, 14, Y4)
	SCALED(Y1, Y2, 15, Y5)
	VPADDW    Y0, Y3, Y3
	VPADDW    Y2, Y3, Y3
	VPADDW    Y0, Y4, Y4
	VPSUBW    Y2, Y4, Y4
	VPADDW    Y0, Y5, Y5
	VPADDW    Y1, Y5, Y5
	VPADDW    Y1, Y5, Y5
	BYTES(Y3)
	BYTES(Y4)
	BYTES(Y5)
	PART(0)
	PART(16)
	PART(32)
	ADDQ      $16, LUMA
	ADDQ      $16, CB
	ADDQ      $16, CR
	ADDQ      $48, OUT
	DECQ      PIXELS
	JNZ       pixels
	VZEROUPPER
	RET

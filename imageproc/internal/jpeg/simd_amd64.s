//go:build !purego

#include "textflag.h"

// func idctAVX2(out *byte, stride int, block *[64]int16, quant *[64]int32)
//
// idct as it stands in Go, of eight columns and then eight rows at a time: register i of eight holds value i of each.
//
//	x = block · quant
//	w = butterfly(x, 1<<10) >> 11, but x[0]<<2 in the columns whose other coefficients are all 0
//	x = transpose(w)
//	w = butterfly(x, 1<<17) >> 18
//	out = transpose(w) + 128, cut off to 0..255
#define OUT DI
#define STRIDE R8
#define BLOCK SI
#define QUANT DX
#define F(i) ·idctFactors+32*i(SB)

#define LOAD(i, y) \
	VPMOVSXWD 16*i(BLOCK), y; \
	VPMULLD   32*i(QUANT), y, y

// BUTTERFLY transforms Y0 to Y7 to Y9, Y10, Y11, Y12, Y2, Y4, Y8, Y0, before the shift. It uses Y13.
#define BUTTERFLY(round) \
	VPADDD  Y6, Y2, Y8; \
	VPMULLD F(0), Y8, Y8; \
	VPMULLD F(1), Y6, Y6; \
	VPSUBD  Y6, Y8, Y6; \
	VPMULLD F(2), Y2, Y2; \
	VPADDD  Y2, Y8, Y2; \
	VPADDD  Y4, Y0, Y8; \
	VPSUBD  Y4, Y0, Y4; \
	VPSLLD  $13, Y8, Y8; \
	VPSLLD  $13, Y4, Y4; \
	VPADDD  F(round), Y8, Y8; \
	VPADDD  F(round), Y4, Y4; \
	VPADDD  Y2, Y8, Y0; \
	VPSUBD  Y2, Y8, Y2; \
	VPADDD  Y6, Y4, Y8; \
	VPSUBD  Y6, Y4, Y4; \
	VPADDD  Y3, Y7, Y9; \
	VPADDD  Y1, Y5, Y10; \
	VPADDD  Y9, Y10, Y11; \
	VPMULLD F(3), Y11, Y11; \
	VPADDD  Y1, Y7, Y12; \
	VPMULLD F(4), Y12, Y12; \
	VPADDD  Y3, Y5, Y13; \
	VPMULLD F(5), Y13, Y13; \
	VPMULLD F(6), Y9, Y9; \
	VPSUBD  Y9, Y11, Y9; \
	VPMULLD F(7), Y10, Y10; \
	VPSUBD  Y10, Y11, Y10; \
	VPMULLD F(8), Y7, Y7; \
	VPSUBD  Y12, Y7, Y7; \
	VPADDD  Y9, Y7, Y7; \
	VPMULLD F(9), Y5, Y5; \
	VPSUBD  Y13, Y5, Y5; \
	VPADDD  Y10, Y5, Y5; \
	VPMULLD F(10), Y3, Y3; \
	VPSUBD  Y13, Y3, Y3; \
	VPADDD  Y9, Y3, Y3; \
	VPMULLD F(11), Y1, Y1; \
	VPSUBD  Y12, Y1, Y1; \
	VPADDD  Y10, Y1, Y1; \
	VPADDD  Y1, Y0, Y9; \
	VPSUBD  Y1, Y0, Y0; \
	VPADDD  Y3, Y8, Y10; \
	VPSUBD  Y3, Y8, Y8; \
	VPADDD  Y5, Y4, Y11; \
	VPSUBD  Y5, Y4, Y4; \
	VPADDD  Y7, Y2, Y12; \
	VPSUBD  Y7, Y2, Y2

// SHIFT ends the first pass: Y15 marks the columns that are Y14.
#define SHIFT(y) \
	VPSRAD    $11, y, y; \
	VPBLENDVB Y15, Y14, y, y

DATA bytes4x4<>+0(SB)/8, $0x0d0905010c080400
DATA bytes4x4<>+8(SB)/8, $0x0f0b07030e0a0602
DATA bytes4x4<>+16(SB)/8, $0x0d0905010c080400
DATA bytes4x4<>+24(SB)/8, $0x0f0b07030e0a0602
GLOBL bytes4x4<>(SB), RODATA, $32

TEXT ·idctAVX2(SB), NOSPLIT, $0-32
	MOVQ out+0(FP), OUT
	MOVQ stride+8(FP), STRIDE
	MOVQ block+16(FP), BLOCK
	MOVQ quant+24(FP), QUANT
	VMOVDQU   16(BLOCK), X15
	VPOR      32(BLOCK), X15, X15
	VPOR      48(BLOCK), X15, X15
	VPOR      64(BLOCK), X15, X15
	VPOR      80(BLOCK), X15, X15
	VPOR      96(BLOCK), X15, X15
	VPOR      112(BLOCK), X15, X15
	VPXOR     X14, X14, X14
	VPCMPEQW  X14, X15, X15
	VPMOVSXWD X15, Y15
	LOAD(0, Y0)
	LOAD(1, Y1)
	LOAD(2, Y2)
	LOAD(3, Y3)
	LOAD(4, Y4)
	LOAD(5, Y5)
	LOAD(6, Y6)
	LOAD(7, Y7)
	VPSLLD    $2, Y0, Y14
	BUTTERFLY(12)
	SHIFT(Y9)
	SHIFT(Y10)
	SHIFT(Y11)
	SHIFT(Y12)
	SHIFT(Y2)
	SHIFT(Y4)
	SHIFT(Y8)
	SHIFT(Y0)

	// Transpose.
	VPUNPCKLDQ  Y10, Y9, Y1
	VPUNPCKHDQ  Y10, Y9, Y3
	VPUNPCKLDQ  Y12, Y11, Y5
	VPUNPCKHDQ  Y12, Y11, Y6
	VPUNPCKLDQ  Y4, Y2, Y7
	VPUNPCKHDQ  Y4, Y2, Y13
	VPUNPCKLDQ  Y0, Y8, Y14
	VPUNPCKHDQ  Y0, Y8, Y15
	VPUNPCKLQDQ Y5, Y1, Y8
	VPUNPCKHQDQ Y5, Y1, Y9
	VPUNPCKLQDQ Y6, Y3, Y10
	VPUNPCKHQDQ Y6, Y3, Y11
	VPUNPCKLQDQ Y14, Y7, Y12
	VPUNPCKHQDQ Y14, Y7, Y14
	VPUNPCKLQDQ Y15, Y13, Y7
	VPUNPCKHQDQ Y15, Y13, Y13
	VPERM2I128  $0x20, Y12, Y8, Y0
	VPERM2I128  $0x31, Y12, Y8, Y4
	VPERM2I128  $0x20, Y14, Y9, Y1
	VPERM2I128  $0x31, Y14, Y9, Y5
	VPERM2I128  $0x20, Y7, Y10, Y2
	VPERM2I128  $0x31, Y7, Y10, Y6
	VPERM2I128  $0x20, Y13, Y11, Y3
	VPERM2I128  $0x31, Y13, Y11, Y7

	BUTTERFLY(13)
	VPSRAD $18, Y9, Y9
	VPSRAD $18, Y10, Y10
	VPSRAD $18, Y11, Y11
	VPSRAD $18, Y12, Y12
	VPSRAD $18, Y2, Y2
	VPSRAD $18, Y4, Y4
	VPSRAD $18, Y8, Y8
	VPSRAD $18, Y0, Y0

	// To bytes, and transpose: four rows are in each lane.
	VPACKSSDW  Y10, Y9, Y9
	VPACKSSDW  Y12, Y11, Y11
	VPACKSSDW  Y4, Y2, Y2
	VPACKSSDW  Y0, Y8, Y8
	VPACKSSWB  Y11, Y9, Y9
	VPACKSSWB  Y8, Y2, Y2
	VMOVDQU    bytes4x4<>(SB), Y1
	VPSHUFB    Y1, Y9, Y9
	VPSHUFB    Y1, Y2, Y2
	VPXOR      F(14), Y9, Y9
	VPXOR      F(14), Y2, Y2
	VPUNPCKLDQ Y2, Y9, Y0 // rows 0, 1, 4, 5
	VPUNPCKHDQ Y2, Y9, Y1 // rows 2, 3, 6, 7
	VEXTRACTI128 $1, Y0, X2
	VEXTRACTI128 $1, Y1, X3
	VMOVQ      X0, (OUT)
	VMOVHPS    X0, (OUT)(STRIDE*1)
	LEAQ       (OUT)(STRIDE*2), OUT
	VMOVQ      X1, (OUT)
	VMOVHPS    X1, (OUT)(STRIDE*1)
	LEAQ       (OUT)(STRIDE*2), OUT
	VMOVQ      X2, (OUT)
	VMOVHPS    X2, (OUT)(STRIDE*1)
	LEAQ       (OUT)(STRIDE*2), OUT
	VMOVQ      X3, (OUT)
	VMOVHPS    X3, (OUT)(STRIDE*1)
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
	VMOVDQU F(15), Y6 // 8
	VMOVDQU F(16), Y7 // 7

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
	VMOVDQU F(20), Y15 // 32768
	VMOVDQU F(21), Y14 // 128, words

pixels:
	VPMOVZXBW (LUMA), Y0
	VPMOVZXBW (CB), Y1
	VPMOVZXBW (CR), Y2
	VPSUBW    Y14, Y1, Y1
	VPSUBW    Y14, Y2, Y2
	SCALED(Y1, Y2, 17, Y3)
	SCALED(Y1, Y2, 18, Y4)
	SCALED(Y1, Y2, 19, Y5)
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

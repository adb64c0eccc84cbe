//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "tile_streams_amd64.h"

// One to three rows by panels that lie far apart, for AVX2; the form is that of tile_streams_amd64.h.
//
// What is in the registers:
//
//	one row      four or six streams in Y0 to Y11, two each; its broadcast in Y12, half rows of panels in Y13 and Y14 in turn
//	two rows     three streams; row 0 in Y0 to Y5, row 1 in Y6 to Y11; broadcasts in Y12 and Y13, half a row of a panel in Y14
//	three rows   two streams; rows in Y0 to Y3, Y4 to Y7, Y8 to Y11; broadcasts in Y12 to Y14, half a row of a panel in Y15
//
// Two rows of bfloat16 have in Y15 where the bytes go, for VPSHUFB; three read it from memory. One row has a mask in Y15 instead, and
// its registers are the even and the odd columns of a panel, until they are stored.

#define SCALE Y12 // the factor of tileScale

// upper[i] = the byte that VPSHUFB takes: 0, 0 and two bytes, for each of four numbers of the lower half and four of the upper.
DATA ·upper+0(SB)/8, $0x0302808001008080
DATA ·upper+8(SB)/8, $0x0706808005048080
DATA ·upper+16(SB)/8, $0x0b0a808009088080
DATA ·upper+24(SB)/8, $0x0f0e80800d0c8080
GLOBL ·upper(SB), RODATA|NOPTR, $32

// odd is a mask of the upper of two numbers of 16 bits.
DATA ·odd+0(SB)/8, $0xffff0000ffff0000
DATA ·odd+8(SB)/8, $0xffff0000ffff0000
DATA ·odd+16(SB)/8, $0xffff0000ffff0000
DATA ·odd+24(SB)/8, $0xffff0000ffff0000
GLOBL ·odd(SB), RODATA|NOPTR, $32

// A type of panels: LOAD(d, o, p, y) reads half a row of the panel at p to y, widened; d is 4·l, o 0 or 1. MADD(d, p, y0, y1) adds
// both halves, times the broadcast in Y12, to y0 and y1, with Y13 and Y14 free. FETCH(d, p, far) prefetches the line far bytes on, if
// one begins with row l. BYTES(rows) is the bytes of so many.
#define FLOATLOAD(d, o, p, y) \
	VMOVUPS (16*d+32*o)p, y
#define FLOATMADD(d, p, y0, y1) \
	VFMADD231PS (16*d)p, Y12, y0    \
	VFMADD231PS (16*d+32)p, Y12, y1
#define FLOATFETCH(d, p, far) \
	PREFETCHT0 (16*d+far)p
#define FLOATBYTES(rows) (64*rows)

// Eight numbers in both halves of a register, and the bytes of each moved to the upper half of 32 bits: half the work of widening
// and shifting.
#define BFLOATLOAD(d, o, p, y) \
	VBROADCASTI128 (8*d+16*o)p, y \
	VPSHUFB        Y15, y, y
#define BFLOATLOAD3(d, o, p, y) \
	VBROADCASTI128 (8*d+16*o)p, y \
	VPSHUFB        ·upper(SB), y, y

// One row takes the even numbers of a row of a panel to y0, the odd ones to y1: one load where the halves are two.
#define BFLOATMADD(d, p, y0, y1) \
	VMOVDQU (8*d)p, Y14       \
	VPSLLD  $16, Y14, Y13     \
	VPAND   Y15, Y14, Y14     \
	VFMADD231PS Y13, Y12, y0  \
	VFMADD231PS Y14, Y12, y1

// It needs F16C.
#define HALFLOAD(d, o, p, y) \
	VCVTPH2PS (8*d+16*o)p, y
#define HALFMADD(d, p, y0, y1) \
	HALFLOAD(d, 0, p, Y13)    \
	HALFLOAD(d, 1, p, Y14)    \
	VFMADD231PS Y13, Y12, y0  \
	VFMADD231PS Y14, Y12, y1

#define NARROWFETCH(d, p, far) \
	PREFETCHT0 (8*d+far)p
#define NARROWBYTES(rows) (32*rows)

// One step of k: rows by streams.
#define STEP1x4(d, LOAD, MADD, FETCH, far) \
	VBROADCASTSS d(A), Y12                \
	FETCH(d, (B), far)                    \
	FETCH(d, (B)(STREAM*1), far)          \
	FETCH(d, (B)(STREAM*2), far)          \
	FETCH(d, (B)(STREAM3*1), far)         \
	MADD(d, (B), Y0, Y1)                  \
	MADD(d, (B)(STREAM*1), Y2, Y3)        \
	MADD(d, (B)(STREAM*2), Y4, Y5)        \
	MADD(d, (B)(STREAM3*1), Y6, Y7)
#define STEP1x6(d, LOAD, MADD, FETCH, far) STEP1x4(d, LOAD, MADD, FETCH, far) \
	FETCH(d, (B)(STREAM*4), far)          \
	FETCH(d, (B)(STREAM5*1), far)         \
	MADD(d, (B)(STREAM*4), Y8, Y9)        \
	MADD(d, (B)(STREAM5*1), Y10, Y11)

#define BY2(d, o, p, LOAD, x, y0, y1) \
	LOAD(d, o, p, x)       \
	VFMADD231PS x, Y12, y0 \
	VFMADD231PS x, Y13, y1
#define STEP2x3(d, LOAD, MADD, FETCH, far) \
	VBROADCASTSS d(A), Y12                           \
	VBROADCASTSS d(A)(LDA*1), Y13                    \
	FETCH(d, (B), far)                               \
	FETCH(d, (B)(STREAM*1), far)                     \
	FETCH(d, (B)(STREAM*2), far)                     \
	BY2(d, 0, (B), LOAD, Y14, Y0, Y6)                \
	BY2(d, 1, (B), LOAD, Y14, Y1, Y7)                \
	BY2(d, 0, (B)(STREAM*1), LOAD, Y14, Y2, Y8)      \
	BY2(d, 1, (B)(STREAM*1), LOAD, Y14, Y3, Y9)      \
	BY2(d, 0, (B)(STREAM*2), LOAD, Y14, Y4, Y10)     \
	BY2(d, 1, (B)(STREAM*2), LOAD, Y14, Y5, Y11)

#define BY3(d, o, p, LOAD, y0, y1, y2) \
	LOAD(d, o, p, Y15)       \
	VFMADD231PS Y15, Y12, y0 \
	VFMADD231PS Y15, Y13, y1 \
	VFMADD231PS Y15, Y14, y2
#define STEP3x2(d, LOAD, MADD, FETCH, far) \
	VBROADCASTSS d(A), Y12                        \
	VBROADCASTSS d(A)(LDA*1), Y13                 \
	VBROADCASTSS d(A)(LDA*2), Y14                 \
	FETCH(d, (B), far)                            \
	FETCH(d, (B)(STREAM*1), far)                  \
	BY3(d, 0, (B), LOAD, Y0, Y4, Y8)              \
	BY3(d, 1, (B), LOAD, Y1, Y5, Y9)              \
	BY3(d, 0, (B)(STREAM*1), LOAD, Y2, Y6, Y10)   \
	BY3(d, 1, (B)(STREAM*1), LOAD, Y3, Y7, Y11)

// EACH applies OP to the accumulators: OP(where the sums are, two registers).
#define EACH1x4(OP) \
	OP((C), 32(C), Y0, Y1)                       \
	OP((C)(LDS*1), 32(C)(LDS*1), Y2, Y3)         \
	OP((C)(LDS*2), 32(C)(LDS*2), Y4, Y5)         \
	OP((C)(LDS3*1), 32(C)(LDS3*1), Y6, Y7)
#define EACH1x6(OP) EACH1x4(OP) \
	OP((C)(LDS*4), 32(C)(LDS*4), Y8, Y9)         \
	OP((C)(LDS5*1), 32(C)(LDS5*1), Y10, Y11)
#define NEXT(p) \
	MOVQ tile_ldc(T), P   \
	ADDQ p, P
#define EACH2x3(OP) \
	OP((C), 32(C), Y0, Y1)                       \
	OP((C)(LDS*1), 32(C)(LDS*1), Y2, Y3)         \
	OP((C)(LDS*2), 32(C)(LDS*2), Y4, Y5)         \
	NEXT(C)                                      \
	OP((P), 32(P), Y6, Y7)                       \
	OP((P)(LDS*1), 32(P)(LDS*1), Y8, Y9)         \
	OP((P)(LDS*2), 32(P)(LDS*2), Y10, Y11)
#define EACH3x2(OP) \
	OP((C), 32(C), Y0, Y1)                       \
	OP((C)(LDS*1), 32(C)(LDS*1), Y2, Y3)         \
	NEXT(C)                                      \
	OP((P), 32(P), Y4, Y5)                       \
	OP((P)(LDS*1), 32(P)(LDS*1), Y6, Y7)         \
	ADDQ tile_ldc(T), P                          \
	OP((P), 32(P), Y8, Y9)                       \
	OP((P)(LDS*1), 32(P)(LDS*1), Y10, Y11)

// JOIN puts even and odd columns in order, with Y13 and Y14 free.
#define JOIN(p, q, y0, y1) \
	VUNPCKLPS  y1, y0, Y13         \
	VUNPCKHPS  y1, y0, Y14         \
	VPERM2F128 $0x20, Y14, Y13, y0 \
	VPERM2F128 $0x31, Y14, Y13, y1
#define ZERO(p, q, y0, y1) \
	VXORPS y0, y0, y0 \
	VXORPS y1, y1, y1
#define ADD(p, q, y0, y1) \
	VADDPS p, y0, y0 \
	VADDPS q, y1, y1
#define MUL(p, q, y0, y1) \
	VMULPS Y12, y0, y0 \
	VMULPS Y12, y1, y1
#define STORE(p, q, y0, y1) \
	VMOVUPS y0, p \
	VMOVUPS y1, q

#define UPPER VMOVDQU ·upper(SB), Y15
#define ODD VMOVDQU ·odd(SB), Y15

#define FLOATTILE(name, STEP, EACH, far) TILE(name, EMPTY, EMPTY, STEP, EACH, FLOATLOAD, FLOATLOAD, FLOATLOAD, FLOATMADD, FLOATFETCH, FLOATFETCH, FLOATBYTES, far)
#define BFLOATTILE(name, BEGIN, END, STEP, EACH, LOAD, far) TILE(name, BEGIN, END, STEP, EACH, LOAD, LOAD, LOAD, BFLOATMADD, NARROWFETCH, NOTHING, NARROWBYTES, far)
#define HALFTILE(name, STEP, EACH, far) TILE(name, EMPTY, EMPTY, STEP, EACH, HALFLOAD, HALFLOAD, HALFLOAD, HALFMADD, NARROWFETCH, NOTHING, NARROWBYTES, far)

FLOATTILE(·streams1x4AVX2, STEP1x4, EACH1x4, 256)
FLOATTILE(·streams1x6AVX2, STEP1x6, EACH1x6, 256)
FLOATTILE(·streams2x3AVX2, STEP2x3, EACH2x3, 256)
FLOATTILE(·streams3x2AVX2, STEP3x2, EACH3x2, 512)
BFLOATTILE(·streams1x4BFloat16AVX2, ODD, EACH1x4(JOIN), STEP1x4, EACH1x4, BFLOATLOAD, 320)
BFLOATTILE(·streams1x6BFloat16AVX2, ODD, EACH1x6(JOIN), STEP1x6, EACH1x6, BFLOATLOAD, 320)
BFLOATTILE(·streams2x3BFloat16AVX2, UPPER, EMPTY, STEP2x3, EACH2x3, BFLOATLOAD, 1024)
BFLOATTILE(·streams3x2BFloat16AVX2, EMPTY, EMPTY, STEP3x2, EACH3x2, BFLOATLOAD3, 2048)
HALFTILE(·streams1x4Float16AVX2, STEP1x4, EACH1x4, 320)
HALFTILE(·streams1x6Float16AVX2, STEP1x6, EACH1x6, 320)
HALFTILE(·streams2x3Float16AVX2, STEP2x3, EACH2x3, 1024)
HALFTILE(·streams3x2Float16AVX2, STEP3x2, EACH3x2, 2048)

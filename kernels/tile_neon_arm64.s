//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "neon_arm64.h"

// Tiles of NEON; what they compute stands at the type tile. All routines have this form:
//
//	for each tile:
//	    accumulators = 0, or sum if the flags say so
//	    for l in 0..k-1:                            four at a time, then one at a time
//	        read a[i][l..l+3] for each row i; for each l: accumulators of row i += a[i][l] · b[l]
//	    add, scale, scale rows, add bias, add residual, as the flags say
//	    store
//
// The greatest is 6 rows by one panel: 24 accumulators, four elements of k of each row of a in V24..V29, half a row of the
// panel at a time in V30 and V31. The multiply-add takes a by element, so that nothing is broadcast.
//
//	                    b[l][0..3]  b[l][4..7]  b[l][8..11]  b[l][12..15]
//	                       V30         V31         V30           V31
//	a[0][l..l+3]  V24  │   V0     │    V1     │    V2      │     V3     │
//	a[1][l..l+3]  V25  │   V4     │    V5     │    V6      │     V7     │
//	   ...        ...  │   ...
//	a[5][l..l+3]  V29  │   V20    │    V21    │    V22     │     V23    │
//
// Four steps of k are 96 multiply-adds, 6 loads of a and 8 of pairs of b. Fewer rows take more panels, so that eight chains
// or more hide the latency of the multiply-add: 3 rows by two panels (24 accumulators), one row by four (16).

#define T      R0  // the tile
#define A0     R1  // the rows of A, at l
#define A1     R2
#define A2     R3
#define A3     R4
#define A4     R5
#define A5     R6
#define B0     R7  // row l of the panels
#define B1     R8
#define B2     R9
#define B3     R10
#define LDA    R11 // bytes from a row of A to the next
#define PANEL  R12 // bytes from a panel to the next
#define COUNT  R13 // tiles to do
#define DONE   R14 // rows done
#define K      R15
#define PTR    R16 // a row of C, or of what is added
#define LD     R17 // bytes from there to the next
#define FLAGS  R19
#define ROW0   R20

// READr(op, size): the next elements of r rows of A, to V24...
#define READ1(op, size) op size(A0), F24
#define READ2(op, size) READ1(op, size); op size(A1), F25
#define READ3(op, size) READ2(op, size); op size(A2), F26
#define READ4(op, size) READ3(op, size); op size(A3), F27
#define READ5(op, size) READ4(op, size); op size(A4), F28
#define READ6(op, size) READ5(op, size); op size(A5), F29

// HALFr(e, w, y): for r rows, accumulators y and y+1 += element e of a · V30, V31; w is the number of accumulators of a row.
#define HALF1(e, w, y) FMLAE(y, 30, 24, e); FMLAE(y+1, 31, 24, e)
#define HALF2(e, w, y) HALF1(e, w, y); FMLAE(w+y, 30, 25, e); FMLAE(w+y+1, 31, 25, e)
#define HALF3(e, w, y) HALF2(e, w, y); FMLAE(2*w+y, 30, 26, e); FMLAE(2*w+y+1, 31, 26, e)
#define HALF4(e, w, y) HALF3(e, w, y); FMLAE(3*w+y, 30, 27, e); FMLAE(3*w+y+1, 31, 27, e)
#define HALF5(e, w, y) HALF4(e, w, y); FMLAE(4*w+y, 30, 28, e); FMLAE(4*w+y+1, 31, 28, e)
#define HALF6(e, w, y) HALF5(e, w, y); FMLAE(5*w+y, 30, 29, e); FMLAE(5*w+y+1, 31, 29, e)

// STEPn(e, HALF, w): one step of k on n panels: element e of a, row e of the panels.
#define PANELROW(e, HALF, w, y, B) \
	FLDPQ (64*e)(B), (F30, F31)    \
	HALF(e, w, y)                  \
	FLDPQ (64*e+32)(B), (F30, F31) \
	HALF(e, w, y+2)
#define STEP1(e, HALF) \
	PANELROW(e, HALF, 4, 0, B0)
#define STEP2(e, HALF) \
	PANELROW(e, HALF, 8, 0, B0)    \
	PANELROW(e, HALF, 8, 4, B1)
#define STEP4(e, HALF) \
	PANELROW(e, HALF, 16, 0, B0)   \
	PANELROW(e, HALF, 16, 4, B1)   \
	PANELROW(e, HALF, 16, 8, B2)   \
	PANELROW(e, HALF, 16, 12, B3)

// ADVANCEn(bytes): n panels on.
#define ADVANCE1(bytes) ADD $bytes, B0
#define ADVANCE2(bytes) ADVANCE1(bytes); ADD $bytes, B1
#define ADVANCE4(bytes) ADVANCE2(bytes); ADD $bytes, B2; ADD $bytes, B3

// EACHrxn applies OP to the accumulators of each row of a tile, with PTR at the row: OP(offset in the row, number of the first
// accumulator, the names of the four).
#define NEXT ADD LD, PTR
#define EACH1x1(OP) OP(0, 0, F0, F1, F2, F3)
#define EACH2x1(OP) EACH1x1(OP); NEXT; OP(0, 4, F4, F5, F6, F7)
#define EACH3x1(OP) EACH2x1(OP); NEXT; OP(0, 8, F8, F9, F10, F11)
#define EACH4x1(OP) EACH3x1(OP); NEXT; OP(0, 12, F12, F13, F14, F15)
#define EACH5x1(OP) EACH4x1(OP); NEXT; OP(0, 16, F16, F17, F18, F19)
#define EACH6x1(OP) EACH5x1(OP); NEXT; OP(0, 20, F20, F21, F22, F23)
#define EACH1x2(OP) EACH1x1(OP); OP(64, 4, F4, F5, F6, F7)
#define EACH2x2(OP) EACH1x2(OP); NEXT; OP(0, 8, F8, F9, F10, F11); OP(64, 12, F12, F13, F14, F15)
#define EACH3x2(OP) EACH2x2(OP); NEXT; OP(0, 16, F16, F17, F18, F19); OP(64, 20, F20, F21, F22, F23)
#define EACH1x4(OP) EACH1x2(OP); OP(128, 8, F8, F9, F10, F11); OP(192, 12, F12, F13, F14, F15)

#define CLEAR(o, y, y0, y1, y2, y3) \
	ZERO(y)                         \
	ZERO(y+1)                       \
	ZERO(y+2)                       \
	ZERO(y+3)
#define FETCH(o, y, y0, y1, y2, y3) \
	FLDPQ o(PTR), (y0, y1)          \
	FLDPQ (o+32)(PTR), (y2, y3)
#define PLUS(o, y, y0, y1, y2, y3) \
	FLDPQ o(PTR), (F24, F25)          \
	FLDPQ (o+32)(PTR), (F26, F27)     \
	FADD(y, 24, y)                  \
	FADD(y+1, 25, y+1)              \
	FADD(y+2, 26, y+2)              \
	FADD(y+3, 27, y+3)
#define TIMES(o, y, y0, y1, y2, y3) \
	FMOVS (PTR), F24                  \
	FMULE(y, y, 24, 0)              \
	FMULE(y+1, y+1, 24, 0)          \
	FMULE(y+2, y+2, 24, 0)          \
	FMULE(y+3, y+3, 24, 0)
#define STORE(o, y, y0, y1, y2, y3) \
	FSTPQ (y0, y1), o(PTR)            \
	FSTPQ (y2, y3), (o+32)(PTR)

// AT sets PTR to row DONE of an array, and LD to its stride.
#define AT(array, stride) \
	MOVD stride(T), LD \
	MOVD array(T), PTR   \
	MUL  DONE, LD, ROW0 \
	ADD  ROW0, PTR

#define TILE(name, rows, READ, HALF, STEP, ADVANCE, EACH) \
TEXT name(SB), NOSPLIT, $0-8      \
	MOVD t+0(FP), T               \
	MOVD tile_lda(T), LDA         \
	MOVD tile_panel(T), PANEL     \
	MOVD tile_count(T), COUNT     \
	MOVD tile_flags(T), FLAGS     \
	MOVD $0, DONE                 \
	MOVD $0, LD                   \
tile:                             \
	EACH(CLEAR)                   \
	TST  $const_tileLoad, FLAGS   \
	BEQ  begin                    \
	AT(tile_sum, tile_lds)        \
	EACH(FETCH)                   \
begin:                            \
	MOVD tile_a(T), A0            \
	MUL  DONE, LDA, ROW0          \
	ADD  ROW0, A0                 \
	ADD  LDA, A0, A1              \
	ADD  LDA, A1, A2              \
	ADD  LDA, A2, A3              \
	ADD  LDA, A3, A4              \
	ADD  LDA, A4, A5              \
	MOVD tile_b(T), B0            \
	ADD  PANEL, B0, B1            \
	ADD  PANEL, B1, B2            \
	ADD  PANEL, B2, B3            \
	MOVD tile_k(T), K             \
	SUBS $4, K                    \
	BLT  tail                     \
four:                             \
	READ(FMOVQ.P, 16)             \
	STEP(0, HALF)                 \
	STEP(1, HALF)                 \
	STEP(2, HALF)                 \
	STEP(3, HALF)                 \
	ADVANCE(256)                  \
	SUBS $4, K                    \
	BGE  four                     \
tail:                             \
	ADDS $4, K                    \
	BEQ  sum                      \
one:                              \
	READ(FMOVS.P, 4)              \
	STEP(0, HALF)                 \
	ADVANCE(64)                   \
	SUBS $1, K                    \
	BNE  one                      \
sum:                              \
	TST  $const_tileAdd, FLAGS    \
	BEQ  scale                    \
	AT(tile_sum, tile_lds)        \
	EACH(PLUS)                    \
scale:                            \
	TST  $const_tileScale, FLAGS  \
	BEQ  rowScale                 \
	ADD  $tile_scale, T, PTR        \
	MOVD $0, LD                   \
	EACH(TIMES)                   \
rowScale:                         \
	TST  $const_tileRowScale, FLAGS \
	BEQ  bias                     \
	MOVD tile_rowScale(T), PTR      \
	ADD  DONE<<2, PTR               \
	MOVD $4, LD                   \
	EACH(TIMES)                   \
bias:                             \
	TST  $const_tileBias, FLAGS   \
	BEQ  residual                 \
	MOVD tile_bias(T), PTR          \
	MOVD $0, LD                   \
	EACH(PLUS)                    \
residual:                         \
	TST  $const_tileResidual, FLAGS \
	BEQ  store                    \
	AT(tile_residual, tile_ldr)   \
	EACH(PLUS)                    \
store:                            \
	AT(tile_c, tile_ldc)          \
	EACH(STORE)                   \
	ADD  $rows, DONE              \
	SUBS $1, COUNT                \
	BNE  tile                     \
	RET

TILE(·tile1x1NEON, 1, READ1, HALF1, STEP1, ADVANCE1, EACH1x1)
TILE(·tile2x1NEON, 2, READ2, HALF2, STEP1, ADVANCE1, EACH2x1)
TILE(·tile3x1NEON, 3, READ3, HALF3, STEP1, ADVANCE1, EACH3x1)
TILE(·tile4x1NEON, 4, READ4, HALF4, STEP1, ADVANCE1, EACH4x1)
TILE(·tile5x1NEON, 5, READ5, HALF5, STEP1, ADVANCE1, EACH5x1)
TILE(·tile6x1NEON, 6, READ6, HALF6, STEP1, ADVANCE1, EACH6x1)
TILE(·tile1x2NEON, 1, READ1, HALF1, STEP2, ADVANCE2, EACH1x2)
TILE(·tile2x2NEON, 2, READ2, HALF2, STEP2, ADVANCE2, EACH2x2)
TILE(·tile3x2NEON, 3, READ3, HALF3, STEP2, ADVANCE2, EACH3x2)
TILE(·tile1x4NEON, 1, READ1, HALF1, STEP4, ADVANCE4, EACH1x4)

// func packKeys4NEON(dst, src *float32, ld uintptr, rows, d int)
//
// Transposes 4 rows of 4·d elements, ld bytes apart, into a quarter of a panel: dst[i·16 + j] = src[j][i]. Rows from number
// rows on repeat the last: the columns that they fill mean nothing.
TEXT ·packKeys4NEON(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD ld+16(FP), R5
	MOVD rows+24(FP), R6
	MOVD d+32(FP), R7
	CMP  $1, R6
	CSEL GT, R5, ZR, R5
	ADD  R5, R1, R2
	CMP  $2, R6
	CSEL GT, R5, ZR, R5
	ADD  R5, R2, R3
	CMP  $3, R6
	CSEL GT, R5, ZR, R5
	ADD  R5, R3, R4

four:
	FMOVQ.P 16(R1), F0
	FMOVQ.P 16(R2), F1
	FMOVQ.P 16(R3), F2
	FMOVQ.P 16(R4), F3
	VZIP1   V2.S4, V0.S4, V4.S4 // 0[0] 2[0] 0[1] 2[1]
	VZIP2   V2.S4, V0.S4, V5.S4 // 0[2] 2[2] 0[3] 2[3]
	VZIP1   V3.S4, V1.S4, V6.S4 // 1[0] 3[0] 1[1] 3[1]
	VZIP2   V3.S4, V1.S4, V7.S4 // 1[2] 3[2] 1[3] 3[3]
	VZIP1   V6.S4, V4.S4, V0.S4
	VZIP2   V6.S4, V4.S4, V1.S4
	VZIP1   V7.S4, V5.S4, V2.S4
	VZIP2   V7.S4, V5.S4, V3.S4
	FMOVQ   F0, (R0)
	FMOVQ   F1, 64(R0)
	FMOVQ   F2, 128(R0)
	FMOVQ   F3, 192(R0)
	ADD     $256, R0
	SUBS    $1, R7
	BNE     four
	RET

// func packColumns8NEON(dst, src *uint16, ld uintptr, d int)
//
// Transposes 8 rows of 8·d numbers of 16 bits, ld bytes apart, into half a panel: dst[i·16 + j] = src[j][i]. Three times it puts
// numbers of two registers side by side: those of the rows j and j+4, then of j and j+2, then of j and j+1.
#define ZIP(a, b, low, high)          \
	VZIP1 b.H8, a.H8, low.H8  \
	VZIP2 b.H8, a.H8, high.H8

TEXT ·packColumns8NEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD ld+16(FP), R10
	MOVD d+24(FP), R11
	ADD  R10, R1, R2
	ADD  R10, R2, R3
	ADD  R10, R3, R4
	ADD  R10, R4, R5
	ADD  R10, R5, R6
	ADD  R10, R6, R7
	ADD  R10, R7, R8

eight:
	FMOVQ.P 16(R1), F0
	FMOVQ.P 16(R2), F1
	FMOVQ.P 16(R3), F2
	FMOVQ.P 16(R4), F3
	FMOVQ.P 16(R5), F4
	FMOVQ.P 16(R6), F5
	FMOVQ.P 16(R7), F6
	FMOVQ.P 16(R8), F7

	ZIP(V0, V4, V8, V9)
	ZIP(V1, V5, V10, V11)
	ZIP(V2, V6, V12, V13)
	ZIP(V3, V7, V14, V15)
	ZIP(V8, V12, V0, V1)  // numbers 0 and 1, 2 and 3 of the even rows
	ZIP(V10, V14, V2, V3) // of the odd rows
	ZIP(V9, V13, V4, V5)  // 4 and 5, 6 and 7
	ZIP(V11, V15, V6, V7)
	ZIP(V0, V2, V8, V9)
	ZIP(V1, V3, V10, V11)
	ZIP(V4, V6, V12, V13)
	ZIP(V5, V7, V14, V15)

	FMOVQ F8, (R0)
	FMOVQ F9, 32(R0)
	FMOVQ F10, 64(R0)
	FMOVQ F11, 96(R0)
	FMOVQ F12, 128(R0)
	FMOVQ F13, 160(R0)
	FMOVQ F14, 192(R0)
	FMOVQ F15, 224(R0)
	ADD   $256, R0
	SUBS  $1, R11
	BNE   eight
	RET

// func packValues16NEON(dst, src *float32, ld uintptr, rows int)
//
// Copies 16 elements of each of the rows, ld bytes apart, one after the other.
TEXT ·packValues16NEON(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD ld+16(FP), R2
	MOVD rows+24(FP), R3

copy:
	FLDPQ (R1), (F0, F1)
	FLDPQ 32(R1), (F2, F3)
	FSTPQ (F0, F1), (R0)
	FSTPQ (F2, F3), 32(R0)
	ADD   R2, R1
	ADD   $64, R0
	SUBS  $1, R3
	BNE   copy
	RET

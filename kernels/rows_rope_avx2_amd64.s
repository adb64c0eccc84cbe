//go:build !purego

#include "textflag.h"

// Rotary position embeddings for AVX2 and FMA3, of rows of heads. With (a, b) a pair of elements:
//
//	a' = fma(-b, sin, a·cos)
//	b' = fma(a, sin, b·cos)
//
// For each row, cosines and sines stay in registers while all heads are rotated by them, two or four cache lines of each head
// at a time. Elements are read once: lines that come from the second-level cache take the place of loads.

#define X      SI // the row
#define NEXT   DX // bytes from a head to the next
#define COS    R8
#define SIN    R9
#define SIZE   R10 // bytes of the cosines of a row
#define AT     AX  // those that are done
#define LOW    DI  // the elements of a head
#define LEFT   BX  // heads
#define FROM   R12 // the row, from AT on
#define POS    R13 // positions
#define ROWS   CX

// pairMask: eight times -1, eight times 0: the numbers from pairMask+32-4·n select the first n of eight.
DATA pairMask<>+0(SB)/8, $-1
DATA pairMask<>+8(SB)/8, $-1
DATA pairMask<>+16(SB)/8, $-1
DATA pairMask<>+24(SB)/8, $-1
GLOBL pairMask<>(SB), RODATA|NOPTR, $64

// twice: the order in which each of four elements stands twice.
DATA twice<>+0(SB)/8, $0x0000000000000000
DATA twice<>+8(SB)/8, $0x0000000100000001
DATA twice<>+16(SB)/8, $0x0000000200000002
DATA twice<>+24(SB)/8, $0x0000000300000003
GLOBL twice<>(SB), RODATA|NOPTR, $32

// evenSign: the sign bit of the elements 0, 2, 4, 6.
DATA evenSign<>+0(SB)/8, $0x0000000080000000
DATA evenSign<>+8(SB)/8, $0x0000000080000000
DATA evenSign<>+16(SB)/8, $0x0000000080000000
DATA evenSign<>+24(SB)/8, $0x0000000080000000
GLOBL evenSign<>(SB), RODATA|NOPTR, $32

#define ARGUMENTS \
	MOVQ x+0(FP), X; \
	MOVQ rows+16(FP), ROWS; \
	MOVQ headDim+32(FP), NEXT; \
	SHLQ $2, NEXT; \
	MOVQ at+40(FP), POS; \
	MOVQ half+64(FP), SIZE; \
	SHLQ $2, SIZE

// ROW: the cosines and sines of the next row. NEXTROW(row): on to it.
#define ROW \
	MOVLQZX (POS), COS; \
	IMULQ SIZE, COS; \
	MOVQ COS, SIN; \
	ADDQ cos+48(FP), COS; \
	ADDQ sin+56(FP), SIN; \
	MOVQ X, FROM; \
	XORL AT, AT
#define NEXTROW(row) \
	ADDQ $4, POS; \
	ADDQ lda+8(FP), X; \
	DECQ ROWS; \
	JNE row

// EVERY(loop, BODY): BODY for every head, from the elements for which the cosines at AT are.
#define EVERY(loop, BODY) \
	MOVQ FROM, LOW; \
	MOVQ heads+24(FP), LEFT; \
loop: \
	BODY; \
	ADDQ NEXT, LOW; \
	DECQ LEFT; \
	JNE loop

// MASK: Y15 selects as many elements as there are cosines left, SIZE - AT bytes.
#define MASK \
	LEAQ pairMask<>+32(SB), R11; \
	ADDQ AT, R11; \
	SUBQ SIZE, R11; \
	VMOVUPS (R11), Y15

// ROTATE(C, S, A, B, a, b): a, b = the rotated A, B, in memory, by C (cos) and S (sin).
#define ROTATE(C, S, A, B, a, b) \
	VMULPS A, C, a; \
	VMULPS B, C, b; \
	VFNMADD231PS B, S, a; \
	VFMADD231PS A, S, b

#define HALVES16(at, C0, C1, S0, S1) \
	VMOVUPS at(LOW), Y12; \
	VMOVUPS at(LOW)(SIZE*1), Y13; \
	VMOVUPS (at+32)(LOW), Y14; \
	VMOVUPS (at+32)(LOW)(SIZE*1), Y15; \
	VMULPS Y12, C0, Y8; \
	VMULPS Y13, C0, Y10; \
	VMULPS Y14, C1, Y9; \
	VMULPS Y15, C1, Y11; \
	VFNMADD231PS Y13, S0, Y8; \
	VFMADD231PS Y12, S0, Y10; \
	VFNMADD231PS Y15, S1, Y9; \
	VFMADD231PS Y14, S1, Y11; \
	VMOVUPS Y8, at(LOW); \
	VMOVUPS Y9, (at+32)(LOW); \
	VMOVUPS Y10, at(LOW)(SIZE*1); \
	VMOVUPS Y11, (at+32)(LOW)(SIZE*1)
#define HALVES32 \
	HALVES16(0, Y0, Y1, Y4, Y5); \
	HALVES16(64, Y2, Y3, Y6, Y7)
#define HALVES8 \
	ROTATE(Y0, Y4, (LOW), (LOW)(SIZE*1), Y8, Y10); \
	VMOVUPS Y8, (LOW); \
	VMOVUPS Y10, (LOW)(SIZE*1)
#define HALVESPART \
	VMASKMOVPS (LOW), Y15, Y1; \
	VMASKMOVPS (LOW)(SIZE*1), Y15, Y2; \
	ROTATE(Y0, Y4, Y1, Y2, Y8, Y10); \
	VMASKMOVPS Y8, Y15, (LOW); \
	VMASKMOVPS Y10, Y15, (LOW)(SIZE*1)

// The elements i and i+half: the second stands SIZE bytes after the first.
// func rotateHalvesAVX2(x *float32, lda uintptr, rows, heads, headDim int, at *int32, cos, sin *float32, half int)
TEXT ·rotateHalvesAVX2(SB), NOSPLIT, $0-72
	ARGUMENTS
row:
	ROW
thirtytwo:
	LEAQ 128(AT), R11
	CMPQ R11, SIZE
	JGT eight
	VMOVUPS (COS)(AT*1), Y0
	VMOVUPS 32(COS)(AT*1), Y1
	VMOVUPS 64(COS)(AT*1), Y2
	VMOVUPS 96(COS)(AT*1), Y3
	VMOVUPS (SIN)(AT*1), Y4
	VMOVUPS 32(SIN)(AT*1), Y5
	VMOVUPS 64(SIN)(AT*1), Y6
	VMOVUPS 96(SIN)(AT*1), Y7
	EVERY(loop32, HALVES32)
	ADDQ $128, AT
	ADDQ $128, FROM
	JMP thirtytwo
eight:
	LEAQ 32(AT), R11
	CMPQ R11, SIZE
	JGT part
	VMOVUPS (COS)(AT*1), Y0
	VMOVUPS (SIN)(AT*1), Y4
	EVERY(loop8, HALVES8)
	ADDQ $32, AT
	ADDQ $32, FROM
	JMP eight
part:
	CMPQ AT, SIZE
	JEQ next
	MASK
	VMASKMOVPS (COS)(AT*1), Y15, Y0
	VMASKMOVPS (SIN)(AT*1), Y15, Y4
	EVERY(loop, HALVESPART)
next:
	NEXTROW(row)
	VZEROUPPER
	RET

// TWICE(at, C, S): four cosines and sines, each standing twice: an element of a pair has cos, and the other one of the pair
// has sin, with a minus in the first.
#define TWICE(at, C, S) \
	VBROADCASTF128 at(COS)(AT*1), C; \
	VBROADCASTF128 at(SIN)(AT*1), S; \
	SIGNED(C, S)
#define SIGNED(C, S) \
	VPERMILPS Y14, C, C; \
	VPERMILPS Y14, S, S; \
	VXORPS Y13, S, S

// TURN(C, S, A, a): a = the rotated A, four pairs, by C (cos) and S (sin).
#define TURN(C, S, A, a) \
	VMULPS A, C, a; \
	VPERMILPS $0xb1, A, A; \
	VFMADD231PS A, S, a

#define PAIRS16 \
	VMOVUPS (LOW), Y12; \
	VMOVUPS 32(LOW), Y13; \
	VMOVUPS 64(LOW), Y14; \
	VMOVUPS 96(LOW), Y15; \
	VMULPS Y12, Y0, Y8; \
	VMULPS Y13, Y1, Y9; \
	VMULPS Y14, Y2, Y10; \
	VMULPS Y15, Y3, Y11; \
	VPERMILPS $0xb1, Y12, Y12; \
	VPERMILPS $0xb1, Y13, Y13; \
	VPERMILPS $0xb1, Y14, Y14; \
	VPERMILPS $0xb1, Y15, Y15; \
	VFMADD231PS Y12, Y4, Y8; \
	VFMADD231PS Y13, Y5, Y9; \
	VFMADD231PS Y14, Y6, Y10; \
	VFMADD231PS Y15, Y7, Y11; \
	VMOVUPS Y8, (LOW); \
	VMOVUPS Y9, 32(LOW); \
	VMOVUPS Y10, 64(LOW); \
	VMOVUPS Y11, 96(LOW)
#define PAIRS4 \
	VMOVUPS (LOW), Y1; \
	TURN(Y0, Y4, Y1, Y8); \
	VMOVUPS Y8, (LOW)
#define PAIRSPART \
	VMASKMOVPS (LOW), Y15, Y1; \
	TURN(Y0, Y4, Y1, Y8); \
	VMASKMOVPS Y8, Y15, (LOW)

// The elements 2i and 2i+1.
// func rotatePairsAVX2(x *float32, lda uintptr, rows, heads, headDim int, at *int32, cos, sin *float32, half int)
TEXT ·rotatePairsAVX2(SB), NOSPLIT, $0-72
	ARGUMENTS
row:
	ROW
sixteen:
	VMOVUPS twice<>(SB), Y14
	VMOVUPS evenSign<>(SB), Y13
	LEAQ 64(AT), R11
	CMPQ R11, SIZE
	JGT four
	TWICE(0, Y0, Y4)
	TWICE(16, Y1, Y5)
	TWICE(32, Y2, Y6)
	TWICE(48, Y3, Y7)
	EVERY(loop16, PAIRS16)
	ADDQ $64, AT
	ADDQ $128, FROM
	JMP sixteen
four:
	LEAQ 16(AT), R11
	CMPQ R11, SIZE
	JGT part
	TWICE(0, Y0, Y4)
	EVERY(loop4, PAIRS4)
	ADDQ $16, AT
	ADDQ $32, FROM
	JMP four
part:
	CMPQ AT, SIZE
	JEQ next
	MASK
	VMASKMOVPS (COS)(AT*1), X15, X0
	VMASKMOVPS (SIN)(AT*1), X15, X4
	VINSERTF128 $1, X0, Y0, Y0
	VINSERTF128 $1, X4, Y4, Y4
	SIGNED(Y0, Y4)
	ADDQ AT, R11
	SUBQ SIZE, R11
	VMOVUPS (R11), Y15 // twice as many
	EVERY(loop, PAIRSPART)
next:
	NEXTROW(row)
	VZEROUPPER
	RET

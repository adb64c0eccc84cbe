//go:build !purego

#include "textflag.h"

// Rotary position embeddings for AVX2 and FMA3, all heads of one token. With (a, b) a pair of elements:
//
//	a' = fma(-b, sin, a·cos)
//	b' = fma(a, sin, b·cos)
//
// Cosines and sines stay in registers while all heads are rotated by them, a cache line of each head at a time.

#define X     SI
#define HEADS CX
#define NEXT  DX // bytes from a head to the next
#define COS   R8
#define SIN   R9
#define SIZE  R10 // bytes of the cosines
#define AT    AX  // those that are done
#define LOW   DI  // the elements of a head
#define LEFT  BX  // heads

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
	MOVQ heads+8(FP), HEADS; \
	MOVQ headDim+16(FP), NEXT; \
	SHLQ $2, NEXT; \
	MOVQ cos+24(FP), COS; \
	MOVQ sin+32(FP), SIN; \
	MOVQ half+40(FP), SIZE; \
	SHLQ $2, SIZE; \
	XORL AT, AT

// EVERY(loop, BODY): BODY for every head, from the elements for which the cosines at AT are.
#define EVERY(loop, BODY) \
	MOVQ X, LOW; \
	MOVQ HEADS, LEFT; \
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

// ROTATE(C, S, A, B, a, b): a, b = the rotated A, B, by C (cos) and S (sin).
#define ROTATE(C, S, A, B, a, b) \
	VMULPS C, A, a; \
	VMULPS C, B, b; \
	VFNMADD231PS S, B, a; \
	VFMADD231PS S, A, b

#define HALVES16 \
	VMOVUPS (LOW), Y0; \
	VMOVUPS 32(LOW), Y1; \
	VMOVUPS (LOW)(SIZE*1), Y2; \
	VMOVUPS 32(LOW)(SIZE*1), Y3; \
	ROTATE(Y8, Y10, Y0, Y2, Y4, Y6); \
	ROTATE(Y9, Y11, Y1, Y3, Y5, Y7); \
	VMOVUPS Y4, (LOW); \
	VMOVUPS Y5, 32(LOW); \
	VMOVUPS Y6, (LOW)(SIZE*1); \
	VMOVUPS Y7, 32(LOW)(SIZE*1)
#define HALVES8 \
	VMOVUPS (LOW), Y0; \
	VMOVUPS (LOW)(SIZE*1), Y2; \
	ROTATE(Y8, Y10, Y0, Y2, Y4, Y6); \
	VMOVUPS Y4, (LOW); \
	VMOVUPS Y6, (LOW)(SIZE*1)
#define HALVESPART \
	VMASKMOVPS (LOW), Y15, Y0; \
	VMASKMOVPS (LOW)(SIZE*1), Y15, Y2; \
	ROTATE(Y8, Y10, Y0, Y2, Y4, Y6); \
	VMASKMOVPS Y4, Y15, (LOW); \
	VMASKMOVPS Y6, Y15, (LOW)(SIZE*1)

// The elements i and i+half: the second stands SIZE bytes after the first.
// func rotateHalvesAVX2(x *float32, heads, headDim int, cos, sin *float32, half int)
TEXT ·rotateHalvesAVX2(SB), NOSPLIT, $0-48
	ARGUMENTS
sixteen:
	LEAQ 64(AT), R11
	CMPQ R11, SIZE
	JGT eight
	VMOVUPS (COS)(AT*1), Y8
	VMOVUPS 32(COS)(AT*1), Y9
	VMOVUPS (SIN)(AT*1), Y10
	VMOVUPS 32(SIN)(AT*1), Y11
	EVERY(loop16, HALVES16)
	ADDQ $64, AT
	ADDQ $64, X
	JMP sixteen
eight:
	LEAQ 32(AT), R11
	CMPQ R11, SIZE
	JGT part
	VMOVUPS (COS)(AT*1), Y8
	VMOVUPS (SIN)(AT*1), Y10
	EVERY(loop8, HALVES8)
	ADDQ $32, AT
	ADDQ $32, X
part:
	CMPQ AT, SIZE
	JEQ done
	MASK
	VMASKMOVPS (COS)(AT*1), Y15, Y8
	VMASKMOVPS (SIN)(AT*1), Y15, Y10
	EVERY(loop, HALVESPART)
done:
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

// TURN(C, S, A, a): a = the rotated A, four pairs.
#define TURN(C, S, A, a) \
	VMULPS C, A, a; \
	VPERMILPS $0xb1, A, A; \
	VFMADD231PS S, A, a

#define PAIRS8 \
	VMOVUPS (LOW), Y0; \
	VMOVUPS 32(LOW), Y1; \
	TURN(Y8, Y10, Y0, Y4); \
	TURN(Y9, Y11, Y1, Y5); \
	VMOVUPS Y4, (LOW); \
	VMOVUPS Y5, 32(LOW)
#define PAIRS4 \
	VMOVUPS (LOW), Y0; \
	TURN(Y8, Y10, Y0, Y4); \
	VMOVUPS Y4, (LOW)
#define PAIRSPART \
	VMASKMOVPS (LOW), Y15, Y0; \
	TURN(Y8, Y10, Y0, Y4); \
	VMASKMOVPS Y4, Y15, (LOW)

// The elements 2i and 2i+1.
// func rotatePairsAVX2(x *float32, heads, headDim int, cos, sin *float32, half int)
TEXT ·rotatePairsAVX2(SB), NOSPLIT, $0-48
	ARGUMENTS
	VMOVUPS twice<>(SB), Y14
	VMOVUPS evenSign<>(SB), Y13
eight:
	LEAQ 32(AT), R11
	CMPQ R11, SIZE
	JGT four
	TWICE(0, Y8, Y10)
	TWICE(16, Y9, Y11)
	EVERY(loop8, PAIRS8)
	ADDQ $32, AT
	ADDQ $64, X
	JMP eight
four:
	LEAQ 16(AT), R11
	CMPQ R11, SIZE
	JGT part
	TWICE(0, Y8, Y10)
	EVERY(loop4, PAIRS4)
	ADDQ $16, AT
	ADDQ $32, X
part:
	CMPQ AT, SIZE
	JEQ done
	MASK
	VMASKMOVPS (COS)(AT*1), X15, X8
	VMASKMOVPS (SIN)(AT*1), X15, X10
	VINSERTF128 $1, X8, Y8, Y8
	VINSERTF128 $1, X10, Y10, Y10
	SIGNED(Y8, Y10)
	ADDQ AT, R11
	SUBQ SIZE, R11
	VMOVUPS (R11), Y15 // twice as many
	EVERY(loop, PAIRSPART)
done:
	VZEROUPPER
	RET

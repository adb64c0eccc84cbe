//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// Rotary position embeddings for NEON, all heads of one token. With (a, b) a pair of elements:
//
//	a' = a·cos - b·sin, the second product fused
//	b' = b·cos + a·sin
//
// Four pairs at a time, and the last ones one by one.

#define X     R0 // the head, then its pairs
#define HEADS R1
#define NEXT  R2 // bytes from a head to the next
#define COS   R3
#define SIN   R4
#define HALF  R5 // pairs
#define C     R6 // of a head, as they are used
#define S     R7
#define LEFT  R8
#define LOW   R9
#define HIGH  R10

#define ARGUMENTS \
	MOVD x+0(FP), X; \
	MOVD heads+8(FP), HEADS; \
	MOVD headDim+16(FP), NEXT; \
	LSL $2, NEXT, NEXT; \
	MOVD cos+24(FP), COS; \
	MOVD sin+32(FP), SIN; \
	MOVD half+40(FP), HALF

// ROTATE: 4, 5 = the rotated 0 (a), 1 (b), by 2 (cos) and 3 (sin).
#define ROTATE \
	FMUL(4, 0, 2); \
	FMUL(5, 1, 2); \
	FMLS(4, 1, 3); \
	FMLA(5, 0, 3)
#define ROTATEONE \
	FMULS F2, F0, F4; \
	FMULS F2, F1, F5; \
	FMSUBS F3, F4, F1, F4; \
	FMADDS F3, F5, F0, F5

// The elements i and i+half.
// func rotateHalvesNEON(x *float32, heads, headDim int, cos, sin *float32, half int)
TEXT ·rotateHalvesNEON(SB), NOSPLIT, $0-48
	ARGUMENTS
head:
	MOVD X, LOW
	ADD HALF<<2, X, HIGH
	MOVD COS, C
	MOVD SIN, S
	MOVD HALF, LEFT
loop:
	SUBS $4, LEFT
	BLT part
	FMOVQ (LOW), F0
	FMOVQ (HIGH), F1
	FMOVQ.P 16(C), F2
	FMOVQ.P 16(S), F3
	ROTATE
	FMOVQ.P F4, 16(LOW)
	FMOVQ.P F5, 16(HIGH)
	B loop
part:
	ADDS $4, LEFT
	BEQ next
one:
	FMOVS (LOW), F0
	FMOVS (HIGH), F1
	FMOVS.P 4(C), F2
	FMOVS.P 4(S), F3
	ROTATEONE
	FMOVS.P F4, 4(LOW)
	FMOVS.P F5, 4(HIGH)
	SUBS $1, LEFT
	BNE one
next:
	ADD NEXT, X
	SUBS $1, HEADS
	BNE head
	RET

// The elements 2i and 2i+1.
// func rotatePairsNEON(x *float32, heads, headDim int, cos, sin *float32, half int)
TEXT ·rotatePairsNEON(SB), NOSPLIT, $0-48
	ARGUMENTS
head:
	MOVD X, LOW
	MOVD COS, C
	MOVD SIN, S
	MOVD HALF, LEFT
loop:
	SUBS $4, LEFT
	BLT part
	VLD2 (LOW), [V0.S4, V1.S4]
	FMOVQ.P 16(C), F2
	FMOVQ.P 16(S), F3
	ROTATE
	VST2.P [V4.S4, V5.S4], 32(LOW)
	B loop
part:
	ADDS $4, LEFT
	BEQ next
one:
	FMOVS (LOW), F0
	FMOVS 4(LOW), F1
	FMOVS.P 4(C), F2
	FMOVS.P 4(S), F3
	ROTATEONE
	FMOVS.P F4, 4(LOW)
	FMOVS.P F5, 4(LOW)
	SUBS $1, LEFT
	BNE one
next:
	ADD NEXT, X
	SUBS $1, HEADS
	BNE head
	RET

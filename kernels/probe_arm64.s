//go:build !purego

#include "textflag.h"
#include "neon_arm64.h"

// The probes do what nothing can do faster: multiply-adds between registers, 24 chains of them; loads from four streams.

#define M4(y) FMLA(y, 24, 25); FMLA(y+1, 24, 25); FMLA(y+2, 24, 25); FMLA(y+3, 24, 25)
#define M24 M4(0); M4(4); M4(8); M4(12); M4(16); M4(20)
#define Z4(y) ZERO(y); ZERO(y+1); ZERO(y+2); ZERO(y+3)

// func probeFMANEON(n int) int
TEXT ·probeFMANEON(SB), NOSPLIT, $0-16
	MOVD n+0(FP), R0
	MOVD $1920, R1 // 10 · 24 · 4 · 2 flops
	MUL  R0, R1
	MOVD R1, ret+8(FP)
	Z4(0); Z4(4); Z4(8); Z4(12); Z4(16); Z4(20)
	Z4(24)

loop:
	M24; M24; M24; M24; M24
	M24; M24; M24; M24; M24
	SUBS $1, R0
	BNE  loop
	RET

// func probeReadNEON(p []float32)
TEXT ·probeReadNEON(SB), NOSPLIT, $0-24
	MOVD p_base+0(FP), R0
	MOVD p_len+8(FP), R4
	LSR  $7, R4           // 128-byte steps in each of the streams R0..R3
	CBZ  R4, done
	ADD  R4<<7, R0, R1
	ADD  R4<<7, R1, R2
	ADD  R4<<7, R2, R3

#define READ(p) \
	FLDPQ (p), (F0, F1)      \
	FLDPQ 32(p), (F2, F3)    \
	FLDPQ 64(p), (F4, F5)    \
	FLDPQ 96(p), (F6, F7)    \
	PRFM  1024(p), PLDL1KEEP \
	PRFM  1088(p), PLDL1KEEP \
	ADD   $128, p

loop:
	READ(R0)
	READ(R1)
	READ(R2)
	READ(R3)
	SUBS $1, R4
	BNE  loop

done:
	RET

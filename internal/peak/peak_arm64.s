//go:build !purego

#include "textflag.h"

// func fmaNEON(n int)
//
//	n times: acc[i] += tiny*tiny, for 16 registers that begin at 0.5
TEXT ·fmaNEON(SB), NOSPLIT, $0-8
	MOVD n+0(FP), R0
	MOVW $0x2b800000, R1 // 2^-40: its square does not change 0.5
	VDUP R1, V30.S4
	MOVW $0x3f000000, R1
	VDUP R1, V0.S4
	VMOV V0.B16, V1.B16
	VMOV V0.B16, V2.B16
	VMOV V0.B16, V3.B16
	VMOV V0.B16, V4.B16
	VMOV V0.B16, V5.B16
	VMOV V0.B16, V6.B16
	VMOV V0.B16, V7.B16
	VMOV V0.B16, V8.B16
	VMOV V0.B16, V9.B16
	VMOV V0.B16, V10.B16
	VMOV V0.B16, V11.B16
	VMOV V0.B16, V12.B16
	VMOV V0.B16, V13.B16
	VMOV V0.B16, V14.B16
	VMOV V0.B16, V15.B16
	CMP  $0, R0
	BLE  done

loop:
	VFMLA V30.S4, V30.S4, V0.S4
	VFMLA V30.S4, V30.S4, V1.S4
	VFMLA V30.S4, V30.S4, V2.S4
	VFMLA V30.S4, V30.S4, V3.S4
	VFMLA V30.S4, V30.S4, V4.S4
	VFMLA V30.S4, V30.S4, V5.S4
	VFMLA V30.S4, V30.S4, V6.S4
	VFMLA V30.S4, V30.S4, V7.S4
	VFMLA V30.S4, V30.S4, V8.S4
	VFMLA V30.S4, V30.S4, V9.S4
	VFMLA V30.S4, V30.S4, V10.S4
	VFMLA V30.S4, V30.S4, V11.S4
	VFMLA V30.S4, V30.S4, V12.S4
	VFMLA V30.S4, V30.S4, V13.S4
	VFMLA V30.S4, V30.S4, V14.S4
	VFMLA V30.S4, V30.S4, V15.S4
	SUBS  $1, R0
	BNE   loop

done:
	RET

// func readNEON(p *float32, n int)
//
//	four streams, each a quarter of the n elements, 64 bytes of each in turn; n is a multiple of 64
TEXT ·readNEON(SB), NOSPLIT, $0-16
	MOVD p+0(FP), R0
	MOVD n+8(FP), R4
	ADD  R4, R0, R1      // n/4 elements are n bytes
	ADD  R4, R1, R2
	ADD  R4, R2, R3
	LSR  $6, R4          // 64 bytes of a stream at a time

loop:
	VLD1.P 64(R0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(R1), [V4.S4, V5.S4, V6.S4, V7.S4]
	VLD1.P 64(R2), [V16.S4, V17.S4, V18.S4, V19.S4]
	VLD1.P 64(R3), [V20.S4, V21.S4, V22.S4, V23.S4]
	SUBS   $1, R4
	BNE    loop
	RET

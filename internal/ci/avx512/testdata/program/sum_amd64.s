#include "textflag.h"

// l[i] += p[i], p[i+16], ...
// func sum(l *[16]float32, p *float32, n int)
TEXT ·sum(SB), NOSPLIT, $0-24
	MOVQ l+0(FP), DI
	MOVQ p+8(FP), SI
	MOVQ n+16(FP), CX
	VMOVUPS (DI), Z31
	KXNORW K1, K1, K1
loop:
	CMPQ CX, $16
	JGE full
	MOVQ $-1, BX
	BZHIQ CX, BX, BX
	KMOVW BX, K1
full:
	VMOVUPS.Z (SI), K1, Z1
	VADDPS Z1, Z31, K1, Z31
	ADDQ $64, SI
	SUBQ $16, CX
	JGT loop
	VMOVUPS Z31, (DI)
	VZEROUPPER
	RET

// What the processor does between what it does not: dst[0] = src, its upper half cleared by an instruction of AVX that the
// emulator does not know; dst[1] = src, with all but 128 bits cleared by one that it knows; dst[2] = src after a VZEROUPPER
// that the processor does, for Z0 and Z16 added.
// func mixed(dst *[3][16]float32, src *[16]float32)
TEXT ·mixed(SB), NOSPLIT, $0-16
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	VMOVUPS (SI), Z0
	VPERMILPS $0xb1, Y0, Y0 // each pair swapped
	VMOVUPS Z0, (DI)
	VMOVUPS (SI), Z0
	VMOVUPS X0, X0
	VMOVUPS Z0, 64(DI)
	VMOVUPS (SI), Z0
	VMOVUPS (SI), Z16
	XCHGQ AX, BX // not emulated: what follows runs natively
	VZEROUPPER
	VADDPS Z0, Z16, Z16
	VMOVUPS Z16, 128(DI)
	VZEROUPPER
	RET

// func unknown()
TEXT ·unknown(SB), NOSPLIT, $0-0
	VRCP14PS Z1, Z2
	RET

// func illegal()
TEXT ·illegal(SB), NOSPLIT, $0-0
	BYTE $0x0f; BYTE $0x0b // UD2
	RET

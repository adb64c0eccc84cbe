//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "tile_amd64.h"

// Tiles of AVX-512; what they compute stands at the type tile, and their form in tile_amd64.h.
//
// The greatest is 14 rows by two panels: 28 accumulators, two registers of b, two broadcasts in turn. A step of k is 28
// multiply-adds (28 cycles on Zen 4, 14 where two begin in one) and 16 loads.
//
//	                  b[l][0..15]  b[l][16..31]
//	                     Z28          Z29
//	a[0][l]  → Z30   │   Z0     │     Z1     │
//	a[1][l]  → Z31   │   Z2     │     Z3     │
//	  ...                 ...          ...
//	a[13][l] → Z31   │   Z26    │     Z27    │
//
// Few rows take more panels, so that eight chains or more hide the latency of the multiply-add: up to 3 rows by four panels
// (12 accumulators, broadcasts in Z24..Z26, b in Z28), one row by eight (8 accumulators, b from memory).

#define A7     SI  // row 7 of A, at l
#define B4     SI  // row l of panel 4, where there is one row

// One step of k. In the steps d is 4·l.

// ROW is a row of two panels: a is the element, x a register for the broadcast, z0 and z1 the accumulators.
#define ROW(a, x, z0, z1) \
	VBROADCASTSS a, x        \
	VFMADD231PS  Z28, x, z0  \
	VFMADD231PS  Z29, x, z1

#define STEP1x2(d) \
	VMOVUPS (16*d)(B), Z28           \
	VMOVUPS (16*d)(B)(PANEL*1), Z29  \
	ROW(d(A), Z30, Z0, Z1)
#define STEP2x2(d) STEP1x2(d) \
	ROW(d(A)(LDA*1), Z31, Z2, Z3)
#define STEP3x2(d) STEP2x2(d) \
	ROW(d(A)(LDA*2), Z30, Z4, Z5)
#define STEP4x2(d) STEP3x2(d) \
	ROW(d(A)(LDA3*1), Z31, Z6, Z7)
#define STEP5x2(d) STEP4x2(d) \
	ROW(d(A)(LDA*4), Z30, Z8, Z9)
#define STEP6x2(d) STEP5x2(d) \
	ROW(d(A)(LDA5*1), Z31, Z10, Z11)
#define STEP7x2(d) STEP6x2(d) \
	ROW(d(A)(LDA3*2), Z30, Z12, Z13)
#define STEP8x2(d) STEP7x2(d) \
	ROW(d(A7), Z31, Z14, Z15)
#define STEP9x2(d) STEP8x2(d) \
	ROW(d(A7)(LDA*1), Z30, Z16, Z17)
#define STEP10x2(d) STEP9x2(d) \
	ROW(d(A7)(LDA*2), Z31, Z18, Z19)
#define STEP11x2(d) STEP10x2(d) \
	ROW(d(A7)(LDA3*1), Z30, Z20, Z21)
#define STEP12x2(d) STEP11x2(d) \
	ROW(d(A7)(LDA*4), Z31, Z22, Z23)
#define STEP13x2(d) STEP12x2(d) \
	ROW(d(A7)(LDA5*1), Z30, Z24, Z25)
#define STEP14x2(d) STEP13x2(d) \
	ROW(d(A7)(LDA3*2), Z31, Z26, Z27)

// The same for one panel, with b in Z28 and a broadcast from memory.
#define STEP1x1(d) \
	VMOVUPS (16*d)(B), Z28 \
	VFMADD231PS.BCST d(A), Z28, Z0
#define STEP2x1(d) STEP1x1(d) \
	VFMADD231PS.BCST d(A)(LDA*1), Z28, Z2
#define STEP3x1(d) STEP2x1(d) \
	VFMADD231PS.BCST d(A)(LDA*2), Z28, Z4
#define STEP4x1(d) STEP3x1(d) \
	VFMADD231PS.BCST d(A)(LDA3*1), Z28, Z6
#define STEP5x1(d) STEP4x1(d) \
	VFMADD231PS.BCST d(A)(LDA*4), Z28, Z8
#define STEP6x1(d) STEP5x1(d) \
	VFMADD231PS.BCST d(A)(LDA5*1), Z28, Z10
#define STEP7x1(d) STEP6x1(d) \
	VFMADD231PS.BCST d(A)(LDA3*2), Z28, Z12
#define STEP8x1(d) STEP7x1(d) \
	VFMADD231PS.BCST d(A7), Z28, Z14
#define STEP9x1(d) STEP8x1(d) \
	VFMADD231PS.BCST d(A7)(LDA*1), Z28, Z16
#define STEP10x1(d) STEP9x1(d) \
	VFMADD231PS.BCST d(A7)(LDA*2), Z28, Z18
#define STEP11x1(d) STEP10x1(d) \
	VFMADD231PS.BCST d(A7)(LDA3*1), Z28, Z20
#define STEP12x1(d) STEP11x1(d) \
	VFMADD231PS.BCST d(A7)(LDA*4), Z28, Z22
#define STEP13x1(d) STEP12x1(d) \
	VFMADD231PS.BCST d(A7)(LDA5*1), Z28, Z24
#define STEP14x1(d) STEP13x1(d) \
	VFMADD231PS.BCST d(A7)(LDA3*2), Z28, Z26

// With few rows, panels come from far, and nothing else prefetches them: these do, 32 steps ahead.
#define FAR1(d) PREFETCHT0 (16*d+2048)(B)
#define FAR2(d) FAR1(d) \
	PREFETCHT0 (16*d+2048)(B)(PANEL*1)
#define FAR1x1(d) FAR1(d) \
	STEP1x1(d)
#define FAR1x2(d) FAR2(d) \
	STEP1x2(d)
#define FAR2x1(d) FAR1(d) \
	STEP2x1(d)
#define FAR2x2(d) FAR2(d) \
	STEP2x2(d)
#define FAR3x1(d) FAR1(d) \
	STEP3x1(d)
#define FAR3x2(d) FAR2(d) \
	STEP3x2(d)
#define FAR4x1(d) FAR1(d) \
	STEP4x1(d)
#define FAR4x2(d) FAR2(d) \
	STEP4x2(d)
#define FAR5x1(d) FAR1(d) \
	STEP5x1(d)
#define FAR5x2(d) FAR2(d) \
	STEP5x2(d)
#define FAR6x1(d) FAR1(d) \
	STEP6x1(d)
#define FAR6x2(d) FAR2(d) \
	STEP6x2(d)
#define FAR7x1(d) FAR1(d) \
	STEP7x1(d)
#define FAR7x2(d) FAR2(d) \
	STEP7x2(d)
#define FAR8x1(d) FAR1(d) \
	STEP8x1(d)
#define FAR8x2(d) FAR2(d) \
	STEP8x2(d)
#define FAR9x1(d) FAR1(d) \
	STEP9x1(d)
#define FAR9x2(d) FAR2(d) \
	STEP9x2(d)
#define FAR10x1(d) FAR1(d) \
	STEP10x1(d)
#define FAR10x2(d) FAR2(d) \
	STEP10x2(d)
#define FAR11x1(d) FAR1(d) \
	STEP11x1(d)
#define FAR11x2(d) FAR2(d) \
	STEP11x2(d)
#define FAR12x1(d) FAR1(d) \
	STEP12x1(d)
#define FAR12x2(d) FAR2(d) \
	STEP12x2(d)
#define FAR13x1(d) FAR1(d) \
	STEP13x1(d)
#define FAR13x2(d) FAR2(d) \
	STEP13x2(d)
#define FAR14x1(d) FAR1(d) \
	STEP14x1(d)
#define FAR14x2(d) FAR2(d) \
	STEP14x2(d)

// The same for four panels: one of them, in Z28, by the broadcasts Z24..Z26.
#define BY1(b, z0) \
	VMOVUPS     b, Z28       \
	VFMADD231PS Z28, Z24, z0
#define BY2(b, z0, z1) BY1(b, z0) \
	VFMADD231PS Z28, Z25, z1
#define BY3(b, z0, z1, z2) BY2(b, z0, z1) \
	VFMADD231PS Z28, Z26, z2

#define STEP1x4(d) \
	VBROADCASTSS d(A), Z24             \
	BY1((16*d)(B), Z0)               \
	BY1((16*d)(B)(PANEL*1), Z1)      \
	BY1((16*d)(B)(PANEL*2), Z2)      \
	BY1((16*d)(B)(PANEL3*1), Z3)
#define STEP2x4(d) \
	VBROADCASTSS d(A), Z24             \
	VBROADCASTSS d(A)(LDA*1), Z25      \
	BY2((16*d)(B), Z0, Z4)           \
	BY2((16*d)(B)(PANEL*1), Z1, Z5)  \
	BY2((16*d)(B)(PANEL*2), Z2, Z6)  \
	BY2((16*d)(B)(PANEL3*1), Z3, Z7)
#define STEP3x4(d) \
	VBROADCASTSS d(A), Z24                 \
	VBROADCASTSS d(A)(LDA*1), Z25          \
	VBROADCASTSS d(A)(LDA*2), Z26          \
	BY3((16*d)(B), Z0, Z4, Z8)           \
	BY3((16*d)(B)(PANEL*1), Z1, Z5, Z9)  \
	BY3((16*d)(B)(PANEL*2), Z2, Z6, Z10) \
	BY3((16*d)(B)(PANEL3*1), Z3, Z7, Z11)
#define STEP1x8(d) \
	VBROADCASTSS d(A), Z24                     \
	VFMADD231PS  (16*d)(B), Z24, Z0             \
	VFMADD231PS  (16*d)(B)(PANEL*1), Z24, Z1    \
	VFMADD231PS  (16*d)(B)(PANEL*2), Z24, Z2    \
	VFMADD231PS  (16*d)(B)(PANEL3*1), Z24, Z3   \
	VFMADD231PS  (16*d)(B4), Z24, Z4            \
	VFMADD231PS  (16*d)(B4)(PANEL*1), Z24, Z5   \
	VFMADD231PS  (16*d)(B4)(PANEL*2), Z24, Z6   \
	VFMADD231PS  (16*d)(B4)(PANEL3*1), Z24, Z7

// EACH applies OP to the accumulators of each row, with P at the row: OP(offset in the row, register).
#define NEXT ADDQ LD, P
#define PAIR(OP, z0, z1) \
	OP(0, z0)  \
	OP(64, z1)
#define QUAD(OP, z0, z1, z2, z3) PAIR(OP, z0, z1) \
	OP(128, z2) \
	OP(192, z3)

#define EACH1x1(OP) OP(0, Z0)
#define EACH2x1(OP) EACH1x1(OP) \
	NEXT \
	OP(0, Z2)
#define EACH3x1(OP) EACH2x1(OP) \
	NEXT \
	OP(0, Z4)
#define EACH4x1(OP) EACH3x1(OP) \
	NEXT \
	OP(0, Z6)
#define EACH5x1(OP) EACH4x1(OP) \
	NEXT \
	OP(0, Z8)
#define EACH6x1(OP) EACH5x1(OP) \
	NEXT \
	OP(0, Z10)
#define EACH7x1(OP) EACH6x1(OP) \
	NEXT \
	OP(0, Z12)
#define EACH8x1(OP) EACH7x1(OP) \
	NEXT \
	OP(0, Z14)
#define EACH9x1(OP) EACH8x1(OP) \
	NEXT \
	OP(0, Z16)
#define EACH10x1(OP) EACH9x1(OP) \
	NEXT \
	OP(0, Z18)
#define EACH11x1(OP) EACH10x1(OP) \
	NEXT \
	OP(0, Z20)
#define EACH12x1(OP) EACH11x1(OP) \
	NEXT \
	OP(0, Z22)
#define EACH13x1(OP) EACH12x1(OP) \
	NEXT \
	OP(0, Z24)
#define EACH14x1(OP) EACH13x1(OP) \
	NEXT \
	OP(0, Z26)

#define EACH1x2(OP) PAIR(OP, Z0, Z1)
#define EACH2x2(OP) EACH1x2(OP) \
	NEXT \
	PAIR(OP, Z2, Z3)
#define EACH3x2(OP) EACH2x2(OP) \
	NEXT \
	PAIR(OP, Z4, Z5)
#define EACH4x2(OP) EACH3x2(OP) \
	NEXT \
	PAIR(OP, Z6, Z7)
#define EACH5x2(OP) EACH4x2(OP) \
	NEXT \
	PAIR(OP, Z8, Z9)
#define EACH6x2(OP) EACH5x2(OP) \
	NEXT \
	PAIR(OP, Z10, Z11)
#define EACH7x2(OP) EACH6x2(OP) \
	NEXT \
	PAIR(OP, Z12, Z13)
#define EACH8x2(OP) EACH7x2(OP) \
	NEXT \
	PAIR(OP, Z14, Z15)
#define EACH9x2(OP) EACH8x2(OP) \
	NEXT \
	PAIR(OP, Z16, Z17)
#define EACH10x2(OP) EACH9x2(OP) \
	NEXT \
	PAIR(OP, Z18, Z19)
#define EACH11x2(OP) EACH10x2(OP) \
	NEXT \
	PAIR(OP, Z20, Z21)
#define EACH12x2(OP) EACH11x2(OP) \
	NEXT \
	PAIR(OP, Z22, Z23)
#define EACH13x2(OP) EACH12x2(OP) \
	NEXT \
	PAIR(OP, Z24, Z25)
#define EACH14x2(OP) EACH13x2(OP) \
	NEXT \
	PAIR(OP, Z26, Z27)

#define EACH1x4(OP) QUAD(OP, Z0, Z1, Z2, Z3)
#define EACH2x4(OP) EACH1x4(OP) \
	NEXT \
	QUAD(OP, Z4, Z5, Z6, Z7)
#define EACH3x4(OP) EACH2x4(OP) \
	NEXT \
	QUAD(OP, Z8, Z9, Z10, Z11)
#define EACH1x8(OP) EACH1x4(OP) \
	OP(256, Z4) \
	OP(320, Z5) \
	OP(384, Z6) \
	OP(448, Z7)

#define ADD(o, z) VADDPS o(P), z, z
#define MUL(o, z) VMULPS.BCST (P), z, z
#define STORE(o, z) VMOVUPS z, o(P)
#define FETCH(o, z) PREFETCHT1 o(P)
#define LOAD(o, z) VMOVUPS o(P), z
#define ZERO(o, z) VPXORD z, z, z

// What comes next is prefetched into the second-level cache, for one panel and for more.
#define ASK1(a) PREFETCHT1 a
#define ASK2(a) PREFETCHT1 a \
	PREFETCHT1 64 a

#define BEGIN \
	LEAQ  (A)(LDA3*2), A7  \
	ADDQ  LDA, A7
#define ON(n) ADDQ $(4*n), A7

COLUMN(column1x1, 1, FAR1x1, EACH1x1, ASK1, BEGIN, ON)
COLUMN(column1x2, 1, FAR1x2, EACH1x2, ASK2, BEGIN, ON)
COLUMN(column2x1, 2, FAR2x1, EACH2x1, ASK1, BEGIN, ON)
COLUMN(column2x2, 2, FAR2x2, EACH2x2, ASK2, BEGIN, ON)
COLUMN(column3x1, 3, FAR3x1, EACH3x1, ASK1, BEGIN, ON)
COLUMN(column3x2, 3, FAR3x2, EACH3x2, ASK2, BEGIN, ON)
COLUMN(column4x1, 4, FAR4x1, EACH4x1, ASK1, BEGIN, ON)
COLUMN(column4x2, 4, FAR4x2, EACH4x2, ASK2, BEGIN, ON)
COLUMN(column5x1, 5, FAR5x1, EACH5x1, ASK1, BEGIN, ON)
COLUMN(column5x2, 5, FAR5x2, EACH5x2, ASK2, BEGIN, ON)
COLUMN(column6x1, 6, FAR6x1, EACH6x1, ASK1, BEGIN, ON)
COLUMN(column6x2, 6, FAR6x2, EACH6x2, ASK2, BEGIN, ON)
COLUMN(column7x1, 7, FAR7x1, EACH7x1, ASK1, BEGIN, ON)
COLUMN(column7x2, 7, FAR7x2, EACH7x2, ASK2, BEGIN, ON)
COLUMN(column8x1, 8, FAR8x1, EACH8x1, ASK1, BEGIN, ON)
COLUMN(column8x2, 8, FAR8x2, EACH8x2, ASK2, BEGIN, ON)
COLUMN(column9x1, 9, FAR9x1, EACH9x1, ASK1, BEGIN, ON)
COLUMN(column9x2, 9, FAR9x2, EACH9x2, ASK2, BEGIN, ON)
COLUMN(column10x1, 10, FAR10x1, EACH10x1, ASK1, BEGIN, ON)
COLUMN(column10x2, 10, FAR10x2, EACH10x2, ASK2, BEGIN, ON)
COLUMN(column11x1, 11, FAR11x1, EACH11x1, ASK1, BEGIN, ON)
COLUMN(column11x2, 11, FAR11x2, EACH11x2, ASK2, BEGIN, ON)
COLUMN(column12x1, 12, FAR12x1, EACH12x1, ASK1, BEGIN, ON)
COLUMN(column12x2, 12, FAR12x2, EACH12x2, ASK2, BEGIN, ON)
COLUMN(column13x1, 13, FAR13x1, EACH13x1, ASK1, BEGIN, ON)
COLUMN(column13x2, 13, FAR13x2, EACH13x2, ASK2, BEGIN, ON)
COLUMN(column14x1, 14, FAR14x1, EACH14x1, ASK1, BEGIN, ON)
COLUMN(column14x2, 14, FAR14x2, EACH14x2, ASK2, BEGIN, ON)
COLUMN(column4x1Many, 4, STEP4x1, EACH4x1, ASK1, BEGIN, ON)
COLUMN(column4x2Many, 4, STEP4x2, EACH4x2, ASK2, BEGIN, ON)
COLUMN(column5x1Many, 5, STEP5x1, EACH5x1, ASK1, BEGIN, ON)
COLUMN(column5x2Many, 5, STEP5x2, EACH5x2, ASK2, BEGIN, ON)
COLUMN(column6x1Many, 6, STEP6x1, EACH6x1, ASK1, BEGIN, ON)
COLUMN(column6x2Many, 6, STEP6x2, EACH6x2, ASK2, BEGIN, ON)
COLUMN(column7x1Many, 7, STEP7x1, EACH7x1, ASK1, BEGIN, ON)
COLUMN(column7x2Many, 7, STEP7x2, EACH7x2, ASK2, BEGIN, ON)
COLUMN(column8x1Many, 8, STEP8x1, EACH8x1, ASK1, BEGIN, ON)
COLUMN(column8x2Many, 8, STEP8x2, EACH8x2, ASK2, BEGIN, ON)
COLUMN(column9x1Many, 9, STEP9x1, EACH9x1, ASK1, BEGIN, ON)
COLUMN(column9x2Many, 9, STEP9x2, EACH9x2, ASK2, BEGIN, ON)
COLUMN(column10x1Many, 10, STEP10x1, EACH10x1, ASK1, BEGIN, ON)
COLUMN(column10x2Many, 10, STEP10x2, EACH10x2, ASK2, BEGIN, ON)
COLUMN(column11x1Many, 11, STEP11x1, EACH11x1, ASK1, BEGIN, ON)
COLUMN(column11x2Many, 11, STEP11x2, EACH11x2, ASK2, BEGIN, ON)
COLUMN(column12x1Many, 12, STEP12x1, EACH12x1, ASK1, BEGIN, ON)
COLUMN(column12x2Many, 12, STEP12x2, EACH12x2, ASK2, BEGIN, ON)
COLUMN(column13x1Many, 13, STEP13x1, EACH13x1, ASK1, BEGIN, ON)
COLUMN(column13x2Many, 13, STEP13x2, EACH13x2, ASK2, BEGIN, ON)
COLUMN(column14x1Many, 14, STEP14x1, EACH14x1, ASK1, BEGIN, ON)
COLUMN(column14x2Many, 14, STEP14x2, EACH14x2, ASK2, BEGIN, ON)
COLUMN(column1x4, 1, STEP1x4, EACH1x4, ASK2, BEGIN, ON)
COLUMN(column2x4, 2, STEP2x4, EACH2x4, ASK2, BEGIN, ON)
COLUMN(column3x4, 3, STEP3x4, EACH3x4, ASK2, BEGIN, ON)
#define BEGIN8 LEAQ (B)(PANEL*4), B4
#define ON8(n) ADDQ $(64*n), B4
COLUMN(column1x8, 1, STEP1x8, EACH1x8, ASK2, BEGIN8, ON8)

TILE(·tile1x1AVX512, column1x1, column1x1)
TILE(·tile2x1AVX512, column2x1, column1x1)
TILE(·tile3x1AVX512, column3x1, column2x1)
TILE(·tile4x1AVX512, column4x1, column3x1)
TILE(·tile5x1AVX512, column5x1, column4x1)
TILE(·tile6x1AVX512, column6x1, column5x1)
TILE(·tile7x1AVX512, column7x1, column6x1)
TILE(·tile8x1AVX512, column8x1, column7x1)
TILE(·tile9x1AVX512, column9x1, column8x1)
TILE(·tile10x1AVX512, column10x1, column9x1)
TILE(·tile11x1AVX512, column11x1, column10x1)
TILE(·tile12x1AVX512, column12x1, column11x1)
TILE(·tile13x1AVX512, column13x1, column12x1)
TILE(·tile14x1AVX512, column14x1, column13x1)
TILE(·tile4x1ManyAVX512, column4x1Many, column3x1)
TILE(·tile5x1ManyAVX512, column5x1Many, column4x1Many)
TILE(·tile6x1ManyAVX512, column6x1Many, column5x1Many)
TILE(·tile7x1ManyAVX512, column7x1Many, column6x1Many)
TILE(·tile8x1ManyAVX512, column8x1Many, column7x1Many)
TILE(·tile9x1ManyAVX512, column9x1Many, column8x1Many)
TILE(·tile10x1ManyAVX512, column10x1Many, column9x1Many)
TILE(·tile11x1ManyAVX512, column11x1Many, column10x1Many)
TILE(·tile12x1ManyAVX512, column12x1Many, column11x1Many)
TILE(·tile13x1ManyAVX512, column13x1Many, column12x1Many)
TILE(·tile14x1ManyAVX512, column14x1Many, column13x1Many)
TILE(·tile1x2AVX512, column1x2, column1x2)
TILE(·tile2x2AVX512, column2x2, column1x2)
TILE(·tile3x2AVX512, column3x2, column2x2)
TILE(·tile4x2AVX512, column4x2, column3x2)
TILE(·tile5x2AVX512, column5x2, column4x2)
TILE(·tile6x2AVX512, column6x2, column5x2)
TILE(·tile7x2AVX512, column7x2, column6x2)
TILE(·tile8x2AVX512, column8x2, column7x2)
TILE(·tile9x2AVX512, column9x2, column8x2)
TILE(·tile10x2AVX512, column10x2, column9x2)
TILE(·tile11x2AVX512, column11x2, column10x2)
TILE(·tile12x2AVX512, column12x2, column11x2)
TILE(·tile13x2AVX512, column13x2, column12x2)
TILE(·tile14x2AVX512, column14x2, column13x2)
TILE(·tile4x2ManyAVX512, column4x2Many, column3x2)
TILE(·tile5x2ManyAVX512, column5x2Many, column4x2Many)
TILE(·tile6x2ManyAVX512, column6x2Many, column5x2Many)
TILE(·tile7x2ManyAVX512, column7x2Many, column6x2Many)
TILE(·tile8x2ManyAVX512, column8x2Many, column7x2Many)
TILE(·tile9x2ManyAVX512, column9x2Many, column8x2Many)
TILE(·tile10x2ManyAVX512, column10x2Many, column9x2Many)
TILE(·tile11x2ManyAVX512, column11x2Many, column10x2Many)
TILE(·tile12x2ManyAVX512, column12x2Many, column11x2Many)
TILE(·tile13x2ManyAVX512, column13x2Many, column12x2Many)
TILE(·tile14x2ManyAVX512, column14x2Many, column13x2Many)
TILE(·tile1x4AVX512, column1x4, column1x4)
TILE(·tile2x4AVX512, column2x4, column1x4)
TILE(·tile3x4AVX512, column3x4, column2x4)
TILE(·tile1x8AVX512, column1x8, column1x8)

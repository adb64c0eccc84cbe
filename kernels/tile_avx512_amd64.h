// What tiles of AVX-512 have in common, whatever panels are stored as: the accumulators, the rows of a step of k, and prefetches.
// tile_avx512_amd64.s and tile_narrow_avx512_amd64.s say how a row of the panels gets into Z24..Z27. In the steps d is 4·l.

#define NEXTB  SI  // in tiles of few rows: row l of the first panel that is read next

// ROW is a row of so many panels: a is the element of A, x a register for the broadcast; ROWS are the rows of a tile.
#define ROW1(a, z0) \
	VFMADD231PS.BCST a, Z24, z0
#define ROW2(a, x, z0, z1) \
	VBROADCASTSS a, x        \
	VFMADD231PS  Z24, x, z0  \
	VFMADD231PS  Z25, x, z1
#define ROW4(a, x, z0, z1, z2, z3) ROW2(a, x, z0, z1) \
	VFMADD231PS  Z26, x, z2  \
	VFMADD231PS  Z27, x, z3

#define ROWS1x1(d) \
	ROW1(d(A), Z0)
#define ROWS2x1(d) ROWS1x1(d) \
	ROW1(d(A)(LDA*1), Z4)
#define ROWS3x1(d) ROWS2x1(d) \
	ROW1(d(A)(LDA*2), Z8)
#define ROWS4x1(d) ROWS3x1(d) \
	ROW1(d(A)(LDA3*1), Z12)
#define ROWS5x1(d) ROWS4x1(d) \
	ROW1(d(A)(LDA*4), Z16)
#define ROWS6x1(d) ROWS5x1(d) \
	ROW1(d(A)(LDA5*1), Z20)
#define ROWS1x2(d) \
	ROW2(d(A), Z28, Z0, Z1)
#define ROWS2x2(d) ROWS1x2(d) \
	ROW2(d(A)(LDA*1), Z29, Z4, Z5)
#define ROWS3x2(d) ROWS2x2(d) \
	ROW2(d(A)(LDA*2), Z30, Z8, Z9)
#define ROWS4x2(d) ROWS3x2(d) \
	ROW2(d(A)(LDA3*1), Z31, Z12, Z13)
#define ROWS5x2(d) ROWS4x2(d) \
	ROW2(d(A)(LDA*4), Z28, Z16, Z17)
#define ROWS6x2(d) ROWS5x2(d) \
	ROW2(d(A)(LDA5*1), Z29, Z20, Z21)
#define ROWS1x4(d) \
	ROW4(d(A), Z28, Z0, Z1, Z2, Z3)
#define ROWS2x4(d) ROWS1x4(d) \
	ROW4(d(A)(LDA*1), Z29, Z4, Z5, Z6, Z7)
#define ROWS3x4(d) ROWS2x4(d) \
	ROW4(d(A)(LDA*2), Z28, Z8, Z9, Z10, Z11)
#define ROWS4x4(d) ROWS3x4(d) \
	ROW4(d(A)(LDA3*1), Z29, Z12, Z13, Z14, Z15)
#define ROWS5x4(d) ROWS4x4(d) \
	ROW4(d(A)(LDA*4), Z28, Z16, Z17, Z18, Z19)
#define ROWS6x4(d) ROWS5x4(d) \
	ROW4(d(A)(LDA5*1), Z29, Z20, Z21, Z22, Z23)

// EACH applies OP to the accumulators of each row, with P at the row: OP(offset in the row, register).
#define NEXT ADDQ LD, P
#define EACH1x1(OP) \
	OP(0, Z0)
#define EACH2x1(OP) EACH1x1(OP) \
	NEXT \
	OP(0, Z4)
#define EACH3x1(OP) EACH2x1(OP) \
	NEXT \
	OP(0, Z8)
#define EACH4x1(OP) EACH3x1(OP) \
	NEXT \
	OP(0, Z12)
#define EACH5x1(OP) EACH4x1(OP) \
	NEXT \
	OP(0, Z16)
#define EACH6x1(OP) EACH5x1(OP) \
	NEXT \
	OP(0, Z20)
#define EACH1x2(OP) \
	OP(0, Z0) \
	OP(64, Z1)
#define EACH2x2(OP) EACH1x2(OP) \
	NEXT \
	OP(0, Z4) \
	OP(64, Z5)
#define EACH3x2(OP) EACH2x2(OP) \
	NEXT \
	OP(0, Z8) \
	OP(64, Z9)
#define EACH4x2(OP) EACH3x2(OP) \
	NEXT \
	OP(0, Z12) \
	OP(64, Z13)
#define EACH5x2(OP) EACH4x2(OP) \
	NEXT \
	OP(0, Z16) \
	OP(64, Z17)
#define EACH6x2(OP) EACH5x2(OP) \
	NEXT \
	OP(0, Z20) \
	OP(64, Z21)
#define EACH1x4(OP) \
	OP(0, Z0) \
	OP(64, Z1) \
	OP(128, Z2) \
	OP(192, Z3)
#define EACH2x4(OP) EACH1x4(OP) \
	NEXT \
	OP(0, Z4) \
	OP(64, Z5) \
	OP(128, Z6) \
	OP(192, Z7)
#define EACH3x4(OP) EACH2x4(OP) \
	NEXT \
	OP(0, Z8) \
	OP(64, Z9) \
	OP(128, Z10) \
	OP(192, Z11)
#define EACH4x4(OP) EACH3x4(OP) \
	NEXT \
	OP(0, Z12) \
	OP(64, Z13) \
	OP(128, Z14) \
	OP(192, Z15)
#define EACH5x4(OP) EACH4x4(OP) \
	NEXT \
	OP(0, Z16) \
	OP(64, Z17) \
	OP(128, Z18) \
	OP(192, Z19)
#define EACH6x4(OP) EACH5x4(OP) \
	NEXT \
	OP(0, Z20) \
	OP(64, Z21) \
	OP(128, Z22) \
	OP(192, Z23)

#define ADD(o, z) VADDPS o(P), z, z
#define MUL(o, z) VMULPS.BCST (P), z, z
#define STORE(o, z) VMOVUPS z, o(P)
#define FETCH(o, z) PREFETCHT1 o(P)
#define LOAD(o, z) VMOVUPS o(P), z
#define ZERO(o, z) VPXORD z, z, z

// What comes next is prefetched into the second-level cache: as many lines as there are panels.
#define ASK1(a) PREFETCHT1 a
#define ASK2(a) ASK1(a) \
	PREFETCHT1 64 a
#define ASK4(a) ASK2(a) \
	PREFETCHT1 128 a \
	PREFETCHT1 192 a
#define BEGIN MOVQ AHEAD, NEXTB
#define NONE
#define STAY(n)

//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "tile_streams_amd64.h"

// One to four rows by panels that lie far apart, for AVX-512; the form is that of tile_streams_amd64.h. Four or six streams:
//
//	Z0 to Z23     the accumulators, that of a stream's row i in Z(4·stream+i)
//	Z24 to Z27    the broadcasts of the rows of A
//	Z28, Z29      a row of a panel, in turn
//	Z30, Z31, K1  for bfloat16, what numbers VPERMW takes and where it puts them

#define SCALE Z24 // the factor of tileScale

// A line of bfloat16 is two rows of a panel. evenRow[i] and oddRow[i] = the number of the line that VPERMW takes, where its mask has a one:
// to the upper halves of 32 bits the first row, or the second.
DATA ·evenRow+0(SB)/8, $0x1000000000000
DATA ·evenRow+8(SB)/8, $0x3000000020000
DATA ·evenRow+16(SB)/8, $0x5000000040000
DATA ·evenRow+24(SB)/8, $0x7000000060000
DATA ·evenRow+32(SB)/8, $0x9000000080000
DATA ·evenRow+40(SB)/8, $0xb0000000a0000
DATA ·evenRow+48(SB)/8, $0xd0000000c0000
DATA ·evenRow+56(SB)/8, $0xf0000000e0000
GLOBL ·evenRow(SB), RODATA|NOPTR, $64

DATA ·oddRow+0(SB)/8, $0x11000000100000
DATA ·oddRow+8(SB)/8, $0x13000000120000
DATA ·oddRow+16(SB)/8, $0x15000000140000
DATA ·oddRow+24(SB)/8, $0x17000000160000
DATA ·oddRow+32(SB)/8, $0x19000000180000
DATA ·oddRow+40(SB)/8, $0x1b0000001a0000
DATA ·oddRow+48(SB)/8, $0x1d0000001c0000
DATA ·oddRow+56(SB)/8, $0x1f0000001e0000
GLOBL ·oddRow(SB), RODATA|NOPTR, $64

// A type of panels: LOAD(d, p, z) reads a row of the panel at p to z, widened; d is 4·l. FETCH(d, p, far), if a line begins with row l,
// prefetches the line 256 bytes on, and the one far bytes on into the second-level cache. BYTES(rows) is the bytes of so many.
//
// One and two rows of float32 leave it to the processor, which does as well from memory; from the caches, prefetches would take the
// places of loads.
#define FLOATLOAD(d, p, z) \
	VMOVUPS (16*d)p, z
#define FLOATFETCH(d, p, far) \
	PREFETCHT0 (16*d+256)p  \
	PREFETCHT1 (16*d+far)p
#define FLOATBYTES(rows) (64*rows)

// One instruction of the ports that shuffle for a row, where widening and shifting are two. Both rows of a line are read from where it
// begins.
#define BFLOATLOAD(d, p, z) \
	VPERMW.Z (8*d)p, Z30, K1, z
#define BFLOATODDLOAD(d, p, z) \
	VPERMW.Z (8*d-32)p, Z31, K1, z
#define BFLOATONELOAD(d, p, z) \
	VPMOVZXWD (8*d)p, z \
	VPSLLD    $16, z, z
#define HALFLOAD(d, p, z) \
	VCVTPH2PS (8*d)p, z
#define NARROWFETCH(d, p, far) \
	PREFETCHT0 (8*d+256)p   \
	PREFETCHT1 (8*d+far)p
#define NARROWBYTES(rows) (32*rows)

// The broadcasts of some rows of A.
#define ROWS1(d) \
	VBROADCASTSS d(A), Z24
#define ROWS2(d) ROWS1(d) \
	VBROADCASTSS d(A)(LDA*1), Z25
#define ROWS3(d) ROWS2(d) \
	VBROADCASTSS d(A)(LDA*2), Z26
#define ROWS4(d) ROWS3(d) \
	VBROADCASTSS d(A)(LDA3*1), Z27

// A row of a panel by them.
#define BY1(z, z0, z1, z2, z3) \
	VFMADD231PS z, Z24, z0
#define BY2(z, z0, z1, z2, z3) BY1(z, z0, z1, z2, z3) \
	VFMADD231PS z, Z25, z1
#define BY3(z, z0, z1, z2, z3) BY2(z, z0, z1, z2, z3) \
	VFMADD231PS z, Z26, z2
#define BY4(z, z0, z1, z2, z3) BY3(z, z0, z1, z2, z3) \
	VFMADD231PS z, Z27, z3

// One step of k: rows by streams.
#define STEP4(d, LOAD, BY, FETCH, far) \
	FETCH(d, (B), far)                \
	FETCH(d, (B)(STREAM*1), far)      \
	FETCH(d, (B)(STREAM*2), far)      \
	FETCH(d, (B)(STREAM3*1), far)     \
	LOAD(d, (B), Z28)                 \
	BY(Z28, Z0, Z1, Z2, Z3)           \
	LOAD(d, (B)(STREAM*1), Z29)       \
	BY(Z29, Z4, Z5, Z6, Z7)           \
	LOAD(d, (B)(STREAM*2), Z28)       \
	BY(Z28, Z8, Z9, Z10, Z11)         \
	LOAD(d, (B)(STREAM3*1), Z29)      \
	BY(Z29, Z12, Z13, Z14, Z15)
#define STEP6(d, LOAD, BY, FETCH, far) STEP4(d, LOAD, BY, FETCH, far) \
	FETCH(d, (B)(STREAM*4), far)      \
	FETCH(d, (B)(STREAM5*1), far)     \
	LOAD(d, (B)(STREAM*4), Z28)       \
	BY(Z28, Z16, Z17, Z18, Z19)       \
	LOAD(d, (B)(STREAM5*1), Z29)      \
	BY(Z29, Z20, Z21, Z22, Z23)

#define STEP1x4(d, LOAD, BY, FETCH, far) ROWS1(d) \
	STEP4(d, LOAD, BY1, FETCH, far)
#define STEP2x4(d, LOAD, BY, FETCH, far) ROWS2(d) \
	STEP4(d, LOAD, BY2, FETCH, far)
#define STEP3x4(d, LOAD, BY, FETCH, far) ROWS3(d) \
	STEP4(d, LOAD, BY3, FETCH, far)
#define STEP4x4(d, LOAD, BY, FETCH, far) ROWS4(d) \
	STEP4(d, LOAD, BY4, FETCH, far)
#define STEP1x6(d, LOAD, BY, FETCH, far) ROWS1(d) \
	STEP6(d, LOAD, BY1, FETCH, far)
#define STEP2x6(d, LOAD, BY, FETCH, far) ROWS2(d) \
	STEP6(d, LOAD, BY2, FETCH, far)
#define STEP3x6(d, LOAD, BY, FETCH, far) ROWS3(d) \
	STEP6(d, LOAD, BY3, FETCH, far)
#define STEP4x6(d, LOAD, BY, FETCH, far) ROWS4(d) \
	STEP6(d, LOAD, BY4, FETCH, far)

// EACH applies OP to the accumulators: OP(where the sums are, register).
#define FOUR(OP, z0, z1, z2, z3) \
	OP((P), z0)         \
	OP((P)(LDS*1), z1)  \
	OP((P)(LDS*2), z2)  \
	OP((P)(LDS3*1), z3)
#define SIX(OP, z0, z1, z2, z3, z4, z5) FOUR(OP, z0, z1, z2, z3) \
	OP((P)(LDS*4), z4)  \
	OP((P)(LDS5*1), z5)
#define NEXT ADDQ tile_ldc(T), P

#define EACH1x4(OP) \
	MOVQ C, P                     \
	FOUR(OP, Z0, Z4, Z8, Z12)
#define EACH2x4(OP) EACH1x4(OP) \
	NEXT                          \
	FOUR(OP, Z1, Z5, Z9, Z13)
#define EACH3x4(OP) EACH2x4(OP) \
	NEXT                          \
	FOUR(OP, Z2, Z6, Z10, Z14)
#define EACH4x4(OP) EACH3x4(OP) \
	NEXT                          \
	FOUR(OP, Z3, Z7, Z11, Z15)
#define EACH1x6(OP) \
	MOVQ C, P                     \
	SIX(OP, Z0, Z4, Z8, Z12, Z16, Z20)
#define EACH2x6(OP) EACH1x6(OP) \
	NEXT                          \
	SIX(OP, Z1, Z5, Z9, Z13, Z17, Z21)
#define EACH3x6(OP) EACH2x6(OP) \
	NEXT                          \
	SIX(OP, Z2, Z6, Z10, Z14, Z18, Z22)
#define EACH4x6(OP) EACH3x6(OP) \
	NEXT                          \
	SIX(OP, Z3, Z7, Z11, Z15, Z19, Z23)

#define ZERO(p, z) VPXORD z, z, z
#define ADD(p, z) VADDPS p, z, z
#define MUL(p, z) VMULPS SCALE, z, z
#define STORE(p, z) VMOVUPS z, p

#define ROWSOFLINE \
	MOVL      $0xaaaaaaaa, K \
	KMOVD     K, K1          \
	VMOVUPS   ·evenRow(SB), Z30 \
	VMOVUPS   ·oddRow(SB), Z31

#define FLOATTILE(name, STEP, EACH, FETCH) TILE(name, EMPTY, EMPTY, STEP, EACH, FLOATLOAD, FLOATLOAD, FLOATLOAD, EMPTY, FETCH, FETCH, FLOATBYTES, 1024)
#define BFLOATTILE(name, STEP, EACH, far) TILE(name, ROWSOFLINE, EMPTY, STEP, EACH, BFLOATLOAD, BFLOATODDLOAD, BFLOATONELOAD, EMPTY, NARROWFETCH, NOTHING, NARROWBYTES, far)
#define HALFTILE(name, STEP, EACH, far) TILE(name, EMPTY, EMPTY, STEP, EACH, HALFLOAD, HALFLOAD, HALFLOAD, EMPTY, NARROWFETCH, NOTHING, NARROWBYTES, far)

FLOATTILE(·streams1x4AVX512, STEP1x4, EACH1x4, NOTHING)
FLOATTILE(·streams1x6AVX512, STEP1x6, EACH1x6, NOTHING)
FLOATTILE(·streams2x4AVX512, STEP2x4, EACH2x4, NOTHING)
FLOATTILE(·streams2x6AVX512, STEP2x6, EACH2x6, NOTHING)
FLOATTILE(·streams3x4AVX512, STEP3x4, EACH3x4, FLOATFETCH)
FLOATTILE(·streams3x6AVX512, STEP3x6, EACH3x6, FLOATFETCH)
FLOATTILE(·streams4x4AVX512, STEP4x4, EACH4x4, FLOATFETCH)
FLOATTILE(·streams4x6AVX512, STEP4x6, EACH4x6, FLOATFETCH)
BFLOATTILE(·streams1x4BFloat16AVX512, STEP1x4, EACH1x4, 1024)
BFLOATTILE(·streams1x6BFloat16AVX512, STEP1x6, EACH1x6, 1024)
BFLOATTILE(·streams2x4BFloat16AVX512, STEP2x4, EACH2x4, 1024)
BFLOATTILE(·streams2x6BFloat16AVX512, STEP2x6, EACH2x6, 1024)
BFLOATTILE(·streams3x4BFloat16AVX512, STEP3x4, EACH3x4, 2048)
BFLOATTILE(·streams3x6BFloat16AVX512, STEP3x6, EACH3x6, 2048)
BFLOATTILE(·streams4x4BFloat16AVX512, STEP4x4, EACH4x4, 2048)
BFLOATTILE(·streams4x6BFloat16AVX512, STEP4x6, EACH4x6, 2048)
HALFTILE(·streams1x4Float16AVX512, STEP1x4, EACH1x4, 1024)
HALFTILE(·streams1x6Float16AVX512, STEP1x6, EACH1x6, 1024)
HALFTILE(·streams2x4Float16AVX512, STEP2x4, EACH2x4, 1024)
HALFTILE(·streams2x6Float16AVX512, STEP2x6, EACH2x6, 1024)
HALFTILE(·streams3x4Float16AVX512, STEP3x4, EACH3x4, 2048)
HALFTILE(·streams3x6Float16AVX512, STEP3x6, EACH3x6, 2048)
HALFTILE(·streams4x4Float16AVX512, STEP4x4, EACH4x4, 2048)
HALFTILE(·streams4x6Float16AVX512, STEP4x6, EACH4x6, 2048)

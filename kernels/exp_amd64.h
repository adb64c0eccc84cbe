// The constants of attention's exp on AVX2 and AVX-512. What differs from the exp of rows_amd64.h gives the same bits: the smaller
// magic has no 127 in it, so that n<<23 can be added to the exponent of p.

#define CONSTANT(name, bits) \
	DATA name<>+0(SB)/4, $bits \
	GLOBL name<>(SB), RODATA|NOPTR, $4

CONSTANT(one, 0x3f800000)
CONSTANT(minusInf, 0xff800000)
CONSTANT(log2e, 0x3fb8aa3b)
CONSTANT(magic, 0x4b400000)    // 1.5·2^23
CONSTANT(exp2, 0x3efffffe)
CONSTANT(exp3, 0x3e2aaa49)
CONSTANT(exp4, 0x3d2aac79)
CONSTANT(exp5, 0x3c091cf1)
CONSTANT(exp6, 0x3ab5121c)

// LET(c, r): every lane of r = the constant c.
#define LET(c, r) VBROADCASTSS c<>(SB), r

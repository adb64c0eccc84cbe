// The form of the tiles of few rows by panels that lie far apart, written once for AVX2 and AVX-512; see streamTile. Each of some
// streams of panels is read from one panel to the next:
//
//	for each of count groups of panels, one of each stream:
//	    accumulators = 0
//	    for l in 0..k-1:                            four at a time, then one at a time
//	        prefetch what each stream will read
//	        for each row i: broadcast a[i][l]; accumulators of row i += a[i][l] · b[l], widened
//	    add sum, scale, as the flags say
//	    store; on to the next panel of each stream

#define T       DI  // the tile
#define A       R8  // row 0 of A, at l
#define LDA     R9  // bytes from a row of A to the next
#define C       SI  // the sums of row 0 and the first stream's panel
#define P       R10 // those of another row
#define LDA3    R10 // 3·LDA, during the steps
#define LDS     AX  // bytes from there to those of the next stream
#define LDS3    R11 // 3·LDS
#define LDS5    BX  // 5·LDS
#define B       R12 // row l of the first stream's panel
#define STREAM  R13 // bytes from a stream to the next
#define STREAM3 R14 // 3·STREAM
#define STREAM5 R15 // 5·STREAM
#define COUNT   DX
#define K       CX

#define TILE(name, BEGIN, END, STEP, EACH, LOAD, ODDLOAD, ONELOAD, MADD, FETCH, ODDFETCH, BYTES, far) \
TEXT name(SB), NOSPLIT, $0-8        \
	MOVQ t+0(FP), T             \
	MOVQ tile_count(T), COUNT   \
	MOVQ tile_lda(T), LDA       \
	MOVQ tile_c(T), C           \
	MOVQ tile_lds(T), LDS       \
	LEAQ (LDS)(LDS*2), LDS3     \
	LEAQ (LDS)(LDS*4), LDS5     \
	MOVQ tile_b(T), B           \
	MOVQ tile_panel(T), STREAM  \
	LEAQ (STREAM)(STREAM*2), STREAM3 \
	LEAQ (STREAM)(STREAM*4), STREAM5 \
	BEGIN                       \
group:                              \
	EACH(ZERO)                  \
	LEAQ (LDA)(LDA*2), LDA3     \
	MOVQ tile_a(T), A           \
	MOVQ tile_k(T), K           \
	SUBQ $4, K                  \
	JLT  tail                   \
four:                               \
	STEP(0, LOAD, MADD, FETCH, far) \
	STEP(4, ODDLOAD, MADD, ODDFETCH, far) \
	STEP(8, LOAD, MADD, FETCH, far) \
	STEP(12, ODDLOAD, MADD, ODDFETCH, far) \
	ADDQ $16, A                 \
	ADDQ $BYTES(4), B           \
	SUBQ $4, K                  \
	JGE  four                   \
tail:                               \
	ADDQ $4, K                  \
	JEQ  add                    \
one:                                \
	STEP(0, ONELOAD, MADD, FETCH, far) \
	ADDQ $4, A                  \
	ADDQ $BYTES(1), B           \
	DECQ K                      \
	JNE  one                    \
add:                                \
	END                         \
	TESTQ $const_tileAdd, tile_flags(T) \
	JEQ  scale                  \
	EACH(ADD)                   \
scale:                              \
	TESTQ $const_tileScale, tile_flags(T) \
	JEQ  store                  \
	VBROADCASTSS tile_scale(T), SCALE \
	EACH(MUL)                   \
store:                              \
	EACH(STORE)                 \
	ADDQ $64, C                 \
	DECQ COUNT                  \
	JNE  group                  \
	VZEROUPPER                  \
	RET

#define EMPTY
#define NOTHING(d, p, far)

// The form of a tile, for AVX2 and AVX-512; what it computes stands at the type tile. tile_avx2_amd64.s and tile_avx512_amd64.s say
// what a step of k is, and what is done with the accumulators at the end:
//
//	for each column of tiles, across of them, for each tile of it, count high ones and below low ones, a row less:
//	    accumulators = 0, or sum if the flags say so; prefetch the tile of C
//	    for l in 0..k-1:                            eight at a time, then four, then one at a time
//	        every four steps of eight: prefetch a line of the panels or the rows of A that come next, into the second-level cache
//	        for each row i: broadcast a[i][l]; accumulators of row i += a[i][l] · b[l]
//	    add, scale, scale rows, add bias, add residual, as the flags say
//	    store

#define T      DI  // the tile
#define A      R8  // row 0 of A, at l
#define LDA    R9  // bytes from a row of A to the next
#define LDA3   R10 // 3·LDA
#define LDA5   R11 // 5·LDA
#define B      R12 // row l of the first panel
#define PANEL  R13 // bytes from a panel to the next
#define PANEL3 R14 // 3·PANEL
#define COUNT  R15 // tiles to do
#define DONE   DX  // rows done
#define K      CX
#define AHEAD  BX  // what is prefetched next
#define FLAGS  BX  // after the steps
#define P      SI  // a row of C, or of what is added
#define LD     AX  // bytes from there to the next
#define STEP   AX  // during the steps: from what is prefetched next to what comes then

// AT sets P to row DONE of an array, and LD to its stride.
#define AT(array, stride) \
	MOVQ  stride(T), LD \
	MOVQ  LD, P         \
	IMULQ DONE, P       \
	ADDQ  array(T), P

// COLUMN computes those tiles of a column that have so many rows: COUNT of them, from row DONE on. A row of a panel has size bytes.
// ONE is a step of k, EACH applies an operation to the accumulators; ASK prefetches what comes next. BEGIN and ON are for pointers
// that only some tiles have: BEGIN sets them, ON(n) moves them on by n steps.
#define COLUMN(name, rows, size, ONE, EACH, ASK, BEGIN, ON) COLUMNBYTWO(name, rows, size, ONE, ONE, ONE, EACH, ASK, BEGIN, ON)

// COLUMNBYTWO has another step for the second of two rows of a panel, ODD, and one for rows that come singly, ONE.
#define COLUMNBYTWO(name, rows, size, EVEN, ODD, ONE, EACH, ASK, BEGIN, ON) \
TEXT name<>(SB), NOSPLIT, $0-0      \
tile:                               \
	EACH(ZERO)                  \
	TESTQ $const_tileLoad, tile_flags(T) \
	JEQ   begin                 \
	AT(tile_sum, tile_lds)      \
	EACH(LOAD)                  \
begin:                              \
	MOVQ  LDA, A                \
	IMULQ DONE, A               \
	ADDQ  tile_a(T), A          \
	MOVQ  tile_b(T), B          \
	MOVQ  tile_next(T), AHEAD   \
	AT(tile_c, tile_ldc)        \
	EACH(FETCH)                 \
	MOVQ  tile_step(T), STEP    \
	CMPQ  tile_fetch(T), $0     \
	JEQ   pointers              \
	CMPQ  DONE, $(4*rows)       \
	JLT   pointers              \
	MOVQ  tile_fetch(T), AHEAD  \
	MOVQ  tile_ldf(T), STEP     \
	ADDQ  STEP, tile_fetch(T)   \
	MOVQ  $16, STEP             \
pointers:                           \
	BEGIN                       \
	MOVQ  tile_k(T), K          \
	SUBQ  $8, K                 \
	JLT   four                  \
eight:                              \
	ASK((AHEAD))                \
	EVEN(0)                     \
	ODD(4)                      \
	EVEN(8)                     \
	ODD(12)                     \
	ASK((AHEAD)(STEP*1))        \
	EVEN(16)                    \
	ODD(20)                     \
	EVEN(24)                    \
	ODD(28)                     \
	ADDQ  $32, A                \
	ON(8)                       \
	LEAQ  (AHEAD)(STEP*2), AHEAD \
	ADDQ  $(8*size), B          \
	SUBQ  $8, K                 \
	JGE   eight                 \
four:                               \
	ADDQ  $4, K                 \
	JLT   tail                  \
	EVEN(0)                     \
	ODD(4)                      \
	EVEN(8)                     \
	ODD(12)                     \
	ADDQ  $16, A                \
	ON(4)                       \
	ADDQ  $(4*size), B          \
	SUBQ  $4, K                 \
tail:                               \
	ADDQ  $4, K                 \
	JEQ   sum                   \
one:                                \
	ONE(0)                      \
	ADDQ  $4, A                 \
	ON(1)                       \
	ADDQ  $size, B              \
	DECQ  K                     \
	JNE   one                   \
sum:                                \
	MOVQ  AHEAD, tile_next(T)   \
	MOVQ  tile_flags(T), FLAGS  \
	TESTQ $const_tileAdd, FLAGS    \
	JEQ   scale                 \
	AT(tile_sum, tile_lds)      \
	EACH(ADD)                   \
scale:                              \
	TESTQ $const_tileScale, FLAGS  \
	JEQ   rowScale              \
	LEAQ  tile_scale(T), P      \
	XORQ  LD, LD                \
	EACH(MUL)                   \
rowScale:                           \
	TESTQ $const_tileRowScale, FLAGS \
	JEQ   bias                  \
	MOVQ  tile_rowScale(T), P   \
	LEAQ  (P)(DONE*4), P        \
	MOVQ  $4, LD                \
	EACH(MUL)                   \
bias:                               \
	TESTQ $const_tileBias, FLAGS   \
	JEQ   residual              \
	MOVQ  tile_bias(T), P       \
	XORQ  LD, LD                \
	EACH(ADD)                   \
residual:                           \
	TESTQ $const_tileResidual, FLAGS \
	JEQ   store                 \
	AT(tile_residual, tile_ldr) \
	EACH(ADD)                   \
store:                              \
	AT(tile_c, tile_ldc)        \
	EACH(STORE)                 \
	ADDQ  $rows, DONE           \
	DECQ  COUNT                 \
	JNE   tile                  \
	RET

// TILE is a routine of the Set: columns of tiles, which HIGH computes, and LOW those below.
#define TILE(name, HIGH, LOW) \
TEXT name(SB), NOSPLIT, $0-8        \
	MOVQ  t+0(FP), T            \
	MOVQ  tile_lda(T), LDA      \
	LEAQ  (LDA)(LDA*2), LDA3    \
	LEAQ  (LDA)(LDA*4), LDA5    \
	MOVQ  tile_panel(T), PANEL  \
	LEAQ  (PANEL)(PANEL*2), PANEL3 \
column:                             \
	MOVQ  tile_count(T), COUNT  \
	XORQ  DONE, DONE            \
	CALL  HIGH<>(SB)            \
	MOVQ  tile_below(T), COUNT  \
	TESTQ COUNT, COUNT          \
	JEQ   done                  \
	CALL  LOW<>(SB)             \
done:                               \
	SUBQ  $1, tile_across(T)    \
	JGT   beside                \
	VZEROUPPER                  \
	RET                         \
beside:                             \
	MOVQ  tile_besideB(T), LD   \
	ADDQ  LD, tile_b(T)         \
	MOVQ  tile_after(T), AHEAD  \
	CMPQ  tile_across(T), $1    \
	CMOVQGT tile_ahead(T), AHEAD \
	ADDQ  LD, tile_ahead(T)     \
	MOVQ  AHEAD, tile_next(T)   \
	MOVQ  tile_besideSum(T), LD \
	ADDQ  LD, tile_sum(T)       \
	MOVQ  tile_besideC(T), LD   \
	ADDQ  LD, tile_c(T)         \
	MOVQ  tile_flags(T), FLAGS  \
	MOVQ  tile_beside(T), LD    \
	TESTQ $const_tileBias, FLAGS   \
	JEQ   columnResidual        \
	ADDQ  LD, tile_bias(T)      \
columnResidual:                     \
	TESTQ $const_tileResidual, FLAGS \
	JEQ   column                \
	ADDQ  LD, tile_residual(T)  \
	JMP   column

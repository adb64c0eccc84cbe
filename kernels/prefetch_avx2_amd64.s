//go:build !purego

#include "textflag.h"

// func prefetchAVX2(at, stride uintptr, streams, lines int)
//
//	for line in 0..lines-1:
//	    for s in 0..streams-1: prefetch at + s·stride + 64·line

#define P      SI // a line of stream 0
#define Q      DI // the same of another stream
#define STRIDE DX
#define LINES  CX
#define LEFT   AX

TEXT ·prefetchAVX2(SB), NOSPLIT, $0-32
	MOVQ  at+0(FP), P
	MOVQ  stride+8(FP), STRIDE
	MOVQ  lines+24(FP), LINES
line:
	MOVQ  P, Q
	MOVQ  streams+16(FP), LEFT
stream:
	PREFETCHT0 (Q)
	ADDQ  STRIDE, Q
	DECQ  LEFT
	JNE   stream
	ADDQ  $64, P
	DECQ  LINES
	JNE   line
	RET

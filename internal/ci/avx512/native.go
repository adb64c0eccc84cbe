//go:build linux && amd64

package main

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call runs machine code that this process has made: DI, SI, DX = dst, a, b.
//
//go:noescape
func call(code uintptr, dst, a, b unsafe.Pointer)

// ymmOffset returns where the upper halves of the YMM registers lie in the area of XSAVE.
func ymmOffset() uint32

// natives are routines of machine code, each for one instruction on operands in memory. The processor itself thereby does
// the arithmetic of what is emulated: 512 bits in two halves, by the VEX form of the same instruction.
type natives struct {
	arena []byte // not yet used
	known map[string]uintptr
}

func newNatives() (*natives, error) {
	arena, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("memory for machine code: %w", err)
	}
	return &natives{arena, map[string]uintptr{}}, nil
}

// add returns the address of the code, which it has once.
func (n *natives) add(code []byte) uintptr {
	if at, ok := n.known[string(code)]; ok {
		return at
	}
	at := uintptr(unsafe.Pointer(&n.arena[0]))
	copy(n.arena, code)
	n.arena = n.arena[len(code):]
	n.known[string(code)] = at
	return at
}

// vector returns the address of code that does the instruction on vectors: dst = op(dst, a, b), 32 bytes of dst at a time.
func (n *natives) vector(in *instr) uintptr {
	const dst, a, b = 0, 1, 2 // the YMM registers
	reg, v := byte(dst), byte(a)
	switch in.operands {
	case two:
		v = dst
	case shift:
		reg, v = in.modrm>>3&7, dst
	}
	const long = 1 // 256 bits, also for 128: the rest is not used
	var code []byte
	for i := range max(in.length/32, 1) {
		code = append(code,
			0xc5, 0xfe, 0x6f, 0x47, byte(32*i), // VMOVDQU 32·i(DI), Y0
			0xc5, 0xfe, 0x6f, 0x4e, byte(32*i), // VMOVDQU 32·i(SI), Y1
			0xc5, 0xfe, 0x6f, 0x52, byte(32*i>>-in.inMemoryBytes), // VMOVDQU ...(DX), Y2: a part of b if it is narrower
			0xc4, 0xe0|in.opmap, in.w<<7|(v^15)<<3|long<<2|in.pp, in.opcode, 0xc0|reg<<3|b)
		if in.immBytes == 1 {
			code = append(code, byte(in.immediate))
		}
		code = append(code, 0xc5, 0xfe, 0x7f, 0x47, byte(32*i)) // VMOVDQU Y0, 32·i(DI)
	}
	return n.add(append(code, 0xc5, 0xf8, 0x77, 0xc3)) // VZEROUPPER; RET
}

// An integers holds the operands of an instruction on general registers: the one that ModRM's r/m names, the one that its
// reg names, that of VEX, and the flags.
type integers struct{ rm, reg, v, flags uint64 }

// integer returns the address of code that does the instruction on an integers.
func (n *natives) integer(in *instr) uintptr {
	const rm, reg, v = 0, 1, 2 // AX, CX, DX
	modrm := 0xc0 | byte(reg<<3|rm)
	if in.group {
		modrm = 0xc0 | in.modrm&0x38 | rm
	}
	code := []byte{
		0x48, 0x8b, 0x07, // MOVQ (DI), AX
		0x48, 0x8b, 0x4f, 8, // MOVQ 8(DI), CX
		0x48, 0x8b, 0x57, 16, // MOVQ 16(DI), DX
		0xff, 0x77, 24, // PUSHQ 24(DI)
		0x9d, // POPFQ
	}
	switch {
	case in.encoding == vex:
		code = append(code, 0xc4, 0xe0|in.opmap, in.w<<7|(v^15)<<3|in.pp)
	case in.opmap == 1:
		code = append(code, 0x40|in.w<<3, 0x0f)
	default:
		code = append(code, 0x40|in.w<<3)
	}
	code = append(code, in.opcode, modrm)
	for i := range in.immBytes {
		code = append(code, byte(in.immediate>>(8*i)))
	}
	return n.add(append(code,
		0x9c,           // PUSHFQ
		0x8f, 0x47, 24, // POPQ 24(DI)
		0x48, 0x89, 0x07, // MOVQ AX, (DI)
		0x48, 0x89, 0x4f, 8, // MOVQ CX, 8(DI)
		0xc3)) // RET
}

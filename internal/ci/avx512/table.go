//go:build linux && amd64

package main

import "strings"

// An op is an instruction that is emulated.
type op struct {
	name string
	// code is the instruction in the notation of Intel's manual: the prefix, the map and W (none of them for those on general
	// registers, WIG where W says nothing or the size of integers), the opcode, and /n for the n that ModRM's reg has.
	code     string
	exec     func(*machine, *instr) error
	operands operands

	// Of vectors:
	elem          int // bytes of an element, as masks and broadcasts count them
	inMemoryBytes int // of an operand in memory: so many, or the vector's >> -n
	does          action
	broadcasts    bool // one element in memory for all may be an operand
	aligned       bool // memory must be
	stores        bool // r/m is the destination

	// Of general registers:
	result result
	group  bool // ModRM's reg is no operand

	noModRM  bool
	immBytes int
}

type operands int

const (
	three   operands = iota // dst, a (vvvv), b (r/m); dst is read too, by what accumulates
	two                     // dst, b
	shift                   // dst (vvvv), b, immediate
	general                 // general registers
	masks                   // mask registers
	upper                   // VZEROUPPER
)

// result says where an instruction on general registers writes.
type result int

const (
	nowhere result = iota
	toRM
	toReg
)

const full, half, quarter = 0, -1, -2 // bytes in memory, as parts of the vector

// What is done with vectors.
type action int

const (
	arithmetic action = iota // dst = op(dst, a, b), by the processor
	compare                  // the same, but in EVEX dst is a mask register
	signs                    // the mask register dst = the greatest bit of each element of b
	move                     // dst = b
	extract                  // dst = a part of b
	splat                    // dst = b in every place
	blend                    // dst = b where the mask selects, otherwise a
	permute                  // dst = those elements of b that a tells
)

func ternary(name, code string) op {
	return op{name: name, code: code, exec: vectorOp, elem: 4, broadcasts: true}
}

// unary is arithmetic without a; what b has in memory is a part of dst's size.
func unary(name, code string, part int) op {
	return op{name: name, code: code, exec: vectorOp, operands: two, elem: 4, inMemoryBytes: part, broadcasts: part == full}
}

func moves(name, code string, stores, aligned bool) op {
	return op{name: name, code: code, exec: vectorOp, does: move, operands: two, elem: 4, stores: stores, aligned: aligned}
}

func integer(name, code string, to result, immBytes int) op {
	return op{name: name, code: code, exec: integerOp, operands: general, result: to, immBytes: immBytes}
}

// ops are the instructions that the routines of AVX-512 use, and those between them. The latter the processor knows: what is
// missing there runs natively and costs two switches between the processes.
var ops = []op{
	ternary("vaddps", "NP.0F.W0 58"),
	ternary("vsubps", "NP.0F.W0 5C"),
	ternary("vmulps", "NP.0F.W0 59"),
	ternary("vdivps", "NP.0F.W0 5E"),
	ternary("vmaxps", "NP.0F.W0 5F"),
	ternary("vminps", "NP.0F.W0 5D"),
	ternary("vandps", "NP.0F.W0 54"),
	ternary("vorps", "NP.0F.W0 56"),
	ternary("vxorps", "NP.0F.W0 57"),
	ternary("vpxord", "66.0F.W0 EF"),
	ternary("vpaddd", "66.0F.W0 FE"),
	ternary("vfmadd132ps", "66.0F38.W0 98"),
	ternary("vfmadd213ps", "66.0F38.W0 A8"),
	ternary("vfmadd231ps", "66.0F38.W0 B8"),
	ternary("vfnmadd213ps", "66.0F38.W0 AC"),
	ternary("vfnmadd231ps", "66.0F38.W0 BC"),
	ternary("vfnmsub231ps", "66.0F38.W0 BE"),
	ternary("vpmaxud", "66.0F38.W0 3F"),
	ternary("vpminud", "66.0F38.W0 3B"),
	{name: "vpslld", code: "66.0F.W0 72 /6", exec: vectorOp, operands: shift, elem: 4, broadcasts: true, immBytes: 1},
	{name: "vpsrad", code: "66.0F.W0 72 /4", exec: vectorOp, operands: shift, elem: 4, broadcasts: true, immBytes: 1},
	{name: "vcmpps", code: "NP.0F.W0 C2", exec: vectorOp, does: compare, elem: 4, broadcasts: true, immBytes: 1},
	{name: "vpcmpeqd", code: "66.0F.W0 76", exec: vectorOp, does: compare, elem: 4, broadcasts: true},
	{name: "vblendmps", code: "66.0F38.W0 65", exec: vectorOp, does: blend, elem: 4, broadcasts: true},
	unary("vcvtdq2ps", "NP.0F.W0 5B", full),
	unary("vpmovsxbd", "66.0F38.WIG 21", quarter),
	unary("vpmovzxwd", "66.0F38.WIG 33", half),
	unary("vcvtph2ps", "66.0F38.W0 13", half),
	{name: "vpermw", code: "66.0F38.W1 8D", exec: vectorOp, does: permute, elem: 2},
	moves("vmovups", "NP.0F.W0 10", false, false),
	moves("vmovups", "NP.0F.W0 11", true, false),
	moves("vmovaps", "NP.0F.W0 28", false, true),
	moves("vmovaps", "NP.0F.W0 29", true, true),
	{name: "vbroadcastss", code: "66.0F38.W0 18", exec: vectorOp, does: splat, operands: two, elem: 4, inMemoryBytes: 4},
	{name: "vpmovd2m", code: "F3.0F38.W0 39", exec: vectorOp, does: signs, operands: two, elem: 4},
	{name: "vextractf64x4", code: "66.0F3A.W1 1B", exec: vectorOp, does: extract, operands: two, elem: 8, inMemoryBytes: 32,
		stores: true, immBytes: 1},
	{name: "vzeroupper", code: "NP.0F.W0 77", exec: zeroUpper, operands: upper, noModRM: true},

	{name: "kmovw", code: "NP.0F.W0 92", exec: maskOp, operands: masks},
	{name: "kmovd", code: "F2.0F.W0 92", exec: maskOp, operands: masks},
	{name: "kxnorw", code: "NP.0F.W0 46", exec: maskOp, operands: masks},
	{name: "kortestw", code: "NP.0F.W0 98", exec: maskOp, operands: masks},

	integer("mov", "89", toRM, 0),
	integer("mov", "8B", toReg, 0),
	integer("mov", "C7 /0", toRM, 4),
	integer("add", "01", toRM, 0),
	integer("add", "03", toReg, 0),
	integer("add", "81 /0", toRM, 4),
	integer("add", "83 /0", toRM, 1),
	integer("sub", "29", toRM, 0),
	integer("sub", "2B", toReg, 0),
	integer("sub", "81 /5", toRM, 4),
	integer("sub", "83 /5", toRM, 1),
	integer("xor", "31", toRM, 0),
	integer("xor", "33", toReg, 0),
	integer("cmp", "39", nowhere, 0),
	integer("cmp", "3B", nowhere, 0),
	integer("cmp", "81 /7", nowhere, 4),
	integer("cmp", "83 /7", nowhere, 1),
	integer("test", "85", nowhere, 0),
	integer("test", "F7 /0", nowhere, 4),
	integer("inc", "FF /0", toRM, 0),
	integer("dec", "FF /1", toRM, 0),
	integer("shl", "C1 /4", toRM, 1),
	integer("shr", "C1 /5", toRM, 1),
	integer("shr", "D1 /5", toRM, 0),
	integer("imul", "69", toReg, 4),
	integer("imul", "6B", toReg, 1),
	integer("imul", "0F AF", toReg, 0),
	integer("bzhi", "NP.0F38.WIG F5", toReg, 0),
	{name: "lea", code: "8D", exec: lea, operands: general},
	{name: "prefetch", code: "0F 18", exec: nop, operands: general},
	{name: "nop", code: "0F 1F", exec: nop, operands: general},
	{name: "jmp", code: "EB", exec: jump, operands: general, noModRM: true, immBytes: 1},
	{name: "jmp", code: "E9", exec: jump, operands: general, noModRM: true, immBytes: 4},
	{name: "jcc", code: "70+cc", exec: branch, operands: general, noModRM: true, immBytes: 1},
	{name: "jcc", code: "0F 80+cc", exec: branch, operands: general, noModRM: true, immBytes: 4},
}

// index finds an op by its code.
var index = func() map[string]*op {
	index := map[string]*op{}
	for i := range ops {
		o := &ops[i]
		o.group = strings.Contains(o.code, " /")
		index[o.code] = o
	}
	return index
}()

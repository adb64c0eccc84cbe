//go:build linux && amd64

package main

import (
	"encoding/binary"
	"fmt"
)

// An encoding is one of the three forms of an instruction.
type encoding int

const (
	legacy encoding = iota // REX or nothing before the opcode
	vex
	evex
)

// An instr is a decoded instruction; Intel's manual, volume 2, chapter 2 has the fields.
type instr struct {
	addr, next uint64
	*op        // nil: none that is known
	encoding   encoding

	opmap, pp, opcode, w, modrm byte

	length    int // of a vector: 16, 32 or 64 bytes
	reg, v    int // the register operands of ModRM's reg and of vvvv
	rm        int // that of ModRM's r/m, unless it is in memory
	inMemory  bool
	address   address
	mask      int // 0: no mask
	zeroing   bool
	broadcast bool // EVEX.b: one element of memory for all
	immediate int64

	code  uintptr // what does it natively, see natives
	after *instr  // the instruction that followed last time
}

// An address is disp + base + index·2^scale; a register below 0 is none.
type address struct {
	base, index int
	scale       byte
	disp        int64
}

// avx512 tells whether a processor without AVX-512 stops at the instruction: it has EVEX, or mask registers.
func (in *instr) avx512() bool {
	return in.encoding == evex || in.encoding == vex &&
		(in.opmap == 1 && (in.opcode >= 0x41 && in.opcode <= 0x4b || in.opcode >= 0x90 && in.opcode <= 0x99) ||
			in.opmap == 3 && in.opcode >= 0x30 && in.opcode <= 0x33)
}

// errShort says that an instruction goes on where the bytes end.
var errShort = fmt.Errorf("no whole instruction")

// decode reads the instruction that code begins with. An instruction that is not known has no op, and no other fields than
// those of its prefixes.
func decode(code []byte, addr uint64) (in *instr, err error) {
	defer func() {
		if recover() != nil { // an index beyond the bytes
			in, err = nil, errShort
		}
	}()
	in = &instr{addr: addr}
	var r, x, b, r2, v2 byte // the bits that extend numbers of registers
	at := 0
	switch p := code; {
	case p[0] == 0x62:
		in.encoding = evex
		r, x, b, r2, in.opmap = ^p[1]>>7, ^p[1]>>6&1, ^p[1]>>5&1, ^p[1]>>4&1, p[1]&7
		in.w, in.v, in.pp = p[2]>>7, int(^p[2]>>3&15), p[2]&3
		in.zeroing, in.length, in.broadcast = p[3]>>7 == 1, 16<<(p[3]>>5&3), p[3]>>4&1 == 1
		v2, in.mask = ^p[3]>>3&1, int(p[3]&7)
		at = 4
	case p[0] == 0xc4:
		in.encoding = vex
		r, x, b, in.opmap = ^p[1]>>7, ^p[1]>>6&1, ^p[1]>>5&1, p[1]&31
		in.w, in.v, in.length, in.pp = p[2]>>7, int(^p[2]>>3&15), 16<<(p[2]>>2&1), p[2]&3
		at = 3
	case p[0] == 0xc5:
		in.encoding = vex
		r, in.opmap = ^p[1]>>7, 1
		in.v, in.length, in.pp = int(^p[1]>>3&15), 16<<(p[1]>>2&1), p[1]&3
		at = 2
	case p[0]&0xf0 == 0x40:
		in.w, r, x, b = p[0]>>3&1, p[0]>>2&1, p[0]>>1&1, p[0]&1
		at = 1
	}
	in.opcode = code[at]
	at++
	if in.encoding == legacy && in.opcode == 0x0f {
		in.opmap, in.opcode = 1, code[at]
		at++
	}
	if at < len(code) {
		in.modrm = code[at]
	}
	if in.op = in.lookup(); in.op == nil {
		return in, nil
	}
	if in.noModRM {
		in.reg = int(in.opcode&7 | b<<3)
	} else {
		_ = code[at] // it must be there
		at++
		in.reg = int(in.modrm>>3&7 | r<<3 | r2<<4)
		in.v |= int(v2) << 4
		if in.operands == shift {
			in.reg, in.v = in.v, 0
		}
		in.rm = int(in.modrm&7 | b<<3)
		if in.inMemory = in.modrm>>6 != 3; in.inMemory {
			at += in.memory(code[at:], x, b)
		} else if in.encoding == evex {
			in.rm |= int(x) << 4
		}
	}
	for i := range in.immBytes { // sign-extended
		in.immediate = in.immediate&(1<<(8*i)-1) | int64(int8(code[at]))<<(8*i)
		at++
	}
	in.next = addr + uint64(at)
	if in.inMemory && in.address.base == ripRelative {
		in.address.base = none
		in.address.disp += int64(in.next)
	}
	if !in.valid() {
		in.op = nil
		return in, nil
	}
	if in.does == extract { // the immediate numbers parts; make it the bytes before
		n := in.inMemoryBytes
		in.immediate, in.length = in.immediate&int64(in.length/n-1)*int64(n), n
	}
	if in.stores && !in.inMemory {
		in.reg, in.rm = in.rm, in.reg
	}
	return in, nil
}

const (
	none        = -1
	ripRelative = -2
)

// memory decodes the address of an operand in memory from what follows ModRM, and returns how many bytes that is.
func (in *instr) memory(code []byte, x, b byte) int {
	mod, rm := in.modrm>>6, in.modrm&7
	at := 0
	a := address{base: int(rm | b<<3), index: none}
	if rm == 4 { // SIB
		sib := code[0]
		at = 1
		a.base, a.scale = int(sib&7|b<<3), sib>>6
		if index := int(sib>>3&7 | x<<3); index != 4 {
			a.index = index
		}
		if mod == 0 && sib&7 == 5 {
			mod, a.base = 2, none
		}
	} else if mod == 0 && rm == 5 {
		mod, a.base = 2, ripRelative
	}
	switch mod {
	case 1:
		a.disp = int64(int8(code[at]))
		if in.encoding == evex {
			a.disp *= int64(in.memoryBytes()) // disp8*N
		}
		at++
	case 2:
		a.disp = int64(int32(binary.LittleEndian.Uint32(code[at:])))
		at += 4
	}
	in.address = a
	return at
}

// memoryBytes returns how many bytes of memory the instruction reads or writes without a mask.
func (in *instr) memoryBytes() int {
	switch {
	case in.broadcast:
		return in.elem
	case in.inMemoryBytes > 0:
		return in.inMemoryBytes
	}
	return in.length >> -in.inMemoryBytes
}

// notation returns the instruction as the table of ops has it, with the given word for W.
func (in *instr) notation(w string) string {
	code := fmt.Sprintf("%02X", in.opcode)
	opmap := [...]string{"", "0F", "0F38", "0F3A", "map4", "map5", "map6", "map7"}[in.opmap&7]
	switch {
	case in.encoding != legacy:
		return [...]string{"NP", "66", "F3", "F2"}[in.pp] + "." + opmap + "." + w + " " + code
	case in.opmap == 1:
		return "0F " + code
	}
	return code
}

// lookup returns the op of the instruction; nil for none.
func (in *instr) lookup() *op {
	for _, w := range []string{fmt.Sprint("W", in.w), "WIG"} {
		code := in.notation(w)
		for _, code := range []string{code, fmt.Sprint(code, " /", in.modrm>>3&7), code[:len(code)-1] + "0+cc"} {
			if o := index[code]; o != nil {
				return o
			}
		}
	}
	return nil
}

// valid tells whether the fields of the prefix are such as the instruction knows, and emulation too: no rounding in the
// instruction, no mask where none may be.
func (in *instr) valid() bool {
	switch in.operands {
	case general:
		return in.encoding != evex
	case masks, upper:
		return in.encoding == vex && !in.inMemory
	}
	switch {
	case in.encoding == legacy, in.length > 64, in.operands == two && in.v != 0:
		return false
	case in.broadcast && !(in.inMemory && in.broadcasts):
		return false
	case in.does == signs && (in.mask > 0 || in.inMemory), in.zeroing && (in.mask == 0 || in.stores && in.inMemory):
		return false
	}
	return true
}

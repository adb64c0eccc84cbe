//go:build linux && amd64

package main

import (
	"fmt"
	"math/bits"
	"unsafe"
)

// A vector is a register of 512 bits, the low ones first.
type vector [64]byte

// A machine is the state of a thread as far as it is emulated, and scratch space.
type machine struct {
	z          [32]vector
	k          [8]uint64
	gpr        [16]uint64
	rip, flags uint64
	mem        *memory
	program    *program

	operand, out vector
	integers     integers
}

// A fault is an access that the processor would not do.
type fault struct{ addr uint64 }

func (f *fault) Error() string { return fmt.Sprintf("fault at address %#x", f.addr) }

// A program decodes the code of a process, which does not change.
type program struct {
	mem      *memory
	natives  *natives
	decoded  map[uint64]*instr
	codeByte [15]byte // the longest instruction
}

// at returns the instruction at an address.
func (p *program) at(addr uint64) (*instr, error) {
	if in := p.decoded[addr]; in != nil {
		return in, nil
	}
	code := p.codeByte[:]
	for len(code) > 0 && p.mem.read(addr, code) != nil { // the next page may not be there
		code = code[:len(code)-1]
	}
	in, err := decode(code, addr)
	if err != nil {
		return nil, fmt.Errorf("%w at %#x", err, addr)
	}
	switch {
	case in.op == nil:
	case in.operands == general:
		in.code = p.natives.integer(in)
	case in.does == arithmetic || in.does == compare:
		in.code = p.natives.vector(in)
	}
	p.decoded[addr] = in
	return in, nil
}

// run emulates from rip on, up to an instruction that it does not know, which the processor may. It fails at a fault, and at
// the first if it is not known; rip then is that instruction. It returns how many it has emulated.
func (m *machine) run() (n int, err error) {
	in, err := m.program.at(m.rip)
	if err != nil {
		return 0, err
	}
	if in.op == nil {
		return 0, fmt.Errorf("not emulated: %s", m.program.describe(in))
	}
	for ; in.op != nil; n++ {
		m.rip = in.next
		if err := in.exec(m, in); err != nil {
			m.rip = in.addr
			return n, err
		}
		if in.after == nil || in.after.addr != m.rip {
			if in.after, err = m.program.at(m.rip); err != nil {
				return n, nil // the processor will say what is wrong there
			}
		}
		in = in.after
	}
	return n, nil
}

// describe returns what helps to find out which instruction it is.
func (p *program) describe(in *instr) string {
	code := p.codeByte[:11]
	if p.mem.read(in.addr, code) != nil {
		code = nil
	}
	form := [...]string{"", "VEX.", "EVEX."}[in.encoding]
	return fmt.Sprintf("%s%s at %#x, bytes % x", form, in.notation(fmt.Sprint("W", in.w)), in.addr, code)
}

// ea returns the effective address: that of the operand in memory.
func (m *machine) ea(in *instr) uint64 {
	addr := uint64(in.address.disp)
	if in.address.base >= 0 {
		addr += m.gpr[in.address.base]
	}
	if in.address.index >= 0 {
		addr += m.gpr[in.address.index] << in.address.scale
	}
	return addr
}

// selected returns the mask of the instruction: a bit for each element.
func (m *machine) selected(in *instr) uint64 {
	if in.mask == 0 {
		return 1<<(in.length/in.elem) - 1
	}
	return m.k[in.mask] & (1<<(in.length/in.elem) - 1)
}

// source returns the operand b. Elements in memory that the mask does not select may be missing there.
func (m *machine) source(in *instr) (*vector, error) {
	if !in.inMemory {
		return &m.z[in.rm], nil
	}
	v, addr, n := &m.operand, m.ea(in), in.memoryBytes()
	if in.aligned && addr%uint64(n) != 0 {
		return nil, &fault{}
	}
	err := m.mem.read(addr, v[:n])
	if err != nil && in.mask > 0 && !in.broadcast && in.inMemoryBytes <= 0 && in.does != permute {
		size := n * in.elem / in.length
		err = nil
		for set := m.selected(in); set != 0 && err == nil; set &= set - 1 {
			i := bits.TrailingZeros64(set) * size
			err = m.mem.read(addr+uint64(i), v[i:i+size])
		}
	}
	if in.broadcast {
		v.repeat(n)
	}
	return v, err
}

// repeat fills the vector with its first n bytes.
func (v *vector) repeat(n int) {
	for ; n < len(v); n *= 2 {
		copy(v[n:], v[:n])
	}
}

// signs returns the greatest bit of each element.
func (v *vector) signs(in *instr) uint64 {
	var set uint64
	for i := range in.length / in.elem {
		set |= uint64(v[(i+1)*in.elem-1]>>7) << i
	}
	return set
}

// vectorOp does an instruction on vectors.
func vectorOp(m *machine, in *instr) error {
	if in.stores && in.inMemory {
		return m.store(in)
	}
	b, err := m.source(in)
	if err != nil {
		return err
	}
	a, dst := &m.z[in.v], &m.z[in.reg]
	old := dst
	switch in.does {
	case arithmetic:
		if in.length == 64 && in.mask == 0 && in.inMemoryBytes == full { // no need to copy
			call(in.code, unsafe.Pointer(dst), unsafe.Pointer(a), unsafe.Pointer(b))
			return nil
		}
		m.out = *dst
		call(in.code, unsafe.Pointer(&m.out), unsafe.Pointer(a), unsafe.Pointer(b))
	case compare:
		call(in.code, unsafe.Pointer(&m.out), unsafe.Pointer(a), unsafe.Pointer(b))
		if in.encoding == evex {
			m.k[in.reg&7] = m.out.signs(in) & m.selected(in)
			return nil
		}
	case signs:
		m.k[in.reg&7] = b.signs(in)
		return nil
	case move:
		m.out = *b
	case extract:
		copy(m.out[:], b[in.immediate:][:in.length])
	case splat:
		m.out = *b
		m.out.repeat(in.inMemoryBytes)
	case blend:
		m.out, old = *b, a
	case permute:
		for i := 0; i < in.length; i += in.elem {
			from := int(a[i]) * in.elem % in.length
			copy(m.out[i:i+in.elem], b[from:])
		}
	}
	m.put(in, old)
	return nil
}

// put writes m.out to the register dst: the selected elements; the others are those of old, or 0. What is beyond the
// length of the vector becomes 0.
func (m *machine) put(in *instr, old *vector) {
	if set := m.selected(in); in.mask > 0 && set != 1<<(in.length/in.elem)-1 {
		for i := 0; i < in.length; i += in.elem {
			switch {
			case set>>(i/in.elem)&1 == 1:
			case in.zeroing:
				clear(m.out[i : i+in.elem])
			default:
				copy(m.out[i:i+in.elem], old[i:])
			}
		}
	}
	clear(m.out[in.length:])
	m.z[in.reg] = m.out
}

// store writes the selected elements of a register to memory, a run of them at a time.
func (m *machine) store(in *instr) error {
	addr, v := m.ea(in), m.z[in.reg][in.immediate:]
	if in.aligned && addr%uint64(in.length) != 0 {
		return &fault{}
	}
	for set := m.selected(in); set != 0; {
		from := bits.TrailingZeros64(set)
		to := from + bits.TrailingZeros64(^(set >> from))
		if err := m.mem.write(addr+uint64(from*in.elem), v[from*in.elem:to*in.elem]); err != nil {
			return err
		}
		set = set >> to << to
	}
	return nil
}

func zeroUpper(m *machine, _ *instr) error {
	for i := range 16 {
		clear(m.z[i][16:])
	}
	return nil
}

func maskOp(m *machine, in *instr) error {
	const word, doubleword = 1<<16 - 1, 1<<32 - 1
	switch {
	case in.opcode == 0x92 && in.pp == 3:
		m.k[in.reg] = m.gpr[in.rm] & doubleword
	case in.opcode == 0x92:
		m.k[in.reg] = m.gpr[in.rm] & word
	case in.opcode == 0x46:
		m.k[in.reg] = ^(m.k[in.v] ^ m.k[in.rm]) & word
	case in.opcode == 0x98:
		m.flags &^= statusFlags
		switch (m.k[in.reg] | m.k[in.rm]) & word {
		case 0:
			m.flags |= zeroFlag
		case word:
			m.flags |= carryFlag
		}
	}
	return nil
}

// statusFlags are carry, parity, adjust, zero, sign and overflow.
const statusFlags, carryFlag, zeroFlag = 0x8d5, 1, 1 << 6

// integerOp does an instruction on general registers, of 64 or 32 bits.
func integerOp(m *machine, in *instr) error {
	r := &m.integers
	*r = integers{0, m.gpr[in.reg&15], m.gpr[in.v], m.flags&statusFlags | 0x202}
	var addr uint64
	word := (*[8]byte)(unsafe.Pointer(&r.rm))[:4+4*in.w]
	if in.inMemory {
		addr = m.ea(in)
		if err := m.mem.read(addr, word); err != nil {
			return err
		}
	} else {
		r.rm = m.gpr[in.rm]
	}
	call(in.code, unsafe.Pointer(r), nil, nil)
	m.flags = m.flags&^statusFlags | r.flags&statusFlags
	switch {
	case in.result == toReg:
		m.gpr[in.reg] = r.reg
	case in.result == toRM && in.inMemory:
		return m.mem.write(addr, word)
	case in.result == toRM:
		m.gpr[in.rm] = r.rm
	}
	return nil
}

func lea(m *machine, in *instr) error {
	m.gpr[in.reg] = m.ea(in)
	if in.w == 0 {
		m.gpr[in.reg] &= 1<<32 - 1
	}
	return nil
}

func nop(*machine, *instr) error { return nil }

func jump(m *machine, in *instr) error {
	m.rip += uint64(in.immediate)
	return nil
}

// branch jumps on a condition, which is the low four bits of the opcode: the lowest negates it.
func branch(m *machine, in *instr) error {
	const carry, parity, zero, sign, overflow = 1 << 0, 1 << 2, 1 << 6, 1 << 7, 1 << 11
	condition := in.opcode >> 1 & 7
	is := m.flags&[...]uint64{overflow, carry, zero, carry | zero, sign, parity, 0, zero}[condition] != 0
	if condition >= 6 { // less; less or equal
		is = is || (m.flags&sign != 0) != (m.flags&overflow != 0)
	}
	if is == (in.opcode&1 == 0) {
		return jump(m, in)
	}
	return nil
}

//go:build linux && amd64

package main

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/godwit-ml/godwit/internal/cpu"
)

// A rig is a machine whose memory is this process's: a page, and one after it that may not be touched.
type rig struct {
	*machine
	t    *testing.T
	page []byte
	addr uint64 // of page
}

func newRig(t *testing.T) *rig {
	if !cpu.AVX2 {
		t.Skip("no AVX2")
	}
	natives, err := newNatives()
	if err != nil {
		t.Skip(err)
	}
	page, err := unix.Mmap(-1, 0, 2*pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(page) })
	if err := unix.Mprotect(page[pageSize:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	mem := newMemory(os.Getpid())
	r := &rig{&machine{mem: mem, program: &program{mem: mem, natives: natives}}, t, page[:pageSize:pageSize],
		uint64(uintptr(unsafe.Pointer(&page[0])))}
	if err := mem.read(r.addr, make([]byte, 1)); err != nil {
		t.Skip("process_vm_readv is not permitted here")
	}
	return r
}

// do emulates one instruction.
func (r *rig) do(code []byte) error {
	r.t.Helper()
	copy(r.page, append(code[:len(code):len(code)], 0x0f, 0x0b)) // UD2, which is not emulated
	r.mem.forget()
	r.program.decoded = map[uint64]*instr{}
	r.rip = r.addr
	n, err := r.run()
	if want := r.addr + uint64(n*len(code)); r.rip != want {
		r.t.Fatalf("% x: rip is %d bytes off, err = %v", code, int64(r.rip-want), err)
	}
	if bad := (*fault)(nil); err != nil && !errors.As(err, &bad) {
		r.t.Fatal(err)
	}
	return err
}

func (r *rig) hex(code string) error {
	r.t.Helper()
	b, err := hex.DecodeString(code)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.do(b)
}

func (v *vector) lane(i int) uint32 { return binary.LittleEndian.Uint32(v[4*i:]) }

func (v *vector) setLane(i int, x uint32) { binary.LittleEndian.PutUint32(v[4*i:], x) }

// fill gives the vector 16 numbers of every kind.
func (v *vector) fill(rng *rand.Rand) {
	edges := []uint32{0, 1 << 31, 1, 0x80000001, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f7fffff, 0x3f800000, 0xbf800000, 0x00800000}
	for i := range 16 {
		x := rng.Uint32()
		if rng.IntN(2) == 0 {
			x = edges[rng.IntN(len(edges))]
		}
		v.setLane(i, x)
	}
}

func isNaN(x uint32) bool { return x&0x7fffffff > 0x7f800000 }

// float makes an operation on numbers one on their bits.
func float(f func(a, b float32) float32) func(_, a, b uint32) uint32 {
	return func(_, a, b uint32) uint32 {
		return math.Float32bits(f(math.Float32frombits(a), math.Float32frombits(b)))
	}
}

// fma returns x·y + z rounded once.
func fma(x, y, z uint32) uint32 {
	a, b, c := math.Float32frombits(x), math.Float32frombits(y), math.Float32frombits(z)
	r := math.FMA(float64(a), float64(b), float64(c))
	if r == 0 || r-r != 0 {
		return math.Float32bits(float32(r))
	}
	num := func(f float32) *big.Float { return new(big.Float).SetPrec(700).SetFloat64(float64(f)) }
	p := num(a)
	p.Add(p.Mul(p, num(b)), num(c))
	f, _ := p.Float32()
	return math.Float32bits(f)
}

// TestArithmetic compares every instruction that computes element by element with its definition: registers, memory, one
// element of memory for all, under masks, and vectors of every length.
func TestArithmetic(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		code string // of zmm1, zmm2, zmm3
		f    func(dst, a, b uint32) uint32
	}{
		{"62f16c4858cb", float(func(a, b float32) float32 { return a + b })},
		{"62f16c485ccb", float(func(a, b float32) float32 { return a - b })},
		{"62f16c4859cb", float(func(a, b float32) float32 { return a * b })},
		{"62f16c485ecb", float(func(a, b float32) float32 { return a / b })},
		{"62f16c485fcb", float(func(a, b float32) float32 { // b if either is NaN, or both are zeros
			if a > b {
				return a
			}
			return b
		})},
		{"62f16c485dcb", float(func(a, b float32) float32 {
			if a < b {
				return a
			}
			return b
		})},
		{"62f16c4854cb", func(_, a, b uint32) uint32 { return a & b }},
		{"62f16c4856cb", func(_, a, b uint32) uint32 { return a | b }},
		{"62f16c4857cb", func(_, a, b uint32) uint32 { return a ^ b }},
		{"62f16d48efcb", func(_, a, b uint32) uint32 { return a ^ b }},
		{"62f26d4898cb", func(dst, a, b uint32) uint32 { return fma(dst, b, a) }},
		{"62f26d48a8cb", func(dst, a, b uint32) uint32 { return fma(a, dst, b) }},
		{"62f26d48accb", func(dst, a, b uint32) uint32 { return fma(a^1<<31, dst, b) }},
		{"62f26d48b8cb", func(dst, a, b uint32) uint32 { return fma(a, b, dst) }},
		{"62f26d48bccb", func(dst, a, b uint32) uint32 { return fma(a^1<<31, b, dst) }},
		{"62f26d48becb", func(dst, a, b uint32) uint32 { return fma(a^1<<31, b, dst^1<<31) }},
		{"62f16d48fecb", func(_, a, b uint32) uint32 { return a + b }},
		{"62f26d483fcb", func(_, a, b uint32) uint32 { return max(a, b) }},
		{"62f26d483bcb", func(_, a, b uint32) uint32 { return min(a, b) }},
		{"62f26d4865cb", nil}, // vblendmps, below
		{"62f17c485bcb", func(_, _, b uint32) uint32 { return math.Float32bits(float32(int32(b))) }},
		{"62f17c4810cb", func(_, _, b uint32) uint32 { return b }},
		{"62f17548" + "72e31f", func(_, _, b uint32) uint32 { return uint32(int32(b) >> 31) }}, // vpsrad zmm1, zmm3, 31
		{"62f17548" + "72f317", func(_, _, b uint32) uint32 { return b << 23 }},                // vpslld zmm1, zmm3, 23
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		for n := range 400 {
			code, _ := hex.DecodeString(c.code)
			blend := c.f == nil
			length := 16 << rng.IntN(3)
			mask := rng.IntN(8)
			zeroing := mask > 0 && n%2 == 0
			var b vector
			for i := range r.z {
				r.z[i].fill(rng)
			}
			for i := range r.k {
				r.k[i] = rng.Uint64()
			}
			r.gpr[0] = r.addr + pageSize/2
			b.fill(rng)
			code[3] = code[3]&^0x67 | byte(length/32<<5) | byte(mask)
			if zeroing {
				code[3] |= 0x80
			}
			switch n % 3 {
			case 0:
				r.z[3] = b
			case 1: // [rax]
				copy(r.page[pageSize/2:], b[:])
				code[5] &= 0x38
			case 2: // [rax]{1to16}
				copy(r.page[pageSize/2:], b[:4])
				code[5] &= 0x38
				if b.repeat(4); code[4] == 0x10 { // vmovups has no such form
					copy(r.page[pageSize/2:], b[:])
				} else {
					code[3] |= 0x10
				}
			}
			dst, a, want := r.z[1], r.z[2], vector{}
			for i := range length / 4 {
				selected := mask == 0 || r.k[mask]>>i&1 == 1
				switch {
				case !selected && zeroing:
				case !selected && blend:
					want.setLane(i, a.lane(i))
				case !selected:
					want.setLane(i, dst.lane(i))
				case blend:
					want.setLane(i, b.lane(i))
				default:
					want.setLane(i, c.f(dst.lane(i), a.lane(i), b.lane(i)))
				}
			}
			if err := r.do(code); err != nil {
				t.Fatalf("% x: %v", code, err)
			}
			for i := range 16 {
				if got, want := r.z[1].lane(i), want.lane(i); got != want && !(isNaN(got) && isNaN(want)) {
					t.Fatalf("% x: element %d of %d, selected by %b, of %08x %08x %08x: %08x, want %08x", code, i, length/4,
						r.k[mask], dst.lane(i), a.lane(i), b.lane(i), got, want)
				}
			}
		}
	}
}

// TestCompare has every predicate, on less, equal, greater and unordered.
func TestCompare(t *testing.T) {
	r := newRig(t)
	nan := math.Float32bits(float32(math.NaN()))
	for i, p := range [][2]uint32{{0, 0x3f800000}, {0x80000000, 0}, {0x3f800000, 0}, {nan, 0}} {
		r.z[0].setLane(i, p[0])
		r.z[12].setLane(i, p[1])
	}
	const less, equal, greater, unordered, all = 1, 2, 4, 8, 15
	for predicate, want := range []uint64{
		equal, less, less | equal, unordered, all - equal, all - less, all - less - equal, all - unordered,
		equal | unordered, less | unordered, less | equal | unordered, 0, less | greater, greater | equal, greater, all,
	} {
		for _, p := range []int{predicate, predicate + 16} {
			if r.do([]byte{0x62, 0xd1, 0x7c, 0x48, 0xc2, 0xec, byte(p)}); r.k[5]&15 != want { // vcmpps k5, zmm0, zmm12, p
				t.Errorf("predicate %d: %04b, want %04b", p, r.k[5]&15, want)
			}
		}
	}
	r.k[2] = 0b0110
	r.do([]byte{0x62, 0xd1, 0x7c, 0x4a, 0xc2, 0xec, 15}) // {k2}
	if r.k[5] != 0b0110 {
		t.Errorf("under a mask: %b, want 110", r.k[5])
	}
	r.z[2], r.z[3] = vector{}, vector{5: 1, 36: 1}
	if r.hex("62f16d4876cb"); r.k[1] != 0xffff&^(1<<1|1<<9) {
		t.Errorf("vpcmpeqd k1, zmm2, zmm3: %b", r.k[1])
	}
	r.z[1].setLane(15, 1)
	r.do([]byte{0xc5, 0xf4, 0xc2, 0xc9, 15}) // vcmpps ymm1, ymm1, ymm1, 15
	if r.z[1].lane(0) != 1<<32-1 || r.z[1].lane(8) != 0 || r.z[1].lane(15) != 0 {
		t.Errorf("VEX: %x, want ones in 256 bits", r.z[1])
	}
}

// TestMoves has what reads and writes other amounts than a vector.
func TestMoves(t *testing.T) {
	r := newRig(t)
	data := r.page[1024:]
	for i := range data[:256] {
		data[i] = byte(200 + i)
	}
	r.gpr[6] = r.addr + 1024
	var v vector
	check := func(what string, err error, got, want vector) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("%s: %v\n% x, want\n% x", what, err, got, want)
		}
	}
	copy(v[:], data[8:12])
	v.repeat(4)
	check("vbroadcastss zmm4, [rsi+8]", r.hex("62f27d48186602"), r.z[4], v)
	for i := range 16 {
		v.setLane(i, uint32(int32(int8(data[16+i]))))
	}
	check("vpmovsxbd zmm0, [rsi+16]", r.hex("62f27d48214601"), r.z[0], v)
	copy(r.z[0][:], data[16:32])
	check("vpmovsxbd zmm0, xmm0", r.hex("62f27d4821c0"), r.z[0], v)
	r.k[1] = 0x8001
	for i := range 16 {
		if i != 0 && i != 15 {
			v.setLane(i, 0)
		}
	}
	check("vpmovsxbd zmm0{k1}{z}, [rsi+16]", r.hex("62f27dc9214601"), r.z[0], v)
	for i := range 16 {
		v.setLane(i, uint32(data[32+2*i])|uint32(data[33+2*i])<<8)
	}
	check("vpmovzxwd zmm0, [rsi+32]", r.hex("62f27d48334601"), r.z[0], v)
	copy(r.z[0][:], data[32:64])
	check("vpmovzxwd zmm0, ymm0", r.hex("62f27d4833c0"), r.z[0], v)
	r.z[0] = vector{1: 0x3c, 3: 0xc0, 5: 0x7c, 6: 1, 31: 0x7b} // 1, -2, an infinity, 2⁻²⁴ and 57344
	v = vector{}
	for i, x := range []float32{1, -2, float32(math.Inf(1)), 0x1p-24} {
		v.setLane(i, math.Float32bits(x))
	}
	v.setLane(15, math.Float32bits(57344))
	check("vcvtph2ps zmm0, ymm0", r.hex("62f27d4813c0"), r.z[0], v)
	for i := range 32 {
		r.z[30][2*i], r.z[30][2*i+1] = byte(37*i), byte(i) // no more than five bits count
		copy(v[2*i:2*i+2], data[64+2*(37*i%32):])
	}
	check("vpermw zmm1, zmm30, [rsi+64]", r.hex("62f28d408d4e01"), r.z[1], v)
	r.k[1] = 0xaaaaaaaa
	for i := range 16 {
		clear(v[4*i : 4*i+2])
	}
	check("vpermw zmm1{k1}{z}, zmm30, [rsi+64]", r.hex("62f28dc18d4e01"), r.z[1], v)
	r.z[4] = vector(data[:64])
	r.z[5] = vector(data[64:])
	v = vector{}
	copy(v[:], data[32:64])
	check("vextractf64x4 ymm5, zmm4, 1", r.hex("62f3fd481be501"), r.z[5], v)
	check("vextractf64x4 [rsi+64], zmm4, 1", r.hex("62f3fd481b660201"), vector(data[64:]),
		vector(append(v[:32:32], data[96:128]...)))
	v = vector(data[128:])
	for _, i := range []int{0, 3, 4, 5, 15} {
		copy(v[4*i:4*i+4], r.z[4][4*i:])
	}
	r.k[1] = 1<<0 | 1<<3 | 1<<4 | 1<<5 | 1<<15
	check("vmovups [rsi+128]{k1}, zmm4", r.hex("62f17c49116602"), vector(data[128:]), v)
	v = vector{}
	for _, i := range []int{0, 3, 4, 5, 15} {
		copy(v[4*i:4*i+4], r.z[4][4*i:])
	}
	check("vmovaps zmm0{k1}{z}, zmm4", r.hex("62f17cc929e0"), r.z[0], v)

	r.gpr[11] = 0xabcd1234
	if r.hex("c4c17892db"); r.k[3] != 0x1234 {
		t.Errorf("kmovw k3, r11d: %x", r.k[3])
	}
	if r.hex("c4c17b92db"); r.k[3] != 0xabcd1234 {
		t.Errorf("kmovd k3, r11d: %x", r.k[3])
	}
	r.k[3], r.k[2] = 0x1234, 0xff00
	if r.hex("c5ec46cb"); r.k[1] != 0xffff&^(0xff00^0x1234) {
		t.Errorf("kxnorw k1, k2, k3: %x", r.k[1])
	}
	for _, c := range []struct{ k2, k3, flags uint64 }{{0, 0x10000, zeroFlag}, {0xff00, 0xff, carryFlag}, {1, 0xff00, 0}} {
		r.k[2], r.k[3] = c.k2, c.k3
		if r.hex("c5f898d3"); r.flags&statusFlags != c.flags {
			t.Errorf("kortestw %x, %x: flags %x, want %x", c.k2, c.k3, r.flags&statusFlags, c.flags)
		}
	}
	r.z[16] = vector{3: 0x80, 11: 0xff, 63: 0x90}
	if r.hex("62b27e4839e8"); r.k[5] != 1<<0|1<<2|1<<15 {
		t.Errorf("vpmovd2m k5, zmm16: %b", r.k[5])
	}
}

// TestVEX has the instructions of AVX, which clear what is beyond their vector.
func TestVEX(t *testing.T) {
	r := newRig(t)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range r.z {
		r.z[i].fill(rng)
	}
	before := r.z
	want := vector{}
	copy(want[:], before[3][:32])
	if r.hex("c5fc28cb"); r.z[1] != want {
		t.Errorf("vmovaps ymm1, ymm3: % x, want % x", r.z[1], want)
	}
	clear(want[16:])
	if r.hex("c5f828cb"); r.z[1] != want {
		t.Errorf("vmovaps xmm1, xmm3: % x, want % x", r.z[1], want)
	}
	r.hex("c5f877")
	before[1] = want
	for i, z := range r.z {
		want := before[i]
		if i < 16 {
			clear(want[16:])
		}
		if z != want {
			t.Errorf("vzeroupper: zmm%d = % x, want % x", i, z, want)
		}
	}
}

// TestFaults has accesses beyond the end of memory: what a mask leaves out is not touched.
func TestFaults(t *testing.T) {
	r := newRig(t)
	end := r.addr + pageSize
	r.k[1] = 0x1f
	for _, c := range []struct {
		text, code string
		at         uint64
		fault      int64 // its address less end, or -1: none
	}{
		{"vmovups zmm1, [rax]", "62f17c481008", end - 64, -1},
		{"vmovups zmm1, [rax]", "62f17c481008", end - 60, 0},
		{"vmovups zmm1{k1}{z}, [rax]", "62f17cc91008", end - 20, -1},
		{"vmovups zmm1{k1}{z}, [rax]", "62f17cc91008", end - 16, 0},
		{"vmovups zmm1{k1}{z}, [rax]", "62f17cc91008", end, 0},
		{"vmovups [rax]{k1}, zmm1", "62f17c491108", end - 20, -1},
		{"vmovups [rax]{k1}, zmm1", "62f17c491108", end - 16, 0},
		{"vaddps zmm1, zmm1, [rax]{1to16}", "62f174585808", end - 4, -1},
		{"vaddps zmm1, zmm1, [rax]{1to16}", "62f174585808", end, 0},
		{"vpmovsxbd zmm0{k1}{z}, [rax]", "62f27dc92100", end - 5, -1},
		{"vpmovsxbd zmm0{k1}{z}, [rax]", "62f27dc92100", end - 4, 0},
		{"vpermw zmm1{k1}{z}, zmm2, [rax]", "62f2edc98d08", end - 64, -1},
		{"vpermw zmm1{k1}{z}, zmm2, [rax]", "62f2edc98d08", end - 32, 0},
		{"vbroadcastss zmm0, [rax]", "62f27d481800", end - 4, -1},
		{"vmovaps zmm1, [rax]", "62f17c482808", end - 128, -1},
		{"vmovaps zmm1, [rax]", "62f17c482808", end - 96, -int64(end)}, // no address is told
		{"vmovaps [rax], zmm1", "62f17c482908", end - 96, -int64(end)},
		{"mov rcx, [rax]", "488b08", end, 0},
	} {
		r.gpr[0] = c.at
		for i := range r.page[1024:] {
			r.page[1024+i] = byte(i)
		}
		var bad *fault
		err := r.hex(c.code)
		switch {
		case c.fault == -1 && err != nil:
			t.Errorf("%s at end%+d: %v", c.text, int64(c.at-end), err)
		case c.fault != -1 && (!errors.As(err, &bad) || bad.addr != end+uint64(c.fault)):
			t.Errorf("%s at end%+d: %v, want a fault at %#x", c.text, int64(c.at-end), err, end+uint64(c.fault))
		}
	}
}

// TestConditions compares the conditions of jumps with the processor's, for all flags.
func TestConditions(t *testing.T) {
	r := newRig(t)
	for condition := range byte(16) {
		// PUSHQ 24(DI); POPFQ; SETcc (DI); RET
		code := r.program.natives.add([]byte{0xff, 0x77, 24, 0x9d, 0x0f, 0x90 | condition, 0x07, 0xc3})
		for flags := range uint64(1 << 12) {
			if flags&^statusFlags != 0 {
				continue
			}
			native := integers{flags: flags | 0x202}
			call(code, unsafe.Pointer(&native), nil, nil)
			r.flags, r.rip = flags, 0
			_ = branch(r.machine, &instr{opcode: 0x70 | condition, immediate: 1})
			if r.rip != native.rm {
				t.Fatalf("condition %x, flags %#x: %d, the processor says %d", condition, flags, r.rip, native.rm)
			}
		}
	}
}

// TestIntegers has an instruction on general registers of each form.
func TestIntegers(t *testing.T) {
	r := newRig(t)
	const carry, zero = 1, 0x40
	r.page[1024] = 5
	for _, c := range []struct {
		text, code string
		want       uint64 // of rax, which is 7 before, with rcx = 1<<32 + 9 and r9 = the address of a 5
		flags      uint64 // of carry and zero
	}{
		{"mov rax, rcx", "4889c8", 1<<32 + 9, 0},
		{"mov eax, ecx", "89c8", 9, 0},
		{"mov rax, [r9]", "498b01", 5, 0},
		{"mov rax, -1", "48c7c0ffffffff", 1<<64 - 1, 0},
		{"add rax, rcx", "4801c8", 1<<32 + 16, 0},
		{"add rax, [r9]", "490301", 12, 0},
		{"add rax, -7", "4883c0f9", 0, carry | zero},
		{"sub rax, rcx", "4829c8", 1<<64 + 7 - (1<<32 + 9), carry},
		{"sub eax, 7", "83e807", 0, zero},
		{"xor eax, eax", "31c0", 0, zero},
		{"cmp rax, 7", "4883f807", 7, zero},
		{"cmp rax, rcx", "4839c8", 7, carry},
		{"test rax, 8", "48f7c008000000", 7, zero},
		{"dec rax", "48ffc8", 6, 0},
		{"shl rax, 62", "48c1e03e", 3 << 62, carry},
		{"shr rax, 1", "48d1e8", 3, carry},
		{"imul rax, rcx", "480fafc1", 7 * (1<<32 + 9), 0},
		{"imul rax, rcx, 100", "486bc164", 100 * (1<<32 + 9), 0},
		{"bzhi rax, rax, rcx (9)", "c4e2f0f5c0", 7, 0},
		{"lea rax, [rax+rcx*2-1]", "488d4448ff", 7 + 2*(1<<32+9) - 1, 0},
		{"lea eax, [rax+rcx*2-1]", "8d4448ff", 24, 0},
	} {
		r.gpr[0], r.gpr[1], r.gpr[9], r.flags = 7, 1<<32+9, r.addr+1024, 0
		if err := r.hex(c.code); err != nil || r.gpr[0] != c.want || r.flags&(carry|zero) != c.flags {
			t.Errorf("%s: %#x, flags %#x, %v, want %#x, %#x", c.text, r.gpr[0], r.flags, err, c.want, c.flags)
		}
	}
	r.gpr[0] = 1 << 40
	if r.hex("490101"); binary.LittleEndian.Uint64(r.page[1024:]) != 1<<40+5 {
		t.Errorf("add [r9], rax: % x", r.page[1024:1032])
	}
}

//go:build linux && amd64

package main

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// operandText writes what decode has found: dst, a, b and the immediate, with the prefix's attributes.
func operandText(in *instr) string {
	if in.op == nil {
		return "unknown"
	}
	text := fmt.Sprintf("%s %d: %d %d", in.name, in.length, in.reg, in.v)
	if in.inMemory {
		text += fmt.Sprintf(" [%d+%d<<%d%+d]", in.address.base, in.address.index, in.address.scale, in.address.disp)
	} else {
		text += fmt.Sprint(" ", in.rm)
	}
	if in.broadcast {
		text += fmt.Sprintf("{1to%d}", in.length/in.elem)
	}
	if in.mask > 0 {
		text += fmt.Sprintf("{k%d}", in.mask)
	}
	if in.zeroing {
		text += "{z}"
	}
	return fmt.Sprintf("%s %d", text, in.immediate)
}

// TestDecode has instructions as GNU's assembler encodes them.
func TestDecode(t *testing.T) {
	const at = 0x1000
	for _, c := range []struct{ code, text, want string }{
		{"62f16c4858cb", "vaddps zmm1, zmm2, zmm3", "vaddps 64: 1 2 3 0"},
		{"62416c4358f9", "vaddps zmm31{k3}, zmm18, zmm9", "vaddps 64: 31 18 9{k3} 0"},
		{"62f16ccf584801", "vaddps zmm1{k7}{z}, zmm2, [rax+0x40]", "vaddps 64: 1 2 [0+-1<<0+64]{k7}{z} 0"},
		{"62f16c485848fe", "vaddps zmm1, zmm2, [rax-0x80]", "vaddps 64: 1 2 [0+-1<<0-128] 0"},
		{"62f16c48588841000000", "vaddps zmm1, zmm2, [rax+0x41]", "vaddps 64: 1 2 [0+-1<<0+65] 0"},
		{"62916c58584c8ffe", "vaddps zmm1, zmm2, [r15+r9*4-8]{1to16}", "vaddps 64: 1 2 [15+9<<2-8]{1to16} 0"},
		{"62e16c28584c2401", "vaddps ymm17, ymm2, [rsp+0x20]", "vaddps 32: 17 2 [4+-1<<0+32] 0"},
		{"62d16c18584d00", "vaddps xmm1, xmm2, [r13]{1to4}", "vaddps 16: 1 2 [13+-1<<0+0]{1to4} 0"},
		{"c5ec584ccd7f", "vaddps ymm1, ymm2, [rbp+rcx*8+0x7f]", "vaddps 32: 1 2 [5+1<<3+127] 0"},
		{"62e27d48182500010000", "vbroadcastss zmm20, [rip+0x100]", "vbroadcastss 64: 20 0 [-1+-1<<0+4362] 0"},
		{"62c27d481864247f", "vbroadcastss zmm20, [r12+0x1fc]", "vbroadcastss 64: 20 0 [12+-1<<0+508] 0"},
		{"62f27dc9214601", "vpmovsxbd zmm0{k1}{z}, [rsi+0x10]", "vpmovsxbd 64: 0 0 [6+-1<<0+16]{k1}{z} 0"},
		{"62027d48334c2c01", "vpmovzxwd zmm25, [r12+r13+0x20]", "vpmovzxwd 64: 25 0 [12+13<<0+32] 0"},
		{"62f28dc18d4e01", "vpermw zmm1{k1}{z}, zmm30, [rsi+0x40]", "vpermw 64: 1 30 [6+-1<<0+64]{k1}{z} 0"},
		{"62f27d48134601", "vcvtph2ps zmm0, [rsi+0x20]", "vcvtph2ps 64: 0 0 [6+-1<<0+32] 0"},
		{"62f3fd481b670201", "vextractf64x4 [rdi+0x40], zmm4, 1", "vextractf64x4 32: 4 0 [7+-1<<0+64] 32"},
		{"62f3fd481be501", "vextractf64x4 ymm5, zmm4, 1", "vextractf64x4 32: 5 0 4 32"},
		{"62d17c48c2ec05", "vcmpps k5, zmm0, zmm12, 5", "vcmpps 64: 5 0 12 5"},
		{"62f17c4ac22d1000000005", "vcmpps k5{k2}, zmm0, [rip+0x10], 5", "vcmpps 64: 5 0 [-1+-1<<0+4123]{k2} 5"},
		{"62f15dcd72f417", "vpslld zmm4{k5}{z}, zmm4, 23", "vpslld 64: 4 0 4{k5}{z} 23"},
		{"62f15d4872700117", "vpslld zmm4, [rax+0x40], 23", "vpslld 64: 4 0 [0+-1<<0+64] 23"},
		{"62f17c4829c4", "vmovaps zmm4, zmm0 (the form that stores)", "vmovaps 64: 4 0 0 0"},
		{"c4c17892db", "kmovw k3, r11d", "kmovw 16: 3 0 11 0"},
		{"c4c17b92db", "kmovd k3, r11d", "kmovd 16: 3 0 11 0"},
		{"c5ec46cb", "kxnorw k1, k2, k3", "kxnorw 32: 1 2 3 0"},
		{"488b442408", "mov rax, [rsp+8]", "mov 0: 0 0 [4+-1<<0+8] 0"},
		{"4f038c6c00010000", "add r9, [r12+r13*2+0x100]", "add 0: 9 0 [12+13<<1+256] 0"},
		{"7d7d", "jge", "jcc 0: 5 0 0 125"},
		{"0f8efaefffff", "jle", "jcc 0: 6 0 0 -4102"},
		{"488d047f", "lea rax, [rdi+rdi*2]", "lea 0: 0 0 [7+7<<1+0] 0"},
		{"c4c2f0f5d9", "bzhi rbx, r9, rcx", "bzhi 16: 3 1 9 0"},
		{"c5f877", "vzeroupper", "vzeroupper 16: 7 0 0 0"},
		{"62f16c1858cb", "vaddps zmm1, zmm2, zmm3, {rn-sae}", "unknown"},
		{"62f27d484cca", "vrcp14ps zmm1, zmm2", "unknown"},
		{"0f0b", "ud2", "unknown"},
	} {
		code, err := hex.DecodeString(c.code)
		if err != nil {
			t.Fatal(err)
		}
		in, err := decode(append(code, 0xcc), at)
		if err != nil || operandText(in) != c.want {
			t.Errorf("%s: %s, %v, want %s", c.text, operandText(in), err, c.want)
			continue
		}
		if in.op != nil && in.next != at+uint64(len(code)) {
			t.Errorf("%s: %d bytes, want %d", c.text, in.next-at, len(code))
		}
		if avx512 := strings.HasPrefix(c.code, "62") || c.text[0] == 'k'; in.avx512() != avx512 {
			t.Errorf("%s: avx512 = %v", c.text, in.avx512())
		}
		for n := range code {
			if in, err := decode(code[:n], at); err == nil && in.op != nil {
				t.Errorf("%s: its first %d bytes are %s", c.text, n, operandText(in))
			}
		}
	}
}

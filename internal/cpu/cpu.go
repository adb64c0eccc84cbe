// Package cpu says what the processor can do and how large its caches are. A feature counts only if the operating system
// saves the registers it needs. It is the only package that asks golang.org/x/sys/cpu and klauspost/cpuid.
package cpu

import (
	"runtime"

	"github.com/klauspost/cpuid/v2"
	"golang.org/x/sys/cpu"
)

// The features that matter to kernels: AVX2, AVX512 and NEON choose their routines; the others are reported only.
var (
	// AVX2 is AVX2 with FMA3.
	AVX2 = cpu.X86.HasAVX2 && cpu.X86.HasFMA
	// AVX512 is AVX-512 F, BW, DQ and VL, beside AVX2: every server core since Skylake-X, every AMD core since Zen 4.
	AVX512 = AVX2 && (emulated ||
		cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL)
	// AVX512VNNI is AVX512 with integer dot products.
	AVX512VNNI = AVX512 && cpu.X86.HasAVX512VNNI
	// AVXVNNI is AVX2 with integer dot products.
	AVXVNNI = AVX2 && cpuid.CPU.Supports(cpuid.AVXVNNI)
	// F16C is AVX2 with conversions from and to float16.
	F16C = AVX2 && cpuid.CPU.Supports(cpuid.F16C)
	// NEON is ARM's Advanced SIMD, a part of every arm64 processor.
	NEON = runtime.GOARCH == "arm64"
	// DotProd is NEON with integer dot products.
	DotProd = NEON && cpu.ARM64.HasASIMDDP
)

// Features returns the names of the features above that this machine has.
func Features() []string {
	var names []string
	for _, f := range []struct {
		has  bool
		name string
	}{
		{AVX2, "avx2"}, {F16C, "f16c"}, {AVXVNNI, "avx-vnni"}, {AVX512, "avx512"}, {AVX512VNNI, "avx512-vnni"},
		{NEON, "neon"}, {DotProd, "dotprod"},
	} {
		if f.has {
			names = append(names, f.name)
		}
	}
	return names
}

// Vendor returns the maker of the processor, such as Intel or AMD, or "".
func Vendor() string {
	if cpuid.CPU.VendorID == cpuid.VendorUnknown {
		return ""
	}
	return cpuid.CPU.VendorID.String()
}

// Brand returns the model of the processor as it names itself, or "".
func Brand() string { return cpuid.CPU.BrandName }

// Cores returns the number of logical cores that this process may use.
func Cores() int { return runtime.NumCPU() }

// Caches are the sizes in bytes of the data caches that one core sees.
type Caches struct{ L1, L2, L3 int }

// DataCaches returns the sizes of the caches. A size that the machine does not tell is a common one; L3 may be 0: none.
func DataCaches() Caches {
	c := Caches{L1: cpuid.CPU.Cache.L1D, L2: cpuid.CPU.Cache.L2, L3: max(cpuid.CPU.Cache.L3, 0)}
	if c.L1 <= 0 {
		c.L1 = 32 << 10
	}
	if c.L2 <= 0 {
		c.L2 = 512 << 10
	}
	return c
}

package loader

import (
	"encoding/binary"
	"math"
	"sync"
	"unsafe"

	"github.com/godwit-ml/godwit/tensor"
)

// convertible reports whether convert knows the type. What it does not know are the types that are only parts of a value
// (F4, F6 and the exponent-only E8M0 of the MX formats) and complex numbers.
func convertible(d tensor.DType) bool {
	switch d {
	case tensor.Invalid, tensor.F4, tensor.F6E2M3, tensor.F6E3M2, tensor.F8E8M0, tensor.C64:
		return false
	}
	return true
}

// convert sets dst to the elements in src, little-endian and unaligned, as float32. All types but F64 and the integers of
// 32 and 64 bits convert exactly; those are rounded once, to nearest even. A bool is 0 or 1.
func convert(dst []float32, src []byte, d tensor.DType) {
	le := binary.LittleEndian
	switch d {
	case tensor.F32:
		if littleEndian {
			copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(dst))), 4*len(dst)), src)
			return
		}
		for i := range dst {
			dst[i] = math.Float32frombits(le.Uint32(src[4*i:]))
		}
	case tensor.F16:
		for i := range dst {
			dst[i] = float16(le.Uint16(src[2*i:]))
		}
	case tensor.BF16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(le.Uint16(src[2*i:])) << 16)
		}
	case tensor.F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(le.Uint64(src[8*i:])))
		}
	case tensor.I8:
		for i, b := range src[:len(dst)] {
			dst[i] = float32(int8(b))
		}
	case tensor.U8:
		for i, b := range src[:len(dst)] {
			dst[i] = float32(b)
		}
	case tensor.Bool:
		for i, b := range src[:len(dst)] {
			dst[i] = 0
			if b != 0 {
				dst[i] = 1
			}
		}
	case tensor.I16:
		for i := range dst {
			dst[i] = float32(int16(le.Uint16(src[2*i:])))
		}
	case tensor.U16:
		for i := range dst {
			dst[i] = float32(le.Uint16(src[2*i:]))
		}
	case tensor.I32:
		for i := range dst {
			dst[i] = float32(int32(le.Uint32(src[4*i:])))
		}
	case tensor.U32:
		for i := range dst {
			dst[i] = float32(le.Uint32(src[4*i:]))
		}
	case tensor.I64:
		for i := range dst {
			dst[i] = float32(int64(le.Uint64(src[8*i:])))
		}
	case tensor.U64:
		for i := range dst {
			dst[i] = float32(le.Uint64(src[8*i:]))
		}
	case tensor.F8E5M2, tensor.F8E4M3, tensor.F8E4M3FNUZ, tensor.F8E5M2FNUZ:
		table := float8Tables()[d]
		for i, b := range src[:len(dst)] {
			dst[i] = table[b]
		}
	default:
		panic("loader: conversion of " + d.String())
	}
}

var littleEndian = func() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 1
}()

// float16 converts an IEEE half: 1 sign bit, 5 exponent bits, 10 fraction bits.
func float16(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp := uint32(h >> 10 & 31)
	frac := uint32(h & 0x3ff)
	switch exp {
	case 31: // infinity, or NaN with its payload
		return math.Float32frombits(sign | 255<<23 | frac<<13)
	case 0: // zero, subnormal: a product of an integer below 1024 and a power of two, so exact
		f := float32(frac) * 0x1p-24
		return math.Float32frombits(sign | math.Float32bits(f))
	}
	return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
}

// float8Tables holds the values of the 8-bit floats.
//
// E5M2 is IEEE: the largest exponent stands for infinity and NaN. E4M3 has no infinity, and only S.1111.111 is NaN.
// The FNUZ types have neither infinity nor negative zero: 0x80 is their only NaN, and their bias is one larger.
// Sources: Micikevicius et al., FP8 Formats for Deep Learning, arXiv:2209.05433; Noune et al., arXiv:2206.02915 (FNUZ).
var float8Tables = sync.OnceValue(func() map[tensor.DType]*[256]float32 {
	nan := float32(math.NaN())
	build := func(fracBits, bias int, special func(b byte, v float32) float32) *[256]float32 {
		var table [256]float32
		for i := range table {
			b := byte(i)
			exp := int(b&0x7f) >> fracBits
			frac := float64(int(b) & (1<<fracBits - 1))
			var v float64
			if exp == 0 {
				v = math.Ldexp(frac, 1-bias-fracBits)
			} else {
				v = math.Ldexp(frac+float64(int(1)<<fracBits), exp-bias-fracBits)
			}
			if b&0x80 != 0 {
				v = math.Copysign(v, -1)
			}
			table[i] = special(b, float32(v))
		}
		return &table
	}
	fnuz := func(b byte, v float32) float32 {
		if b == 0x80 {
			return nan
		}
		return v
	}
	return map[tensor.DType]*[256]float32{
		tensor.F8E5M2: build(2, 15, func(b byte, v float32) float32 {
			switch {
			case b&0x7f == 0x7c:
				return float32(math.Copysign(math.Inf(1), float64(v)))
			case b&0x7f > 0x7c:
				return nan
			}
			return v
		}),
		tensor.F8E4M3: build(3, 7, func(b byte, v float32) float32 {
			if b&0x7f == 0x7f {
				return nan
			}
			return v
		}),
		tensor.F8E4M3FNUZ: build(3, 8, fnuz),
		tensor.F8E5M2FNUZ: build(2, 16, fnuz),
	}
})

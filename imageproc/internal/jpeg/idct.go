package jpeg

// Constants of the transform (Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms with 11 multiplications",
// 1989), with 13 bits after the point.
const (
	constBits = 13
	pass1Bits = 2 // more precision between the passes

	fix0298 = 2446  // 0.298631336
	fix0390 = 3196  // 0.390180644
	fix0541 = 4433  // 0.541196100
	fix0765 = 6270  // 0.765366865
	fix0899 = 7373  // 0.899976223
	fix1175 = 9633  // 1.175875602
	fix1501 = 12299 // 1.501321110
	fix1847 = 15137 // 1.847759065
	fix1961 = 16069 // 1.961570560
	fix2053 = 16819 // 2.053119869
	fix2562 = 20995 // 2.562915447
	fix3072 = 25172 // 3.072711026
)

// idct writes the 8x8 samples of a block to out, whose rows begin stride bytes apart: coefficients times quant, transformed by
// columns and then rows, plus 128, cut off to 0..255. last is the place in the file of the last coefficient that is not 0, or a
// later one.
//
// Coefficients that no samples of 8 bits give, as in files that somebody made to do harm, overflow. What they give is what
// libjpeg-turbo's routines for x86 make of them: values are of 16 bits, cut off only at the end of a pass.
func idct(out []byte, stride int, block, quant *[64]int16, last int) {
	if last == 0 {
		// Both passes scale by 1/8 in all.
		v := clamp((int32(block[0]*quant[0]<<pass1Bits) + 1<<(pass1Bits+2)) >> (pass1Bits + 3))
		for range 8 {
			o := out[:8]
			o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[7] = v, v, v, v, v, v, v, v
			if len(out) < stride {
				return
			}
			out = out[stride:]
		}
		return
	}
	if simd {
		_ = out[7*stride+7]
		idctAVX2(&out[0], stride, block, quant)
		return
	}
	var ws [64]int16
	below := int16(0)
	for _, v := range block[8:] {
		below |= v
	}
	for i := range 8 {
		b, q := (*[57]int16)(block[i:]), (*[57]int16)(quant[i:])
		w := (*[57]int16)(ws[i:])
		if below == 0 {
			dc := b[0] * q[0] << pass1Bits
			w[0], w[8], w[16], w[24], w[32], w[40], w[48], w[56] = dc, dc, dc, dc, dc, dc, dc, dc
			continue
		}
		const shift, round = constBits - pass1Bits, 1 << (constBits - pass1Bits - 1)
		even0, even1, even2, even3, odd0, odd1, odd2, odd3 := butterfly(
			b[0]*q[0], b[8]*q[8], b[16]*q[16], b[24]*q[24], b[32]*q[32], b[40]*q[40], b[48]*q[48], b[56]*q[56], round)
		w[0], w[56] = clamp16((even0+odd3)>>shift), clamp16((even0-odd3)>>shift)
		w[8], w[48] = clamp16((even1+odd2)>>shift), clamp16((even1-odd2)>>shift)
		w[16], w[40] = clamp16((even2+odd1)>>shift), clamp16((even2-odd1)>>shift)
		w[24], w[32] = clamp16((even3+odd0)>>shift), clamp16((even3-odd0)>>shift)
	}
	for i := range 8 {
		w := (*[8]int16)(ws[8*i:])
		o := out[:8]
		const shift, round = constBits + pass1Bits + 3, 1 << (constBits + pass1Bits + 2)
		even0, even1, even2, even3, odd0, odd1, odd2, odd3 := butterfly(w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], round)
		o[0], o[7] = clamp((even0+odd3)>>shift), clamp((even0-odd3)>>shift)
		o[1], o[6] = clamp((even1+odd2)>>shift), clamp((even1-odd2)>>shift)
		o[2], o[5] = clamp((even2+odd1)>>shift), clamp((even2-odd1)>>shift)
		o[3], o[4] = clamp((even3+odd0)>>shift), clamp((even3-odd0)>>shift)
		if len(out) < stride {
			return
		}
		out = out[stride:]
	}
}

// butterfly is the transform of 8 values: outputs i and 7-i are the sum and the difference of an even and an odd part. Sums of
// inputs are of 16 bits.
func butterfly(x0, x1, x2, x3, x4, x5, x6, x7 int16, round int32) (even0, even1, even2, even3, odd0, odd1, odd2, odd3 int32) {
	z2, z6 := int32(x2), int32(x6)
	t2 := z2*fix0541 + z6*(fix0541-fix1847)
	t3 := z2*(fix0541+fix0765) + z6*fix0541
	t0 := int32(x0+x4)<<constBits + round
	t1 := int32(x0-x4)<<constBits + round
	even0, even3 = t0+t3, t0-t3
	even1, even2 = t1+t2, t1-t2

	z3, z4 := int32(x7+x3), int32(x5+x1)
	z3, z4 = z3*(fix1175-fix1961)+z4*fix1175, z3*fix1175+z4*(fix1175-fix0390)
	a1, a3, a5, a7 := int32(x1), int32(x3), int32(x5), int32(x7)
	odd0 = a7*(fix0298-fix0899) - a1*fix0899 + z3
	odd1 = a5*(fix2053-fix2562) - a3*fix2562 + z4
	odd2 = a3*(fix3072-fix2562) - a5*fix2562 + z3
	odd3 = a1*(fix1501-fix0899) - a7*fix0899 + z4
	return
}

// clamp16 cuts off to 16 bits.
func clamp16(v int32) int16 { return int16(max(-1<<15, min(v, 1<<15-1))) }

// clamp adds 128 and cuts off to 0..255.
func clamp(v int32) byte { return byte(max(0, min(v+128, 255))) }

package generate

import "math/bits"

// Uniform returns the random number in [0, 1) that chooses a token: token number step of sample number sample. It is the upper 53
// bits of the first 64 that Philox4x32-10 gives for the key seed and the counter (step, sample, 0, 0), as a fraction.
//
// Philox is a function of its counter (Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3, 2011): no state is carried
// from token to token, and none can get out of step.
func Uniform(seed uint64, sample, step uint32) float64 {
	c := philox([4]uint32{step, sample, 0, 0}, [2]uint32{uint32(seed), uint32(seed >> 32)})
	return float64((uint64(c[1])<<32|uint64(c[0]))>>11) * (1.0 / (1 << 53))
}

// philox is Philox4x32 with ten rounds.
func philox(c [4]uint32, k [2]uint32) [4]uint32 {
	for range 10 {
		hi0, lo0 := bits.Mul32(0xD2511F53, c[0])
		hi1, lo1 := bits.Mul32(0xCD9E8D57, c[2])
		c = [4]uint32{hi1 ^ c[1] ^ k[0], lo1, hi0 ^ c[3] ^ k[1], lo0}
		k[0] += 0x9E3779B9
		k[1] += 0xBB67AE85
	}
	return c
}

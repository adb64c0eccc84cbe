package tokenizer

import (
	"encoding/binary"
	"math/bits"
)

// wordCache remembers how short words were tokenized, so that the common words of a text cost one look. It belongs to a
// state, is a megabyte, and forgets a word when another falls into its place.
type wordCache struct{ words [1 << cacheBits]cachedWord }

const (
	cacheBits   = 14
	maxCachedAt = 24 // bytes of a word
)

// cachedWord is a word of at most 24 bytes and its tokens, at most 7: entries of the vocabulary and where they end.
type cachedWord struct {
	key     [3]uint64
	entries [7]int32
	ends    [7]uint8
	count   uint8
	length  uint8 // of the word; 0: unused
}

// wordKey returns the bytes of a word of 1 to 24 bytes as three numbers, zeros behind them.
func wordKey(w []byte) (a, b, c uint64) {
	n := len(w)
	switch {
	case n > 16:
		return binary.LittleEndian.Uint64(w), binary.LittleEndian.Uint64(w[8:]),
			binary.LittleEndian.Uint64(w[n-8:]) >> (8 * (24 - n))
	case n > 8:
		return binary.LittleEndian.Uint64(w), binary.LittleEndian.Uint64(w[n-8:]) >> (8 * (16 - n)), 0
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(w)) | uint64(binary.LittleEndian.Uint32(w[n-4:]))<<(8*(n-4)), 0, 0
	}
	return uint64(w[0]) | uint64(w[n/2])<<(8*(n/2)) | uint64(w[n-1])<<(8*(n-1)), 0, 0
}

// find returns the place of a word of 1 to 24 bytes, and whether it is there.
func (c *wordCache) find(w []byte) (*cachedWord, bool) {
	k0, k1, k2 := wordKey(w)
	h := k0*0x9E3779B97F4A7C15 ^ bits.RotateLeft64(k1*0xC2B2AE3D27D4EB4F, 29) ^ bits.RotateLeft64(k2*0x165667B19E3779F9, 47)
	h = (h ^ h>>32) * 0xD6E8FEB86659FD93
	p := &c.words[h>>(64-cacheBits)]
	if p.key == [3]uint64{k0, k1, k2} && int(p.length) == len(w) {
		return p, true
	}
	return p, false
}

// store enters a word with the tokens that it became, whose entries are given and whose ends count from its start.
func (p *cachedWord) store(w []byte, entries []int32, toks []token) {
	if len(toks) > len(p.entries) {
		return
	}
	p.key[0], p.key[1], p.key[2] = wordKey(w)
	p.length, p.count = uint8(len(w)), uint8(len(toks))
	base := int32(0)
	if len(toks) > 0 {
		base = toks[0].lo
	}
	for i := range toks {
		p.entries[i], p.ends[i] = entries[i], uint8(toks[i].hi-base)
	}
}

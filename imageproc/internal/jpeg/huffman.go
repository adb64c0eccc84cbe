package jpeg

import (
	"encoding/binary"
	"errors"
)

// fastBits is the length of the codes that one look-up decodes.
const fastBits = 9

// huffman is a table of Huffman codes.
type huffman struct {
	// fast is indexed by the next bits: symbol<<8 | length of the code, 0 if the code is longer.
	fast [1 << fastBits]uint16
	// value is likewise, for AC: the coefficient too, if its bits are among the next ones: value<<16 | run<<8 | length of both.
	// The low byte is 0 if they are not, or if the symbol has no coefficient.
	value   [1 << fastBits]int32
	maxCode [18]int32 // of each length, left-aligned to 16 bits, exclusive; of length 17: all
	offset  [17]int32 // of the symbols of a length from its codes
	symbols [256]uint8
}

func (h *Header) huffmanTables(body []byte) error {
	for len(body) > 0 {
		if len(body) < 17 {
			return errors.New("a Huffman table is cut short")
		}
		class, id := body[0]>>4, body[0]&15
		if class > 1 || id > 3 {
			return errors.New("a Huffman table has a wrong number")
		}
		counts := body[1:17]
		n := 0
		for _, c := range counts {
			n += int(c)
		}
		if n > 256 || len(body) < 17+n {
			return errors.New("a Huffman table is cut short")
		}
		t, err := newHuffman(counts, body[17:17+n], class == 0)
		if err != nil {
			return err
		}
		h.huffman[class][id] = t
		body = body[17+n:]
	}
	return nil
}

func newHuffman(counts, symbols []byte, dc bool) (*huffman, error) {
	t := new(huffman)
	copy(t.symbols[:], symbols)
	code, k := int32(0), 0
	for length := 1; length <= 16; length++ {
		t.offset[length] = int32(k) - code
		for range counts[length-1] {
			if code >= 1<<length {
				return nil, errors.New("a Huffman table has more codes than there are")
			}
			s := symbols[k]
			if dc && s > 15 {
				return nil, errors.New("a Huffman table has a wrong symbol")
			}
			if length <= fastBits {
				from := code << (fastBits - length)
				for i := range int32(1) << (fastBits - length) {
					t.fast[from+i] = uint16(s)<<8 | uint16(length)
				}
			}
			code++
			k++
		}
		t.maxCode[length] = code << (16 - length)
		code <<= 1
	}
	t.maxCode[17] = 1 << 30
	for i, e := range t.fast {
		length, s := int(e&255), int(e>>8)
		size, run := s&15, s>>4
		if length == 0 || size == 0 || length+size > fastBits {
			continue
		}
		bits := i >> (fastBits - length - size) & (1<<size - 1)
		if bits < 1<<(size-1) {
			bits -= 1<<size - 1
		}
		t.value[i] = int32(bits)<<16 | int32(run)<<8 | int32(length+size)
	}
	return t, nil
}

// bitReader reads the bits of entropy-coded data.
type bitReader struct {
	data []byte // what was not read yet
	acc  uint64 // the next bits, from the top
	n    int    // how many of them count; below 0: more were used than there are
	end  bool   // a marker or the end of the file is next
}

// fill makes n at least 48, with zeros beyond the end. Such zeros are not counted: n goes down as they are used.
func (b *bitReader) fill() {
	if b.n >= 48 {
		return
	}
	if len(b.data) >= 8 && b.n >= 0 {
		v := binary.BigEndian.Uint64(b.data)
		if (^v-0x0101010101010101)&v&0x8080808080808080 == 0 { // no byte is ff
			b.acc |= v >> uint(b.n) // bits beyond the bytes that count are the ones that come next anyway
			k := (64 - b.n) >> 3
			b.data = b.data[k:]
			b.n += k << 3
			return
		}
	}
	b.fillSlow()
}

func (b *bitReader) fillSlow() {
	if b.end || b.n < 0 {
		return
	}
	b.acc &= ^uint64(0) << uint(64-b.n) // what the fast way has put beyond
	for b.n <= 56 {
		d := b.data
		if len(d) == 0 {
			b.end = true
			return
		}
		if d[0] == 0xff {
			if len(d) < 2 || d[1] != 0 {
				b.end = true
				return
			}
			b.data = d[2:]
		} else {
			b.data = d[1:]
		}
		b.acc |= uint64(d[0]) << uint(56-b.n)
		b.n += 8
	}
}

func (b *bitReader) use(n int) {
	b.acc <<= uint(n)
	b.n -= n
}

// bits returns the next n bits, 1 to 16.
func (b *bitReader) bits(n int) int32 {
	v := int32(b.acc >> uint(64-n))
	b.use(n)
	return v
}

// extend returns the coefficient that the next n bits stand for, 0 to 15.
func (b *bitReader) extend(n int) int32 {
	if n == 0 {
		return 0
	}
	v := b.bits(n)
	if v < 1<<(n-1) {
		v -= 1<<n - 1
	}
	return v
}

// symbol decodes the next code, -1 if there is none like it.
func (b *bitReader) symbol(t *huffman) int {
	if e := t.fast[b.acc>>(64-fastBits)]; e != 0 {
		b.use(int(e & 255))
		return int(e >> 8)
	}
	v := int32(b.acc >> 48)
	for length := fastBits + 1; length <= 16; length++ {
		if v < t.maxCode[length] {
			b.use(length)
			return int(t.symbols[(v>>(16-length)+t.offset[length])&255])
		}
	}
	return -1
}

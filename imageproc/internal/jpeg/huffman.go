package jpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// fastBits is the length of the codes that one look-up decodes.
const fastBits = 10

// huffman is a table of Huffman codes.
type huffman struct {
	// fast is indexed by the next bits, and says what to do with them; 0 if the code is longer:
	//
	//	bits 0 to 3    how many bits are used
	//	bits 4 to 7    how many bits behind them are the value, 0 if the entry has it
	//	bits 8 to 15   the zeros before the coefficient; endOfBlock: there is no other coefficient
	//	bits 16 to 31  the value, if its bits are among the next ones
	//
	// Only for AC.
	fast [1 << fastBits]int32
	// symbol is likewise, of the code alone: symbol<<8 | length of the code, 0 if the code is longer.
	symbol  [1 << fastBits]uint16
	maxCode [17]int32 // of each length, left-aligned to 16 bits, exclusive
	offset  [17]int32 // of the symbols of a length from its codes
	symbols [256]uint8
}

// endOfBlock takes the place of a number of zeros.
const endOfBlock = 64

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
					t.symbol[from+i] = uint16(s)<<8 | uint16(length)
				}
			}
			code++
			k++
		}
		t.maxCode[length] = code << (16 - length)
		code <<= 1
	}
	for i, e := range t.symbol {
		if length, s := int(e&255), byte(e>>8); length != 0 {
			t.fast[i] = entry(length, s)
			size := int(s & 15)
			if size == 0 || length+size > fastBits {
				continue
			}
			bits := i >> (fastBits - length - size) & (1<<size - 1)
			if bits < 1<<(size-1) {
				bits -= 1<<size - 1
			}
			t.fast[i] = int32(bits)<<16 | int32(s>>4)<<8 | int32(length+size)
		}
	}
	return t, nil
}

// entry returns what fast has of a code of that length, without the value.
func entry(length int, symbol byte) int32 {
	run, size := int32(symbol>>4), int32(symbol&15)
	if size == 0 && run != 15 {
		run = endOfBlock
	}
	return run<<8 | size<<4 | int32(length)
}

// bitReader reads the bits of entropy-coded data.
type bitReader struct {
	data []byte // without what is stuffed, and with padding zeros behind
	size int    // of data without the padding
	pos  int    // of the first byte of which acc has nothing that counts
	acc  uint64 // the next bits, from the top
	n    int    // how many of them count
	over bool   // bits were used that are not there
}

// padding is the number of zeros that are behind the data, so that fill may read 8 bytes at once.
const padding = 16

// reset lets the reader read the data up to the first marker, in memory of its own, and returns what is from the marker on.
func (b *bitReader) reset(data []byte) []byte {
	clean := b.data[:0]
	for {
		i := bytes.IndexByte(data, 0xff)
		if i < 0 {
			clean, data = append(clean, data...), nil
			break
		}
		clean = append(clean, data[:i]...)
		data = data[i:]
		j := 1
		for j < len(data) && data[j] == 0xff { // as libjpeg does it
			j++
		}
		if j == len(data) || data[j] != 0 {
			break
		}
		clean = append(clean, 0xff)
		data = data[j+1:]
	}
	n := len(clean)
	*b = bitReader{data: append(clean, make([]byte, padding)...), size: n}
	return data
}

// short tells that bits were used that are not there, which are 0.
func (b *bitReader) short() bool { return b.over || 8*b.pos-b.n > 8*b.size }

// fill makes n at least 56.
func (b *bitReader) fill() {
	if b.pos > b.size+padding-8 { // more than 8 bytes beyond the end: some of them were used
		b.n, b.over = 56, true
		return
	}
	b.acc |= binary.BigEndian.Uint64(b.data[b.pos:]) >> uint(b.n&63) // bits beyond those that count are the ones that come next anyway
	b.pos += (63 - b.n) >> 3
	b.n |= 56
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
	if e := t.symbol[b.acc>>(64-fastBits)]; e != 0 {
		b.use(int(e & 255))
		return int(e >> 8)
	}
	s, length := t.long(b.acc)
	b.use(length)
	return s
}

// long decodes the code that acc begins with, of more than fastBits bits, to its symbol, -1 if there is none like it.
func (t *huffman) long(acc uint64) (symbol, length int) {
	v := int32(acc >> 48)
	for length := fastBits + 1; length <= 16; length++ {
		if v < t.maxCode[length] {
			return int(t.symbols[(v>>(16-length)+t.offset[length])&255]), length
		}
	}
	return -1, 0
}

// block decodes a block of a sequential scan into block, which is all zero. dc is the prediction, before and after. last is the
// place in the file of its last coefficient that is not 0, or a later one.
func (b *bitReader) block(block *[64]int16, dcTable, acTable *huffman, dc *int32) (last int, err error) {
	b.fill()
	s := b.symbol(dcTable)
	if s < 0 {
		return 0, errDamaged
	}
	*dc += b.extend(s)
	block[0] = int16(*dc)
	data, pos, acc, n := b.data, b.pos, b.acc, b.n
	for k := 1; k < 64; k++ {
		if n < 32 { // a code and its value have 31 bits at most
			if pos > len(data)-8 {
				b.pos, b.acc, b.n = pos, acc, n
				b.fill()
				pos, acc, n = b.pos, b.acc, b.n
			} else { // as fill does it
				acc |= binary.BigEndian.Uint64(data[pos:]) >> uint(n&63)
				pos += (63 - n) >> 3
				n |= 56
			}
		}
		e := acTable.fast[acc>>(64-fastBits)]
		if e == 0 {
			s, length := acTable.long(acc)
			if s < 0 {
				return 0, errDamaged
			}
			acc <<= uint(length & 63)
			n -= length
			e = entry(0, byte(s))
		}
		acc <<= uint(e & 15)
		n -= int(e & 15)
		v := e >> 16
		if size := e >> 4 & 15; size != 0 {
			v = int32(acc >> (uint(64-size) & 63))
			if v < 1<<(size-1) {
				v -= 1<<size - 1
			}
			acc <<= uint(size)
			n -= int(size)
		}
		if k += int(e >> 8 & 255); k > 63 {
			if v != 0 {
				return 0, errDamaged
			}
			break
		}
		block[zigzag[k]] = int16(v) // 0 behind 16 zeros
		last = k
	}
	b.pos, b.acc, b.n = pos, acc, n
	return last, nil
}

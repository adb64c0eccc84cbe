// Package npy writes arrays in NumPy's .npy format, version 1.0, which numpy.load reads without a copy.
//
// The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// WriteFloat32 writes rows as one C-ordered little-endian float32 array of shape [len(rows), cols]. Every row must have
// cols elements; cols is given because an array of no rows has a width too.
func WriteFloat32(w io.Writer, rows [][]float32, cols int) error {
	if _, err := w.Write(header(len(rows), cols)); err != nil {
		return err
	}
	buf := make([]byte, 0, 4*cols)
	for i, row := range rows {
		if len(row) != cols {
			return fmt.Errorf("npy: row %d has %d elements, want %d", i, len(row), cols)
		}
		buf = buf[:0]
		for _, v := range row {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// header returns the magic string, the version, the length of the dictionary and the dictionary, padded with spaces and
// ended by a newline so that the data begins at a multiple of 64 bytes.
func header(rows, cols int) []byte {
	dict := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", rows, cols)
	const fixed = 10 // magic 6, version 2, length 2
	total := (fixed + len(dict) + 1 + 63) / 64 * 64
	b := make([]byte, 0, total)
	b = append(b, "\x93NUMPY\x01\x00"...)
	b = binary.LittleEndian.AppendUint16(b, uint16(total-fixed))
	b = append(b, dict...)
	for len(b) < total-1 {
		b = append(b, ' ')
	}
	return append(b, '\n')
}

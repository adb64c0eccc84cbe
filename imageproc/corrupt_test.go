package imageproc

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source returns a file of testdata.
func source(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "cases", "src", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// cut returns the first n bytes, or all but the last -n.
func cut(b []byte, n int) []byte {
	if n < 0 {
		n += len(b)
	}
	return b[:n]
}

// set returns b with other bytes at the offset of what, plus skip.
func set(b []byte, what string, skip int, other string) []byte {
	i := bytes.Index(b, []byte(what))
	if i < 0 {
		panic(what + " is not there")
	}
	b = bytes.Clone(b)
	copy(b[i+skip:], other)
	return b
}

// pngWith returns a PNG with another width, height, depth and colour type, and the checksum that belongs to them.
func pngWith(b []byte, width, height uint32, depth, colour byte) []byte {
	b = bytes.Clone(b)
	binary.BigEndian.PutUint32(b[16:], width)
	binary.BigEndian.PutUint32(b[20:], height)
	b[24], b[25] = depth, colour
	binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	return b
}

// tiffOf returns a little-endian TIFF with one directory of tags, types and values, each of one value, and data behind it.
func tiffOf(data string, entries ...[3]uint32) []byte {
	b := []byte("II*\x00\x08\x00\x00\x00")
	b = binary.LittleEndian.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		b = binary.LittleEndian.AppendUint16(b, uint16(e[0]))
		b = binary.LittleEndian.AppendUint16(b, uint16(e[1]))
		b = binary.LittleEndian.AppendUint32(b, 1)
		b = binary.LittleEndian.AppendUint32(b, e[2])
	}
	return append(binary.LittleEndian.AppendUint32(b, 0), data...)
}

// oneTIFF returns a TIFF of one black pixel and other tags, which replace those that are there.
func oneTIFF(others ...[3]uint32) []byte {
	tags := map[uint32][3]uint32{256: {256, 3, 1}, 257: {257, 3, 1}, 258: {258, 3, 8}, 259: {259, 3, 1}, 262: {262, 3, 1}, 273: {273, 4, 8},
		279: {279, 4, 1}}
	for _, o := range others {
		tags[o[0]] = o
	}
	var entries [][3]uint32
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		entries = append(entries, tags[k])
	}
	return tiffOf("", entries...)
}

// TestCorrupt decodes files that are damaged or lie. Each has an error of one line, and none takes memory for what its header
// promises and its bytes cannot hold.
func TestCorrupt(t *testing.T) {
	photo := source(t, "s2q75b.jpg")
	progressive := source(t, "s0q75p.jpg")
	restart := source(t, "restart.jpg")
	png := source(t, "rgb.png")
	gif := source(t, "a.gif")
	webp := source(t, "lossless.webp")
	lossy := source(t, "lossy80.webp")
	bmp := source(t, "rgb.bmp")
	rle := source(t, "rle8.bmp")
	tiff := source(t, "rgb_None.tiff")
	groups, err := os.ReadFile(filepath.Join("testdata", "damaged", "groups.webp")) // a fuzzer's find
	if err != nil {
		t.Fatal(err)
	}
	sof := func(b []byte, skip int, other string) []byte { return set(b, "\xff\xc0", skip, other) }
	tests := []struct {
		name string
		data []byte
		want string // behind "imageproc: "
	}{
		{"nothing", nil, "the image is empty: 0 bytes"},
		{"one byte", []byte{0xff}, "the format is not known: it begins with ff; known are JPEG, PNG, GIF, WebP, BMP and TIFF"},
		{"text", []byte("hello, world"), "the format is not known: it begins with 68 65 6c 6c 6f 2c 20 77; known are JPEG, PNG, GIF, WebP, BMP and TIFF"},
		{"PNG that is none", append([]byte("\x89PNG\n\x1a\n\n"), png[8:]...), "the format is not known: it begins with 89 50 4e 47 0a 1a 0a 0a; known are JPEG, PNG, GIF, WebP, BMP and TIFF"},

		{"JPEG of its first bytes", photo[:3], "JPEG: the file is cut short"},
		{"JPEG without scans", cut(photo, bytes.Index(photo, []byte("\xff\xda"))), "JPEG: the file is cut short"},
		{"JPEG cut in the scan", cut(photo, -100), "JPEG: the file is cut short"},
		{"JPEG without its end", cut(photo, -2), "JPEG: the file is cut short"},
		{"progressive JPEG cut", cut(progressive, len(progressive)/2), "JPEG: the file is cut short"},
		{"JPEG that ends at once", []byte("\xff\xd8\xff\xd9"), "JPEG: the file ends before there is an image"},
		{"JPEG in a JPEG", append([]byte("\xff\xd8"), photo...), "JPEG: there is a second image inside the first"},
		{"JPEG without width", sof(photo, 7, "\x00\x00"), "JPEG: the header says 0x" + heightOf(photo) + " pixels: there are none"},
		{"JPEG without height", sof(photo, 5, "\x00\x00"), "JPEG: the header says " + widthOf(photo) + "x0 pixels: there are none"},
		{"JPEG bomb", sof(photo, 5, "\xff\xff\xff\xff"), "JPEG: the header says 65535x65535 pixels, more than the limit of 89478485"},
		{"JPEG that cannot hold its size", sof(photo, 5, "\x20\x00\x20\x00"), "JPEG: the file is cut short: " + sizeOf(photo) + " bytes cannot hold 8192x8192 pixels"},
		{"JPEG of 12 bits", sof(photo, 4, "\x0c"), "JPEG: samples of 12 bits are not supported"},
		{"JPEG of 2 components", sof(photo, 9, "\x02"), "JPEG: 2 components are not supported"},
		{"lossless JPEG", sof(photo, 1, "\xc3"), "JPEG: the kind of compression (SOF3) is not supported"},
		{"arithmetic JPEG", sof(photo, 1, "\xc9"), "JPEG: the kind of compression (SOF9) is not supported"},
		{"JPEG with sampling of 0", sof(photo, 11, "\x00"), "JPEG: a component has a wrong sampling factor or quantisation table"},
		{"JPEG with sampling of 3 to 2", sof(sof(photo, 11, "\x31"), 14, "\x21"), "JPEG: sampling factors that are no multiples are not supported"},
		{"JPEG with a component twice", sof(photo, 13, "\x01"), "JPEG: two components have the same number"},
		{"JPEG without a quantisation table", sof(photo, 12, "\x03"), "JPEG: a scan has a quantisation table that the file has not"},
		{"JPEG without a Huffman table", set(photo, "\xff\xda", 6, "\x33"), "JPEG: a scan has a Huffman table that the file has not"},
		{"JPEG with a scan of nothing", set(photo, "\xff\xda", 4, "\x00"), "JPEG: the header of a scan has a wrong length"},
		{"JPEG with a scan of another component", set(photo, "\xff\xda", 5, "\x09"), "JPEG: a scan has a component 9 that the frame has not"},
		{"JPEG with too many codes", set(photo, "\xff\xc4", 5, "\xff"), "JPEG: a Huffman table is cut short"},
		{"JPEG with codes that overlap", set(photo, "\xff\xc4", 5, "\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "JPEG: a Huffman table has more codes than there are"},
		{"JPEG with a segment of length 1", set(photo, "\xff\xdb", 2, "\x00\x01"), "JPEG: the length of a segment (marker db) is 1, less than 2"},
		{"JPEG with damaged data", flood(photo, 0xfe), "JPEG: the compressed data are damaged"},
		{"JPEG with another marker for a restart", set(restart, "\xff\xd0", 1, "\xe0"), "JPEG: the compressed data are damaged"},
		{"progressive JPEG with wrong coefficients", set(progressive, "\xff\xda", 11, "\x05\x02"), "JPEG: the header of a scan has wrong coefficients"},
		{"JPEG of many scans", manyScans(progressive), "JPEG: there are more than 256 scans"},
		{"JPEG with EXIF that is none", set(source(t, "exif2.jpg"), "Exif\x00\x00", 6, "ABCD"), "JPEG: the EXIF data do not begin as they must"},

		{"PNG of its signature", png[:8], "PNG: the file is cut short"},
		{"PNG cut in the header", png[:20], "PNG: the file is cut short"},
		{"PNG cut in the data", cut(png, -200), "PNG: invalid format: not enough pixel data"},
		{"PNG without data", png[:33], "PNG: the file is cut short"},
		{"PNG without width", pngWith(png, 0, 5, 8, 2), "PNG: the header says 0x5 pixels: there are none"},
		{"PNG bomb", pngWith(png, 100000, 100000, 8, 2), "PNG: the header says 100000x100000 pixels, more than the limit of 89478485"},
		{"PNG of the largest size", pngWith(png, 1<<31-1, 1<<31-1, 8, 2), "PNG: the header says 2147483647x2147483647 pixels, more than the limit of 89478485"},
		{"PNG beyond the largest size", pngWith(png, 1<<32-1, 1, 8, 2), "PNG: the header says 2147483647x1 pixels, more than the limit of 89478485"},
		{"PNG that cannot hold its size", pngWith(png, 9000, 9000, 16, 6), "PNG: the file is cut short: " + sizeOf(png) + " bytes cannot hold 9000x9000 pixels"},
		{"PNG with more lines than data", pngWith(png, 31, 4000, 8, 2), "PNG: invalid format: not enough pixel data"},
		{"PNG with a wrong depth", pngWith(png, 31, 23, 5, 2), "PNG: the header has a colour type or bit depth that there is not"},
		{"PNG with a wrong colour type", pngWith(png, 31, 23, 8, 5), "PNG: the header has a colour type or bit depth that there is not"},
		{"PNG with a wrong checksum", set(png, "IEND", 4, "\x00"), "PNG: invalid format: invalid checksum"},
		{"PNG without its palette", pngWith(png, 31, 23, 8, 3), "PNG: invalid format: chunk out of order"},

		{"GIF of its signature", gif[:6], "GIF: the file is cut short"},
		{"GIF cut in the palette", gif[:40], "GIF: the file is cut short"},
		{"GIF cut in the data", cut(gif, -60), "GIF: the file is cut short"},
		{"GIF without an image", append(bytes.Clone(gif[:bytes.IndexByte(gif[100:], ',')+100]), ';'), "GIF: there is no image in the file"},
		{"GIF bomb", gifOf("\xff\xff\xff\xff", "\xff\xff\xff\xff"), "GIF: the header says 65535x65535 pixels, more than the limit of 89478485"},
		{"GIF that cannot hold its size", gifOf("\x01\x00\x01\x00", "\x00\x20\x00\x20"), "GIF: the file is cut short: 32 bytes cannot hold 8192x8192 pixels"},
		{"GIF with codes of 12 bits", gifOf("\x01\x00\x01\x00", "\x01\x00\x01\x00"), "GIF: the size of the codes is not from 2 to 8 bits"},

		{"WebP of its header", webp[:12], "WebP: the file is cut short"},
		{"WebP cut", cut(webp, -50), "WebP: the file is cut short"},
		{"WebP that says to be longer", set(webp, "RIFF", 4, "\xff\xff\xff\xff"), "WebP: the file is cut short"},
		{"WebP with a chunk that says to be longer", set(webp, "VP8L", 4, "\xff\xff\xff\x7f"), "WebP: the file is cut short"},
		{"WebP without an image", append([]byte("RIFF\x0c\x00\x00\x00WEBP"), "EXIF\x00\x00\x00\x00"...), "WebP: there is no image in the file"},
		{"WebP with a wrong signature inside", set(webp, "VP8L", 8, "\x30"), "WebP: invalid header"},
		{"WebP bomb", set(source(t, "exif.webp"), "VP8X", 12, "\xff\xff\xff\xff\xff\xff"), "WebP: the header says 16777216x16777216 pixels, more than the limit of 89478485"},
		{"WebP of another size than its canvas", set(source(t, "exif.webp"), "VP8X", 12, "\x1d"), "WebP: the image of 29x21 pixels does not fill the canvas of 30x21"},
		{"WebP with a frame of no height", set(source(t, "exif.webp"), "VP8 ", 16, "\x00\x00"), "WebP: the frame has 29x0 pixels: there are none"},
		{"WebP with a frame beside its canvas", set(source(t, "animated.webp"), "ANMF", 8, "\xff\x00\x00"), "WebP: the frame of 29x21 pixels is not on the canvas of 29x21"},
		{"WebP of more groups of codes than it can hold", groups, "WebP: the file is cut short"},
		{"lossy WebP that is no key frame", set(lossy, "VP8 ", 8, "\xff"), "WebP: the header says 0x0 pixels: there are none"},

		{"BMP of its header", bmp[:20], "BMP: the file is cut short"},
		{"BMP cut", cut(bmp, -100), "BMP: the file is cut short"},
		{"BMP bomb", set(bmp, "BM", 18, "\xff\xff\xff\x7f\xff\xff\xff\x7f"), "BMP: the header says 2147483647x2147483647 pixels, more than the limit of 89478485"},
		{"BMP without width", set(bmp, "BM", 18, "\x00\x00\x00\x00"), "BMP: the header says 0x21 pixels: there are none"},
		{"BMP that cannot hold its size", set(bmp, "BM", 18, "\x00\x20\x00\x00\x00\x20\x00\x00"), "BMP: the file is cut short: " + sizeOf(bmp) + " bytes cannot hold 8192x8192 pixels"},
		{"BMP of 3 bits", set(bmp, "BM", 28, "\x03"), "BMP: pixels of 3 bits are not supported"},
		{"BMP with another header", set(bmp, "BM", 14, "\x10"), "BMP: a header of 16 bytes is not known"},
		{"BMP of another compression", set(bmp, "BM", 30, "\x04"), "BMP: the compression (4) is not supported"},
		{"BMP with a palette of many colours", set(source(t, "palette.bmp"), "BM", 46, "\x01\x00\x01"), "BMP: a palette of 65537 colours is not supported"},
		{"BMP of colours in run lengths", set(bmp, "BM", 30, "\x01"), "BMP: run lengths of 24 bits are not supported"},
		{"BMP with masks that are not known", set(source(t, "rgb16.bmp"), "BM", 54, "\x01"), "BMP: colours of 16 bits with the masks [f801 7e0 1f 0] are not supported"},
		{"BMP whose pixels are beyond its end", set(bmp, "BM", 10, "\xff\xff\xff\x7f"), "BMP: the file is cut short"},
		{"BMP with run lengths that end early", set(rle, "BM", 22, "\xff\xff"), "BMP: the run lengths end before the image does"},
		{"BMP with run lengths cut", cut(rle, len(rle)/2), "BMP: the file is cut short"},

		{"TIFF of its signature", tiff[:4], "TIFF: the file is cut short"},
		{"TIFF cut", cut(tiff, len(tiff)/2), "TIFF: the file is cut short"},
		{"TIFF whose directory is beyond its end", []byte("II*\x00\xff\xff\xff\x7f"), "TIFF: the file is cut short"},
		{"TIFF without entries", tiffOf(""), "TIFF: the header says 0x0 pixels: there are none"},
		{"TIFF bomb", tiffOf("", [3]uint32{256, 4, 1 << 31}, [3]uint32{257, 4, 1 << 31}, [3]uint32{258, 3, 8}, [3]uint32{259, 3, 1}, [3]uint32{262, 3, 1}),
			"TIFF: the header says 2147483648x2147483648 pixels, more than the limit of 89478485"},
		{"TIFF that cannot hold its size", tiffOf("", [3]uint32{256, 4, 9000}, [3]uint32{257, 4, 9000}, [3]uint32{258, 3, 8}, [3]uint32{259, 3, 1}, [3]uint32{262, 3, 1}),
			"TIFF: the file is cut short: 74 bytes cannot hold 9000x9000 pixels"},
		{"TIFF with its bits in reverse", oneTIFF([3]uint32{266, 3, 2}), "TIFF: bytes whose bits stand in reverse (FillOrder 2) are not supported"},
		{"TIFF of planes", set(source(t, "rgb16.tiff"), "\x17\x01\x04\x00\x01", 0, "\x1c\x01\x03\x00\x01\x00\x00\x00\x02\x00"),
			"TIFF: planes of their own (PlanarConfiguration 2) are only supported for 3 or 4 colours of 8 bits"},
		{"TIFF of planes cut", cut(source(t, "planes_rgb.tiff"), -300), "TIFF: the file is cut short"},
		{"TIFF of planes that are not there", set(source(t, "planes_rgb.tiff"), "\x11\x01\x04\x00", 4, "\x02"), "TIFF: invalid format: inconsistent header"},
		{"TIFF of two-dimensional Group 3", oneTIFF([3]uint32{259, 3, 3}, [3]uint32{292, 3, 1}), "TIFF: two-dimensional CCITT Group 3 is not supported"},
		{"TIFF with a predictor without compression", oneTIFF([3]uint32{317, 3, 2}), "TIFF: a predictor is only supported with LZW and deflate"},
		{"TIFF of tiles far beyond its border", set(source(t, "border_gray.tiff"), "\x42\x01\x03\x00\x01", 8, "\xff\xff"),
			"TIFF: invalid format: not enough pixel data"},
	}
	if len(tests) < 40 {
		t.Errorf("only %d files", len(tests))
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var m Image
			err := Decode(&m, tt.data, Options{})
			runtime.ReadMemStats(&after)
			if want := "imageproc: " + tt.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			} else if strings.Contains(err.Error(), "\n") {
				t.Error("the error has several lines")
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
				t.Errorf("%d bytes were allocated", n)
			}
		})
	}
}

// heightOf and widthOf return a side of a baseline JPEG, sizeOf the number of its bytes, as text.
func heightOf(b []byte) string { return number(int(b[bytes.Index(b, []byte("\xff\xc0"))+6])) }
func widthOf(b []byte) string  { return number(int(b[bytes.Index(b, []byte("\xff\xc0"))+8])) }
func sizeOf(b []byte) string   { return number(len(b)) }
func number(n int) string      { return strconv.Itoa(n) }

// flood fills the scan of a JPEG with a byte.
func flood(b []byte, v byte) []byte {
	b = bytes.Clone(b)
	from := bytes.Index(b, []byte("\xff\xda"))
	from += 2 + int(b[from+2])<<8 + int(b[from+3])
	for i := from; i < len(b)-2; i++ {
		b[i] = v
	}
	return b
}

// manyScans repeats the first scan of a progressive JPEG.
func manyScans(b []byte) []byte {
	from := bytes.Index(b, []byte("\xff\xda"))
	to := from + 2 + bytes.Index(b[from+2:], []byte("\xff\xc4")) // the table of the next scan
	out := bytes.Clone(b[:from])
	for range 300 {
		out = append(out, b[from:to]...)
	}
	return append(out, "\xff\xd9"...)
}

// gifOf returns a GIF with the sizes of a screen and a frame, and codes of 12 bits.
func gifOf(screen, frame string) []byte {
	return []byte("GIF87a" + screen + "\x00\x00\x00,\x00\x00\x00\x00" + frame + "\x00\x0c\x05\x00\x01\x04\x08\x08\x00;")
}
